"""Books in the words of the desk: some portfolios that drifted, against two models."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from steelyard.rebalance.book_parts import PartDesk, PartResult, packed, ungrouped
from steelyard.rebalance.book_plan import PART_ACCOUNTS_MAX, parts_of, plan_accounts, shared_inputs
from steelyard.rebalance.book_wire import read_book
from tests.rebalance.desk import book

NAMES = ("A", "B", "C", "D")
MODELS = {"calm": {"A": "0.5", "B": "0.3"}, "brisk": {"B": "0.2", "C": "0.4", "D": "0.3"}}


def shared_body(**options: Any) -> dict[str, Any]:
    """What all accounts share, as JSON: four instruments in two currencies and two models."""
    single = book(
        prices={"A": "10.05", "B": ("20.5", "USD"), "C": 7, "D": "113.1"},
        fx={"USD/CHF": "0.9"},
        shelf={name: {"asset_class": "EQUITY", "attributes": {"sector": name}} for name in NAMES},
        **options,
    )
    return {
        **{name: single[name] for name in ("market_data_snapshot", "shelf_entries", "options")},
        "models": {
            name: {"targets": [{"instrument_id": one, "weight": weight} for one, weight in targets.items()]}
            for name, targets in MODELS.items()
        },
    }


def account(number: int, **given: Any) -> dict[str, Any]:
    """An account whose holdings follow from its number."""
    dice = random.Random(number)
    held = {name: dice.randrange(200) for name in dice.sample(NAMES, 3)}
    snapshot = book(holdings=held, cash={"CHF": dice.randrange(5000), "USD": dice.randrange(300)})["portfolio_snapshot"]
    named = {**snapshot, "portfolio_id": f"pf-{number:03d}"}
    return {"portfolio_snapshot": named, "model": dice.choice(list(MODELS)), **given}


def book_body(numbers: Iterable[int] = range(6), **options: Any) -> dict[str, Any]:
    """The JSON of a book."""
    return {**shared_body(**options), "portfolios": [account(number) for number in numbers]}


def single_of(body: Mapping[str, Any], one: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON of the request that an account of a book stands for."""
    return {
        "portfolio_snapshot": one["portfolio_snapshot"],
        "market_data_snapshot": body["market_data_snapshot"],
        "model_portfolio": body["models"][one["model"]],
        "shelf_entries": body["shelf_entries"],
        "options": {**body["options"], **(one.get("options") or {})},
    }


def packed_book(
    body: Mapping[str, Any], *, size: int = PART_ACCOUNTS_MAX, pack: Any = None
) -> tuple[bytes, list[bytes]]:
    """What the accounts share, and parts of so many accounts, as the store keeps them."""
    given = read_book(json.dumps(body).encode())
    accounts = plan_accounts(given, {})
    parts = [
        packed(part) for start in range(0, len(accounts), size) for part in parts_of(accounts[start : start + size], {})
    ]
    return shared_inputs(given, pack, "corr-1"), parts


def results_of(encoded: bytes) -> tuple[PartResult, list[bytes]]:
    """What a part came to, and the results of its accounts."""
    result = msgspec.msgpack.decode(encoded, type=PartResult)
    return result, [one for _, group in result.groups for one in ungrouped(group)]


def worked_on(body: Mapping[str, Any], **words: Any) -> tuple[PartResult, list[bytes]]:
    """What a book in one part came to."""
    shared, (part,) = packed_book(body, **words)
    return results_of(PartDesk(shared).work(part))
