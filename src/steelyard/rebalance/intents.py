"""From target weights to orders: whole units, tax lots respected, dust left alone.

A trade is the difference between the value aimed at and the current value, in the instrument's
currency, rounded down to whole units on both sides.  A locked holding is never traded.

Source: contract dpm, section 6.7; section 16, no. 1, 5 and 8.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import Literal

from msgspec import Struct

from steelyard.rebalance.lot_guard import LotGuard
from steelyard.rebalance.market import Market, Shelf
from steelyard.rebalance.result import (
    Diagnostics,
    Rationale,
    SecurityTrade,
    SuppressedIntent,
    TargetInstrument,
    TradeAdjustment,
)
from steelyard.rebalance.tax_lots import GainsBudget, sellable_quantity
from steelyard.rebalance.values import ONE, ZERO, EngineOptions, Money, Position

_WHOLE_MAX = Decimal("1E27")  # above it a quotient of 28 digits may be too long for the operator //
_REBALANCE = Rationale("DRIFT_REBALANCE", "Brings the weight to its target.")
_SET_CONSTRAINTS = {
    (False, False): (),
    (True, False): ("MIN_NOTIONAL",),
    (False, True): ("TAX_BUDGET",),
    (True, True): ("MIN_NOTIONAL", "TAX_BUDGET"),
}
LOT_SIZE = "LOT_SIZE"

Side = Literal["BUY", "SELL"]


class TradePlan(Struct, frozen=True, gc=False):
    """What the orders of a run are made from.

    Attributes:
        positions: those held.
        values: of the positions, in the currencies of their prices.
        locked: instruments that must not trade.
        gains: the budget of realised gains; None when tax lots play no part.
    """

    base_currency: str
    positions: Sequence[Position]
    values: Sequence[Decimal]
    locked: frozenset[str] | set[str]
    market: Market
    shelf: Shelf
    options: EngineOptions
    gains: GainsBudget | None
    guard: LotGuard | None = None

    def is_plain(self) -> bool:
        """Whether nothing but target and current value decides about a trade."""
        shelf = self.shelf
        is_free = self.gains is None and self.guard is None and not shelf.lot_sizes
        return is_free and self.options.min_trade_notional is None and not shelf.minimums

    def current_values(self) -> dict[str, Decimal]:
        """What is held of each instrument, the first position of each; the custodian's value counts if there is one."""
        return {
            position.instrument_id: value if position.market_value is None else position.market_value.amount
            for position, value in zip(reversed(self.positions), reversed(self.values), strict=True)
        }


def plan_trades(trace: Iterable[TargetInstrument], plan: TradePlan, diagnostics: Diagnostics) -> list[SecurityTrade]:
    """The orders that bring the holdings to their targets, in the order of ``trace``.

    Instruments without price or rate are noted and left out; trades below their minimum are noted
    as suppressed.
    """
    # One loop without calls for what every trade needs: 120 targets took 193 us, and take 150.
    trades: list[SecurityTrade] = []
    prices, locked, missing = plan.market.prices, plan.locked, diagnostics.data_quality
    base, current, rates = plan.base_currency, plan.current_values(), _RatesTo(plan.base_currency, plan.market)
    limits = None if plan.is_plain() else _Limits(plan, diagnostics)
    for target in trace:
        instrument = target.instrument_id
        price = prices.get(instrument)
        if price is None:
            missing.price_missing.append(instrument)
            continue
        unit, currency = price.amount, price.currency
        rate = rates[currency]
        if rate is None:
            missing.fx_missing.append(f"{currency}/{base}")
            continue
        difference, held = target.final_value.amount, current.get(instrument)
        if rate is not ONE:  # a quotient by ONE is the same, digit for digit
            difference /= rate
        if held is not None:
            difference -= held
        side: Side = "BUY" if difference > 0 else "SELL"
        units = ZERO if instrument in locked else abs(difference) / unit
        quantity = units // ONE if units < _WHOLE_MAX else whole_units(units)
        constraints: tuple[str, ...] = ()
        if limits is not None:
            quantity, constraints = limits.apply(target, quantity, price, rate, is_purchase=side == "BUY")
        if quantity > 0:
            name, notional = f"oi_{len(trades) + 1}", Money(quantity * unit, currency)
            in_base = notional if rate is ONE else Money(notional.amount * rate, base)
            trades.append(
                SecurityTrade(name, instrument, side, quantity, notional, in_base, (), _REBALANCE, constraints)
            )
    return trades


