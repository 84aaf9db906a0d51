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
    for intent in intents:
        if isinstance(intent, FxSpot):
            cash[intent.sell_currency] = cash.get(intent.sell_currency, ZERO) - intent.sell_amount_estimated
            cash[intent.buy_currency] = cash.get(intent.buy_currency, ZERO) + intent.buy_amount
        else:
            instrument, currency, amount = intent.instrument_id, intent.notional.currency, intent.notional.amount
            held, balance = units.get(instrument, ZERO), cash.get(currency, ZERO)
            if intent.side == "BUY":
                units[instrument], cash[currency] = held + intent.quantity, balance - amount
            else:
                units[instrument], cash[currency] = held - intent.quantity, balance + amount
    return _with_units(positions, units), with_amounts(cash_balances, cash)


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
