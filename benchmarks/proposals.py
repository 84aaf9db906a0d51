"""How many advisory proposals one core simulates per second: five trades on a hundred positions.

    python benchmarks/proposals.py [--seconds 2] [--creations 2000]

Timed from the typed request to the bytes of the answer, again with the artifact and its hash, and
from the bytes of the request to the artifact.
Last, proposals of fifteen positions and five trades are created over HTTP on a server process with
embedded data, each stored under a key of its own, by twenty clients at once without pauses; `create_p99_ms`
is what all but one in a hundred took, from the first byte sent to the last one received.
Before any timing the result is checked.  The last line is JSON; rates are medians of five rounds,
per second of processor time.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import msgspec

from dpm_simulate import rate, wide
from http_load import latencies_ms, serving
from steelyard.proposals.api import propose
from steelyard.proposals.simulation import ProposalIdentity, simulate_proposal
from steelyard.proposals.wire import read_proposal
from steelyard.rebalance.wire import request_hash

CLIENTS = 20


def main() -> None:
    """Check, time, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a measurement")
    parser.add_argument("--creations", type=int, default=2_000, help="proposals created over HTTP")
    arguments = parser.parse_args()
    seconds = arguments.seconds
    body = json.dumps(five_trades()).encode()
    request = read_proposal(body)
    identity = ProposalIdentity("c_none", request_hash(request))
    result = simulate_proposal(request, identity)
    assert result.status != "BLOCKED", result.rule_results
    assert len(result.diagnostics.funding_plan) == 3
    figures = {
        "simulate_per_s": rate(lambda: simulate_proposal(request, identity).to_bytes(), seconds),
        "artifact_from_bytes_per_s": rate(lambda: msgspec.json.encode(propose(body).artifact), seconds),
        "artifact_per_s": rate(lambda: json.dumps(propose(request).artifact).encode(), seconds),
    }
    print(json.dumps({name: round(figure) for name, figure in figures.items()} | created_ms(arguments.creations)))


def created_ms(count: int) -> dict[str, float]:
    """How long creations over HTTP take, in ms, and their processor time."""
    body = json.dumps({"created_by": "bench", "simulate_request": small()}).encode()
    with serving() as server:
        latencies_ms(server, "/rebalance/proposals", body, clients=CLIENTS, per_client=10)
        before_s = server.cpu_s()
        taken = sorted(latencies_ms(server, "/rebalance/proposals", body, clients=CLIENTS, per_client=count // CLIENTS))
        cpu_ms = 1_000 * (server.cpu_s() - before_s) / len(taken)
    return {
        "create_p50_ms": round(taken[len(taken) // 2], 1),
        "create_p99_ms": round(taken[len(taken) * 99 // 100], 1),
        "create_cpu_ms": round(cpu_ms, 2),
    }


def small() -> dict[str, Any]:
    """A client's book: fifteen positions, one sold, four bought."""
    names = [f"ISIN_{number:02}" for number in range(20)]
    rows = [{"instrument_id": name} for name in names]
    return {
        "portfolio_snapshot": {
            "portfolio_id": "pf-small",
            "base_currency": "CHF",
            "positions": [row | {"quantity": "100"} for row in rows[:15]],
            "cash_balances": [{"currency": "CHF", "amount": "5000"}],
        },
        "market_data_snapshot": {"prices": [row | {"price": "10", "currency": "CHF"} for row in rows]},
        "shelf_entries": [row | {"status": "APPROVED", "asset_class": "EQUITY"} for row in rows],
        "options": {"enable_proposal_simulation": True},
        "proposed_trades": [
            {"side": "SELL" if number == 1 else "BUY", "instrument_id": names[number], "quantity": "5"}
            for number in (1, 3, 16, 17, 18)
        ],
    }


def five_trades() -> dict[str, Any]:
    """Two sales and three purchases in three currencies."""
    book = wide("HEURISTIC")
    names = [row["instrument_id"] for row in book["shelf_entries"]]
    del book["model_portfolio"]
    return {
        **book,
        "options": {"enable_proposal_simulation": True},
        "proposed_trades": [
            {"side": "SELL" if index < 2 else "BUY", "instrument_id": name, "quantity": "20"}
            for index, name in enumerate((names[0], names[1], names[103], names[104], names[105]))
        ],
    }


if __name__ == "__main__":
    main()
