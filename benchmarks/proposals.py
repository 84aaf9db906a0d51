"""How many advisory proposals one core simulates per second: five trades on a hundred positions.

    python benchmarks/proposals.py [--seconds 2]

Timed from the typed request to the bytes of the answer, again with the artifact and its hash, and
from the bytes of the request to the artifact.
Before any timing the result is checked.  The last line is JSON; rates are medians of five rounds,
per second of processor time.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import msgspec

from dpm_simulate import rate, wide
from steelyard.proposals.api import propose
from steelyard.proposals.simulation import ProposalIdentity, simulate_proposal
from steelyard.proposals.wire import read_proposal
from steelyard.rebalance.wire import request_hash


def main() -> None:
    """Check, time, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a measurement")
    seconds = parser.parse_args().seconds
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
    print(json.dumps({name: round(figure) for name, figure in figures.items()}))


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
