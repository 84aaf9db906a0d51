"""Which lots a sale takes, and how much of it a budget of realised gains allows.

The dearest lots go first (highest cost in, first out), because they realise the least gain.  Gains
use up the budget of the whole run, in the order of the trades; losses do not give any back.

Source: contract dpm, section 6.7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from steelyard.rebalance.lot_guard import LotGuard
from steelyard.rebalance.market import Market
from steelyard.rebalance.result import (
    DataQuality,
    Diagnostics,
    TaxBudgetConstraintEvent,
    TaxImpact,
    TradeAdjustment,
)
from steelyard.rebalance.values import ZERO, Money, TaxLot

_SNAP = Decimal("1E-10")


@dataclass(slots=True)
class GainsBudget:
    """Gains and losses realised so far, in base currency, and the most that gains may come to."""

    limit: Decimal | None
    gains: Decimal = ZERO
    losses: Decimal = ZERO

    def impact(self, base: str) -> TaxImpact:
        """What is reported of the run; the budget counts as used up when only rounding is left of it."""
        limit = used = None
        if self.limit is not None:
            limit = Money(self.limit, base)
            used = limit if self.limit - self.gains <= _SNAP else Money(self.gains, base)
        return TaxImpact(Money(self.gains, base), Money(self.losses, base), limit, used)


@dataclass(frozen=True, slots=True)
class _PricedLot:
    cost: Decimal  # per unit, in the instrument's currency
    lot: TaxLot

    @property
    def rank(self) -> tuple[Decimal, str, str]:
        return self.cost, self.lot.purchase_date, self.lot.lot_id


def sellable_quantity(
    instrument_id: str,
    lots: Sequence[TaxLot],
    requested: Decimal,
    price: Money,
    rate: Decimal,
    *,
    budget: GainsBudget,
    market: Market,
    diagnostics: Diagnostics,
    guard: LotGuard | None = None,
) -> Decimal:
    """How much of ``requested`` guard and budget allow to sell; what it realises is booked to ``budget``.

    ``rate`` is base currency per unit of the price's currency.  If a lot's cost cannot be converted,
    the lots say nothing and all of it may be sold.
    """
    priced = _price_lots(lots, price.currency, market, diagnostics.data_quality)
    if priced is None:
        return requested
    if guard is not None:
        priced, requested = _guarded(
            instrument_id, priced, requested, price.amount, guard=guard, diagnostics=diagnostics
        )
    allowed = _sell_dearest_first(priced, requested, price.amount, rate, budget)
    if allowed < requested:
        diagnostics.warn("TAX_BUDGET_LIMIT_REACHED")
        diagnostics.tax_budget_constraint_events.append(
            TaxBudgetConstraintEvent(instrument_id, requested, allowed, "TAX_BUDGET_LIMIT_REACHED")
        )
    return allowed


def _price_lots(lots: Sequence[TaxLot], currency: str, market: Market, missing: DataQuality) -> list[_PricedLot] | None:
    """The lots with their cost in ``currency``, dearest first; None if a rate is missing."""
    priced = []
    for lot in lots:
        rate = market.rate(lot.unit_cost.currency, currency)
        if rate is None:
            missing.fx_missing.append(f"{lot.unit_cost.currency}/{currency}")
            return None
        priced.append(_PricedLot(lot.unit_cost.amount * rate, lot))
    return sorted(priced, key=lambda one: one.rank, reverse=True)


def _guarded(
    instrument_id: str,
    priced: list[_PricedLot],
    requested: Decimal,
    price: Decimal,
    *,
    guard: LotGuard,
    diagnostics: Diagnostics,
) -> tuple[list[_PricedLot], Decimal]:
    """The lots that may be sold, and how much of ``requested`` they can make up."""
    lots = [one.lot for one in priced]
    reasons = [guard.reason_to_keep(instrument_id, one.lot, price - one.cost, lots) for one in priced]
    free = [one for one, reason in zip(priced, reasons, strict=True) if reason is None]
    within_reach = min(requested, sum([one.lot.quantity for one in free], ZERO))
    if len(free) == len(priced) or within_reach == requested:
        return free, requested
    for reason in sorted({reason for reason in reasons if reason is not None}):
        diagnostics.warn(reason)
        diagnostics.trade_adjustments.append(TradeAdjustment(instrument_id, reason, requested, within_reach))
    return free, within_reach


def _sell_dearest_first(
    priced: Sequence[_PricedLot], requested: Decimal, price: Decimal, rate: Decimal, budget: GainsBudget
) -> Decimal:
    sold = ZERO
    for one in priced:
        if sold >= requested:
            break
        wanted = min(requested - sold, one.lot.quantity)
        gain_per_unit = (price - one.cost) * rate
        allowed = wanted
        if budget.limit is not None and gain_per_unit > 0:
            allowed = min(wanted, max(ZERO, budget.limit - budget.gains) / gain_per_unit)
        if gain_per_unit > 0:
            budget.gains += allowed * gain_per_unit
        else:
            budget.losses -= allowed * gain_per_unit
        sold += allowed
        if allowed < wanted:
            break
    return sold
