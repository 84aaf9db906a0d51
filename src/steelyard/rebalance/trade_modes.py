"""Only buying, or only raising cash: one side of the trades is left out.  FULL, the default, keeps both.

BUY_ONLY invests what is there and sells nothing, for new money; with ``cash_repair`` the purchases
are cut to the cash at hand.  RAISE_CASH sells and buys nothing; given an amount, it sells the
largest overweights first and stops when the amount is reached.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from msgspec.structs import replace

from steelyard.rebalance.market import Market
from steelyard.rebalance.result import Diagnostics, SecurityTrade, TradeAdjustment
from steelyard.rebalance.turnover import size_of
from steelyard.rebalance.values import ZERO, EngineOptions, Money

RAISED_ENOUGH = "CASH_TARGET_REACHED"
SHORTFALL = "RAISE_CASH_SHORTFALL"


def restrict_trades(
    trades: Sequence[SecurityTrade], options: EngineOptions, base: str, market: Market, diagnostics: Diagnostics
) -> list[SecurityTrade]:
    """The trades that the mode allows, in their order; what is left out or cut is noted."""
    if options.trade_mode == "FULL":
        return list(trades)
    side = "BUY" if options.trade_mode == "BUY_ONLY" else "SELL"
    kept = [trade for trade in trades if trade.side == side]
    for trade in trades:
        if trade.side != side:
            note_cut(trade, ZERO, f"{options.trade_mode}_MODE", diagnostics)
    if options.trade_mode == "RAISE_CASH" and options.cash_to_raise is not None:
        return _raise(kept, options.cash_to_raise, Repricing(base, market), diagnostics)
    return kept


def note_cut(trade: SecurityTrade, allowed: Decimal, reason: str, diagnostics: Diagnostics) -> None:
    """Note that a trade was cut to ``allowed`` units, 0 if it was left out."""
    diagnostics.trade_adjustments.append(TradeAdjustment(trade.instrument_id, reason, trade.quantity, allowed))


@dataclass(frozen=True, slots=True)
class Repricing:
    """Cuts trades to fewer units at their own price and rate."""

    base: str
    market: Market

    def unit_in_base(self, trade: SecurityTrade) -> Decimal:
        """What one unit is worth in base currency."""
        rate = self.market.rate(trade.notional.currency, self.base)
        return self.market.prices[trade.instrument_id].amount * (rate or ZERO)

    def cut(self, trade: SecurityTrade, quantity: Decimal) -> SecurityTrade:
        """The same trade with fewer units."""
        amount = quantity * self.market.prices[trade.instrument_id].amount
        in_base = Money(quantity * self.unit_in_base(trade), self.base)
        return replace(trade, quantity=quantity, notional=replace(trade.notional, amount=amount), notional_base=in_base)


def units_worth(amount: Decimal, unit: Decimal, most: Decimal) -> Decimal:
    """The fewest whole units worth at least ``amount``, at most ``most``."""
    return min(most, (amount / unit).to_integral_value(ROUND_CEILING)) if unit > 0 else most


def _raise(
    sales: list[SecurityTrade], wanted: Decimal, repricing: Repricing, diagnostics: Diagnostics
) -> list[SecurityTrade]:
    kept: dict[str, SecurityTrade] = {}
    for sale in sorted(sales, key=lambda trade: (-size_of(trade), trade.instrument_id, trade.intent_id)):
        units = units_worth(max(ZERO, wanted), repricing.unit_in_base(sale), sale.quantity)
        if units < sale.quantity:
            note_cut(sale, units, RAISED_ENOUGH, diagnostics)
        if units:
            kept[sale.intent_id] = sale if units == sale.quantity else repricing.cut(sale, units)
            wanted -= size_of(kept[sale.intent_id])
    if wanted > 0:
        diagnostics.warn(SHORTFALL)
    return [kept[sale.intent_id] for sale in sales if sale.intent_id in kept]
