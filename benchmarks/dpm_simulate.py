"""How many rebalances one core answers per second, the bytes of the answer included.

    python benchmarks/dpm_simulate.py [--seconds 2]

Three requests: a sample (three positions, one currency), 100 positions against 50 targets with caps
that bind, and the same by projection.  Each is timed from the typed request to the bytes of the
answer, and again from the bytes of the request, with validation and request hash; the second one
over HTTP too, where each run is recorded under its own key before it is answered.  A book of such
portfolios is timed too.  Before any timing, the results are checked: trades as many as planned, caps
that bind, value kept.

The last line is JSON; rates are medians of five rounds, per second of processor time, so that other
work on the machine counts little.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from http_load import serving, simulations_per_s
from steelyard.rebalance.api import simulate
from steelyard.rebalance.book import BookAccount, BookRequest, SharedBook, summarise_book
from steelyard.rebalance.engine import RunIdentity, rebalance
from steelyard.rebalance.wire import read_request, request_hash

ROUNDS = 5
HTTP_REQUESTS = 640


def main() -> None:
    """Check, time, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a round")
    seconds = parser.parse_args().seconds
    requests = {"sample": sample(), "p100x50": wide("HEURISTIC"), "solver": wide("SOLVER")}
    _check(requests)
    figures: dict[str, float] = {}
    for name, request in requests.items():
        body = json.dumps(request).encode()
        typed = read_request(body)
        identity = RunIdentity("rr_00000000", "c_none", request_hash(typed))
        figures[f"{name}_per_s"] = rate(lambda t=typed, i=identity: rebalance(t, i).to_bytes(), seconds)
        figures[f"{name}_from_bytes_per_s"] = rate(lambda b=body: simulate(b).to_bytes(), seconds)
    figures["book_accounts_per_s"] = book_rate(seconds)
    with serving() as server:
        body = json.dumps(requests["p100x50"]).encode()
        rates = [simulations_per_s(server, body, HTTP_REQUESTS) for _ in range(ROUNDS)]
    figures["http_p100x50_per_s"] = statistics.median(of_cpu for of_cpu, _ in rates)
    figures["http_p100x50_wall_per_s"] = statistics.median(of_wall for _, of_wall in rates)
    for name, figure in figures.items():
        print(f"{name:28s} {figure:10,.0f}")
    print(json.dumps({name: round(figure) for name, figure in figures.items()}))


def book_rate(seconds: float) -> float:
    """Accounts of a book per second: 100 positions each against shared models, summary included, no bytes."""
    typed = read_request(json.dumps(wide("HEURISTIC")).encode())
    accounts = tuple(BookAccount(typed.portfolio_snapshot, "m") for _ in range(20))
    request = BookRequest(
        typed.market_data_snapshot, typed.shelf_entries, {"m": typed.model_portfolio}, accounts, typed.options
    )
    identity = RunIdentity("rr_00000000", "c_none", "sha256:0")

    def work() -> bytes:
        desk = SharedBook(request)
        summarise_book([desk.run(account, identity) for account in accounts], desk.market)
        return b""

    return rate(work, seconds) * len(accounts)


def sample() -> dict[str, Any]:
    """Three positions in one currency, one of them to be sold, one new name."""
    instruments = ["EQ_1", "EQ_2", "FI_1", "FI_2"]
    return {
        "portfolio_snapshot": {
            "portfolio_id": "pf_sample",
            "base_currency": "SGD",
            "positions": [{"instrument_id": name, "quantity": "100"} for name in instruments[:3]],
            "cash_balances": [{"currency": "SGD", "amount": "5000.00"}],
        },
        "market_data_snapshot": {
            "prices": [
                {"instrument_id": name, "price": f"{100 + 10 * index}.50", "currency": "SGD"}
                for index, name in enumerate(instruments)
            ],
            "fx_rates": [],
        },
        "model_portfolio": {
            "targets": [{"instrument_id": name, "weight": "0.30"} for name in ("EQ_1", "EQ_2", "FI_2")]
        },
        "shelf_entries": [{"instrument_id": name, "status": "APPROVED"} for name in instruments],
        "options": {},
    }


def wide(method: str) -> dict[str, Any]:
    """100 positions in 3 currencies against 50 targets, 20 of them new; position and group caps bind."""
    dice = random.Random(7)
    currencies = {"CHF": "1", "USD": "0.8842", "EUR": "0.9377"}
    names = [f"INS_{index:03d}" for index in range(120)]
    money = {name: list(currencies)[index % 3] for index, name in enumerate(names)}
    prices = {name: f"{dice.randint(2000, 30000) / 100:.2f}" for name in names}
    held, targets = names[:100], names[70:]
    raw = [dice.uniform(0.5, 2.5) for _ in targets]
    return {
        "portfolio_snapshot": {
            "portfolio_id": "pf_100",
            "base_currency": "CHF",
            "positions": [{"instrument_id": name, "quantity": str(dice.randint(50, 900))} for name in held],
            "cash_balances": [{"currency": "CHF", "amount": "250000.00"}],
        },
        "market_data_snapshot": {
            "prices": [{"instrument_id": n, "price": prices[n], "currency": money[n]} for n in names],
            "fx_rates": [{"pair": f"{c}/CHF", "rate": rate} for c, rate in currencies.items() if c != "CHF"],
        },
        "model_portfolio": {
            "targets": [
                {"instrument_id": name, "weight": f"{0.92 * weight / sum(raw):.4f}"}
                for name, weight in zip(targets, raw, strict=True)
            ]
        },
        "shelf_entries": [
            {
                "instrument_id": name,
                "status": "APPROVED",
                "asset_class": ("EQUITY", "FIXED_INCOME", "FUND")[index % 3],
                "attributes": {"sector": f"S{index % 5}", "region": f"R{index % 4}"},
            }
            for index, name in enumerate(names)
        ],
        "options": {
            "target_method": method,
            "single_position_max_weight": "0.03",
            "group_constraints": {"sector:S1": {"max_weight": "0.12"}, "region:R2": {"max_weight": "0.15"}},
        },
    }


def _check(requests: dict[str, dict[str, Any]]) -> None:
    for name, request in requests.items():
        result = simulate(request)
        assert result.status in {"READY", "PENDING_REVIEW"}, (name, result.status, result.rule_results)
        assert result.reconciliation is not None
        assert abs(result.reconciliation.delta.amount) < Decimal("1E-15")
        if name != "sample":
            assert 115 <= len(result.intents) <= 125, len(result.intents)
            largest = max(target.final_weight for target in result.target.targets)
            assert largest == Decimal("0.03"), largest
        if name == "p100x50":
            assert len(result.diagnostics.group_constraint_events) == 2


def rate(work: Callable[[], bytes], seconds: float) -> float:
    """How often ``work`` runs per second of processor time."""
    work()
    rates = []
    for _ in range(ROUNDS):
        count, start = 0, time.process_time()
        while (spent := time.process_time() - start) < seconds / ROUNDS:
            work()
            count += 1
        rates.append(count / spent)
    return statistics.median(rates)


if __name__ == "__main__":
    main()
