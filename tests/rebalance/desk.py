"""Rebalances in the words of the desk: what is held, what is wanted, what was traded.

    run(holdings={"A": 100}, prices={"A": 10, "B": 20}, cash=500, model={"B": "0.5"})

Amounts may be int, text or Decimal; a price is an amount in base currency or ``(amount, currency)``;
whatever is held, wanted or priced is on the shelf as APPROVED unless ``shelf`` says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from steelyard.rebalance.engine import RunIdentity, rebalance
from steelyard.rebalance.result import FxSpot, RebalanceResult, RuleResult, SecurityTrade
from steelyard.rebalance.values import RebalanceRequest
from steelyard.rebalance.wire import read_request

BASE = "CHF"
IDENTITY = RunIdentity("rr_00000000", "c_none", "sha256:" + "0" * 64)


def book(
    *,
    holdings: Mapping[str, Any] | None = None,
    cash: Any = 0,
    prices: Mapping[str, Any] | None = None,
    fx: Mapping[str, Any] | None = None,
    model: Mapping[str, Any] | None = None,
    shelf: Mapping[str, Any] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """The JSON of a request."""
    holdings, prices, model, shelf = holdings or {}, prices or {}, model or {}, shelf or {}
    balances = cash if isinstance(cash, Mapping) else {BASE: cash}
    names = dict.fromkeys([*holdings, *model, *prices, *shelf])
    return {
        "portfolio_snapshot": {
            "portfolio_id": "pf",
            "base_currency": BASE,
            "positions": [_position(name, held) for name, held in holdings.items()],
            "cash_balances": [
                {"currency": currency, **(row if isinstance(row, Mapping) else {"amount": str(row)})}
                for currency, row in balances.items()
            ],
        },
        "market_data_snapshot": {
            "prices": [_price(name, price) for name, price in prices.items()],
            "fx_rates": [{"pair": pair, "rate": str(rate)} for pair, rate in (fx or {}).items()],
        },
        "model_portfolio": {
            "targets": [{"instrument_id": name, "weight": str(weight)} for name, weight in model.items()]
        },
        "shelf_entries": [row for name in names if (row := _shelf_row(name, shelf.get(name, "APPROVED")))],
        "options": options,
    }


def run(**words: Any) -> Any:
    """What becomes of a :func:`book`; of any type, so that tests may look into its optional parts."""
    return answer(read_request(book(**words)))


def answer(request: RebalanceRequest) -> RebalanceResult:
    """What becomes of a request, always under the same name."""
    return rebalance(request, IDENTITY)


def money(amount: Any, currency: str = BASE) -> dict[str, str]:
    """An amount as the options and shelf rows take it."""
    return {"amount": str(amount), "currency": currency}


def lot(name: str, quantity: Any, cost: Any, *, bought: str = "2020-01-01", currency: str = BASE) -> dict[str, Any]:
    """A tax lot; ``cost`` is per unit."""
    return {
        "lot_id": name,
        "quantity": str(quantity),
        "unit_cost": money(cost, currency),
        "purchase_date": bought,
    }


def traded(result: RebalanceResult) -> dict[str, Decimal]:
    """Units bought (+) or sold (-) of each instrument."""
    return {
        trade.instrument_id: trade.quantity if trade.side == "BUY" else -trade.quantity
        for trade in result.intents
        if isinstance(trade, SecurityTrade)
    }


def exchanged(result: RebalanceResult) -> list[tuple[str, Decimal, str, Decimal]]:
    """Exchanges as (bought currency, amount, sold currency, amount)."""
    return [
        (fx.buy_currency, fx.buy_amount, fx.sell_currency, fx.sell_amount_estimated)
        for fx in result.intents
        if isinstance(fx, FxSpot)
    ]


def cash_after(result: RebalanceResult) -> dict[str, Decimal]:
    """Cash by currency after the trades."""
    return {row.currency: row.amount for row in result.after_simulated.cash_balances}


def weights(result: RebalanceResult) -> dict[str, Decimal]:
    """The weights aimed at."""
    return {target.instrument_id: target.final_weight for target in result.target.targets}


def rule(result: RebalanceResult, rule_id: str) -> RuleResult:
    """The (first) row of a rule."""
    return next(row for row in result.rule_results if row.rule_id == rule_id)


def _position(name: str, held: Any) -> dict[str, Any]:
    return {"instrument_id": name, **(held if isinstance(held, Mapping) else {"quantity": str(held)})}


def _price(name: str, price: Any) -> dict[str, str]:
    amount, currency = price if isinstance(price, tuple) else (price, BASE)
    return {"instrument_id": name, "price": str(amount), "currency": currency}


def _shelf_row(name: str, row: Any) -> dict[str, Any] | None:
    if row is None:
        return None
    fields = row if isinstance(row, Mapping) else {"status": row}
    return {"instrument_id": name, "status": "APPROVED", **fields}
