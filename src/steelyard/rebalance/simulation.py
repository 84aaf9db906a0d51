"""The portfolio after its orders, each taken at its notional.

Orders are applied one after the other to the running balance: grouping them first could leave a
rounding residue in the 28th digit where the sum is exactly zero.

Source: contract dpm, section 6.11.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from steelyard.rebalance.result import FxSpot, Intent
from steelyard.rebalance.values import ZERO, CashBalance, Position


def apply_intents(
    positions: Sequence[Position], cash_balances: Sequence[CashBalance], intents: Iterable[Intent]
) -> tuple[list[Position], tuple[CashBalance, ...]]:
    """Positions and cash after ``intents``; what is not there yet is added at the end.

    If an instrument or currency is listed twice, its first row takes the change.
    """
    units = {row.instrument_id: row.quantity for row in reversed(positions)}
    cash = {row.currency: row.amount for row in reversed(cash_balances)}
    _apply(intents, units, cash)
    return _with_units(positions, units), with_amounts(cash_balances, cash)


def _apply(intents: Iterable[Intent], units: dict[str, Decimal], cash: dict[str, Decimal]) -> None:
    """Change units and cash by ``intents``, one after the other."""
    for intent in intents:
        if isinstance(intent, FxSpot):
            cash[intent.sell_currency] = cash.get(intent.sell_currency, ZERO) - intent.sell_amount_estimated
            cash[intent.buy_currency] = cash.get(intent.buy_currency, ZERO) + intent.buy_amount
            continue
        instrument, notional = intent.instrument_id, intent.notional
        currency = notional.currency
        if intent.side == "BUY":
            units[instrument] = units.get(instrument, ZERO) + intent.quantity
            cash[currency] = cash.get(currency, ZERO) - notional.amount
        else:
            units[instrument] = units.get(instrument, ZERO) - intent.quantity
            cash[currency] = cash.get(currency, ZERO) + notional.amount


def units_after(
    names: Sequence[str], quantities: Sequence[Decimal], cash_balances: Sequence[CashBalance], intents: Iterable[Intent]
) -> tuple[list[str], list[Decimal], tuple[CashBalance, ...]]:
    """The same in columns: instruments, units of each, cash."""
    cash = {row.currency: row.amount for row in reversed(cash_balances)}
    units = dict(zip(names, quantities, strict=True))
    if len(units) == len(names):
        _apply(intents, units, cash)
        return list(units), list(units.values()), with_amounts(cash_balances, cash)
    units = dict(zip(reversed(names), reversed(quantities), strict=True))  # of one listed twice the first row
    _apply(intents, units, cash)
    listed = [units.pop(name, quantity) for name, quantity in zip(names, quantities, strict=True)]
    return [*names, *units], [*listed, *units.values()], with_amounts(cash_balances, cash)


def _with_units(positions: Sequence[Position], units: dict[str, Decimal]) -> list[Position]:
    after = []
    for row in positions:
        quantity = units.pop(row.instrument_id, row.quantity)
        after.append(row if quantity is row.quantity else Position(row.instrument_id, quantity, row.market_value))
    return after + [Position(instrument, quantity) for instrument, quantity in units.items()]


def with_amounts(balances: Sequence[CashBalance], cash: Mapping[str, Decimal]) -> tuple[CashBalance, ...]:
    """The rows with new amounts; a currency that has no row yet gets one at the end."""
    after, cash = [], dict(cash)
    for row in balances:
        amount = cash.pop(row.currency, row.amount)
        after.append(row if amount is row.amount else CashBalance(row.currency, amount, row.settled, row.pending))
    return (*after, *[CashBalance(currency, amount) for currency, amount in cash.items()])