class _RatesTo(dict[str, Decimal | None]):
    """Rates to one currency by the other, each looked up once."""

    def __init__(self, base: str, market: Market) -> None:
        super().__init__()
        self._base, self._market = base, market

    def __missing__(self, currency: str) -> Decimal | None:
        self[currency] = rate = self._market.rate(currency, self._base)
        return rate


class _Limits:
    """What may cut a trade or leave it out: lot sizes, guards, tax lots, minimums."""

    __slots__ = ("_diagnostics", "_held", "_plan")

    def __init__(self, plan: TradePlan, diagnostics: Diagnostics) -> None:
        self._plan, self._diagnostics = plan, diagnostics
        self._held = {position.instrument_id: position for position in reversed(plan.positions)}

    def apply(
        self, target: TargetInstrument, requested: Decimal, price: Money, rate: Decimal, *, is_purchase: bool
    ) -> tuple[Decimal, tuple[str, ...]]:
        """The quantity to trade, 0 for none, and the constraints that were looked at."""
        plan, diagnostics, instrument = self._plan, self._diagnostics, target.instrument_id
        position = self._held.get(instrument)
        if requested and (plan.guard is not None or instrument in plan.shelf.lot_sizes):
            requested = _restricted(target, requested, plan, diagnostics, is_purchase=is_purchase)
        quantity = requested
        if plan.gains is not None and position is not None and position.lots and not is_purchase and requested:
            quantity = sellable_quantity(
                instrument,
                position.lots,
                requested,
                price,
                rate,
                budget=plan.gains,
                market=plan.market,
                diagnostics=diagnostics,
                guard=plan.guard,
            )
        threshold = plan.options.min_trade_notional or plan.shelf.minimums.get(instrument)
        smallest = None if threshold is None else _converted(threshold, price.currency, plan.market)
        if smallest is not None and threshold is not None and plan.options.suppress_dust_trades:
            notional = Money(quantity * price.amount, price.currency)
            if notional.amount < smallest:
                suppressed = SuppressedIntent(instrument, "BELOW_MIN_NOTIONAL", notional, threshold)
                diagnostics.suppressed_intents.append(suppressed)
                return ZERO, ()
        return quantity, _SET_CONSTRAINTS[smallest is not None, quantity < requested]


def whole_units(quantity: Decimal) -> Decimal:
    """``quantity`` >= 0 without its fraction."""
    if quantity < _WHOLE_MAX:
        return quantity // ONE
    return quantity.to_integral_value(ROUND_FLOOR)


def _restricted(
    target: TargetInstrument, wanted: Decimal, plan: TradePlan, diagnostics: Diagnostics, *, is_purchase: bool
) -> Decimal:
    """``wanted`` in whole lots, nothing where a purchase has to wait; selling out may leave no odd lot behind."""
    instrument, allowed = target.instrument_id, wanted
    reason = plan.guard.reason_not_to_buy(instrument) if plan.guard is not None and is_purchase else None
    if reason is not None:
        diagnostics.warn(reason)
        allowed = ZERO
    elif (lot := plan.shelf.lot_sizes.get(instrument)) is not None and (is_purchase or target.final_weight):
        reason, allowed = LOT_SIZE, whole_units(wanted / lot) * lot
    if reason is not None and allowed < wanted:
        diagnostics.trade_adjustments.append(TradeAdjustment(instrument, reason, wanted, allowed))
    return allowed


def _converted(threshold: Money, currency: str, market: Market) -> Decimal | None:
    """The threshold in ``currency``; one that cannot be converted counts as none."""
    rate = market.rate(threshold.currency, currency)
    return None if rate is None else threshold.amount * rate
