"""Proposals in the words of the desk, on top of those of the rebalance tests.

run(holdings={"A": 100}, prices={"A": 10}, cash=500, flows=[("CHF", 100)], trades=[buy("A", 5)])
"""

from __future__ import annotations

from typing import Any

from steelyard.proposals.api import propose
from tests.rebalance.desk import BASE, book, money


def proposal(
    *, flows: Any = (), trades: Any = (), reference: dict[str, Any] | None = None, **words: Any
) -> dict[str, Any]:
    """The JSON of a proposal; the other words are those of a rebalance book."""
    plain = book(**words)
    del plain["model_portfolio"]
    plain["options"] = {"enable_proposal_simulation": True, **plain["options"]}
    return {
        **plain,
        "proposed_cash_flows": [{"currency": currency, "amount": str(amount)} for currency, amount in flows],
        "proposed_trades": list(trades),
        "reference_model": reference,
    }


def run(**words: Any) -> Any:
    """What becomes of a :func:`proposal`; of any type, so that tests may look into its optional parts."""
    return propose(proposal(**words), correlation_id="corr").result


def document(**words: Any) -> dict[str, Any]:
    """The artifact of a :func:`proposal`."""
    return propose(proposal(**words), correlation_id="corr").artifact


def buy(name: str, quantity: Any) -> dict[str, Any]:
    """Buy so many units."""
    return {"side": "BUY", "instrument_id": name, "quantity": str(quantity)}


def sell(name: str, quantity: Any) -> dict[str, Any]:
    """Sell so many units."""
    return {"side": "SELL", "instrument_id": name, "quantity": str(quantity)}


def buy_for(name: str, amount: Any, currency: str = BASE) -> dict[str, Any]:
    """Buy for an amount."""
    return {"side": "BUY", "instrument_id": name, "notional": money(amount, currency)}


def reference(classes: dict[str, Any], instruments: dict[str, Any] | None = None, *, currency: str = BASE) -> Any:
    """A reference model."""
    return {
        "model_id": "mdl",
        "as_of": "2026-02-01",
        "base_currency": currency,
        "asset_class_targets": [{"asset_class": name, "weight": str(weight)} for name, weight in classes.items()],
        "instrument_targets": [
            {"instrument_id": name, "weight": str(weight)} for name, weight in (instruments or {}).items()
        ],
    }
