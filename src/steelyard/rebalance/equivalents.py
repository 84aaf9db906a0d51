"""Stand-ins: what to buy instead of a model target that may not be bought.  Off by default.

A target whose shelf row forbids buying, or that a wash-sale guard holds back, hands its weight to
the first of its equivalents that may be bought and has a price.  The stages after this one see the
changed model.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from steelyard.rebalance.lot_guard import LotGuard
from steelyard.rebalance.market import Market, Shelf
from steelyard.rebalance.result import Diagnostics, TradeAdjustment
from steelyard.rebalance.values import EngineOptions, ModelTarget

EQUIVALENT_USED = "EQUIVALENT_USED"


def use_equivalents(
    model: Sequence[ModelTarget],
    options: EngineOptions,
    market: Market,
    shelf: Shelf,
    *,
    guard: LotGuard | None,
    diagnostics: Diagnostics,
) -> tuple[ModelTarget, ...]:
    """The model with stand-ins in the places of what cannot be bought; an instrument stays listed once."""

    def is_buyable(instrument: str) -> bool:
        row = shelf.rows.get(instrument)
        allowed = row is not None and (
            row.status == "APPROVED" or (row.status == "RESTRICTED" and options.allow_restricted)
        )
        return allowed and (guard is None or guard.reason_not_to_buy(instrument) is None)

    weights: dict[str, Decimal] = {}
    for target in model:
        name = target.instrument_id
        if not is_buyable(name):
            stand_ins = (other for other in options.equivalents.get(name, ()) if other in market.prices)
            chosen = next(filter(is_buyable, stand_ins), None)
            if chosen is not None:
                diagnostics.trade_adjustments.append(TradeAdjustment(name, EQUIVALENT_USED, substitute_id=chosen))
                name = chosen
        weights[name] = weights[name] + target.weight if name in weights else target.weight
    return tuple(ModelTarget(name, weight) for name, weight in weights.items())
