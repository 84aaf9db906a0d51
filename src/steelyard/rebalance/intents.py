"""From target weights to orders: whole units, tax lots respected, dust left alone.

A trade is the difference between the value aimed at and the current value, in the instrument's
currency, rounded down to whole units on both sides.  A locked holding is never traded.

Source: contract dpm, section 6.7; section 16, no. 1, 5 and 8.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

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


@dataclass(frozen=True, slots=True)
class TradePlan:
    """What the orders of a run are made from.

    Attributes:
        held: positions by instrument, the first of each.
        locked: instruments that must not trade.
        gains: the budget of realised gains; None when tax lots play no part.
    """

    base_currency: str
    held: Mapping[str, Position]
    locked: frozenset[str] | set[str]
    market: Market
    shelf: Shelf
    options: EngineOptions
    gains: GainsBudget | None
    guard: LotGuard | None = None


def plan_trades(trace: Iterable[TargetInstrument], plan: TradePlan, diagnostics: Diagnostics) -> list[SecurityTrade]:
    """The orders that bring the holdings to their targets, in the order of ``trace``.

    Instruments without price or rate are noted and left out; trades below their minimum are noted
    as suppressed.
    """
    trades: list[SecurityTrade] = []
    prices, base, missing = plan.market.prices, plan.base_currency, diagnostics.data_quality
    for target in trace:
        instrument = target.instrument_id
        price = prices.get(instrument)
        if price is None:
            missing.price_missing.append(instrument)
            continue
        rate = plan.market.rate(price.currency, base)
        if rate is None:
            missing.fx_missing.append(f"{price.currency}/{base}")
            continue
        trade = _plan_trade(target, price, rate, plan, diagnostics, intent_id=f"oi_{len(trades) + 1}")
        if trade is not None:
            trades.append(trade)
    return trades


def _plan_trade(
    target: TargetInstrument, price: Money, rate: Decimal, plan: TradePlan, diagnostics: Diagnostics, *, intent_id: str
) -> SecurityTrade | None:
    instrument, currency = target.instrument_id, price.currency
    position = plan.held.get(instrument)
    difference = target.final_value.amount / rate - _current_value(position, price)
    requested = ZERO if instrument in plan.locked else whole_units(abs(difference) / price.amount)
    if requested and (plan.guard is not None or instrument in plan.shelf.lot_sizes):
        requested = _restricted(target, requested, plan, diagnostics, is_purchase=difference > 0)
    quantity = requested
    if plan.gains is not None and position is not None and position.lots and difference <= 0 and requested:
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
    notional = Money(quantity * price.amount, currency)
    threshold = plan.options.min_trade_notional or plan.shelf.minimums.get(instrument)
    smallest = None if threshold is None else _converted(threshold, currency, plan.market)
    if smallest is not None and notional.amount < smallest and threshold and plan.options.suppress_dust_trades:
        suppressed = SuppressedIntent(instrument, "BELOW_MIN_NOTIONAL", notional, threshold)
        diagnostics.suppressed_intents.append(suppressed)
        return None
    if quantity <= 0:
        return None
    in_base = notional if rate is ONE else Money(notional.amount * rate, plan.base_currency)
    return SecurityTrade(
        intent_id,
        instrument,
        "BUY" if difference > 0 else "SELL",
        quantity,
        notional,
        in_base,
        (),
        _REBALANCE,
        _SET_CONSTRAINTS[smallest is not None, quantity < requested],
    )


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


def _current_value(position: Position | None, price: Money) -> Decimal:
    if position is None:
        return ZERO
    if position.market_value is not None:
        return position.market_value.amount
    return position.quantity * price.amount
