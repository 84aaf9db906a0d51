"""Target weights by rule: redistribute, cap, make room for cash.

The rules run in a fixed order and each changes the weights that the next one sees.  A rule that
cannot be kept makes the result one for review; only a group cap whose excess nobody can take
blocks.  Locked holdings are never scaled: what they exceed is reported.

Source: contract dpm, section 6.3; section 16, no. 1.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from decimal import Decimal

from msgspec import Struct

from steelyard.rebalance.groups import cap_groups
from steelyard.rebalance.market import Shelf
from steelyard.rebalance.result import Diagnostics, TargetInstrument
from steelyard.rebalance.universe import Universe
from steelyard.rebalance.values import ONE, ZERO, EngineOptions, ModelTarget, Money, Status

_FULLY_INVESTED_MAX = Decimal("1.0001")
_UNPLACED_MAX = Decimal("0.001")
_NO_WEIGHT = Decimal("0.0")


class Targets(Struct, frozen=True, gc=False):
    """The weights to aim at; None if the stage could not find any, which blocks the run."""

    status: Status
    weights: dict[str, Decimal] | None


TargetMethodFunction = Callable[[Universe, EngineOptions, Shelf, Diagnostics], Targets]


def heuristic_targets(universe: Universe, options: EngineOptions, shelf: Shelf, diagnostics: Diagnostics) -> Targets:
    """Weights by the rules, in their order; ``universe`` stays as it is."""
    weights, buyable = dict(universe.weights), universe.buyable
    settled = redistribute_sell_only(weights, universe)
    if options.group_constraints:
        groups = cap_groups(weights, universe, options.group_constraints, shelf, diagnostics)
        if groups == "BLOCKED":
            return Targets("BLOCKED", None)
        settled &= groups == "READY"
    settled &= _fit_into_one(weights, buyable)
    if options.single_position_max_weight is not None:
        settled &= _cap_positions(weights, universe, options.single_position_max_weight, diagnostics)
    if options.min_cash_buffer_pct > 0:
        settled &= _keep_cash(weights, buyable, options.min_cash_buffer_pct)
    return Targets("READY" if settled else "PENDING_REVIEW", weights)


def redistribute_sell_only(weights: dict[str, Decimal], universe: Universe) -> bool:
    """Share the model weight of sell-only instruments among the buyable ones; False if there is nobody."""
    excess = universe.sell_only_excess
    if excess <= 0:
        return True
    total = _sum_of(weights, universe.buyable)
    if not total:
        return False
    for instrument in universe.buyable:
        weights[instrument] += excess * (weights[instrument] / total)
    return True


def trace_targets(
    model: Sequence[ModelTarget], weights: dict[str, Decimal], buyable: Collection[str], total: Decimal, base: str
) -> list[TargetInstrument]:
    """What became of each model target, then what is aimed at beside the model."""
    trace, nothing = [], Money(total * ZERO, base)  # one amount for all that is to be sold
    for target in model:
        instrument, wanted = target.instrument_id, target.weight
        final = weights.get(instrument, _NO_WEIGHT)
        tags = _CAPPED if wanted > final else _RECIPIENT if final > wanted else ()
        trace.append(TargetInstrument(instrument, wanted, final, Money(total * final, base), tags))
    listed = {target.instrument_id for target in model}
    for instrument, final in weights.items():
        if instrument not in listed:
            tags = _IMPLICIT_SELL if not final or instrument in buyable else _LOCKED
            value = nothing if final is ZERO else Money(total * final, base)
            trace.append(TargetInstrument(instrument, _NO_WEIGHT, final, value, tags))
    return trace


_CAPPED = ("CAPPED_BY_MAX_WEIGHT",)
_RECIPIENT = ("REDISTRIBUTED_RECIPIENT",)
_IMPLICIT_SELL = ("IMPLICIT_SELL_TO_ZERO",)
_LOCKED = ("LOCKED_POSITION",)


def _fit_into_one(weights: dict[str, Decimal], buyable: Collection[str]) -> bool:
    """Scale the buyable weights into what locked holdings leave of 1."""
    if sum(weights.values()) <= _FULLY_INVESTED_MAX:
        return True
    locked = _sum_of(weights, [name for name in weights if name not in buyable])
    return _scale_to(weights, buyable, max(ZERO, ONE - locked)) and locked <= 1


def _keep_cash(weights: dict[str, Decimal], buyable: Collection[str], buffer: Decimal) -> bool:
    """Scale the buyable weights into what locked holdings and the cash buffer leave of 1."""
    locked = _sum_of(weights, [name for name in weights if name not in buyable])
    return _scale_to(weights, buyable, max(ZERO, ONE - buffer - locked))


def _scale_to(weights: dict[str, Decimal], buyable: Collection[str], space: Decimal) -> bool:
    """Shrink the buyable weights to ``space``; False if that was necessary."""
    bought = _sum_of(weights, buyable)
    if bought <= space:
        return True
    factor = space / bought
    for instrument in buyable:
        weights[instrument] *= factor
    return False


def _cap_positions(weights: dict[str, Decimal], universe: Universe, cap: Decimal, diagnostics: Diagnostics) -> bool:
    """Clamp every weight to ``cap`` and pour what that frees into those below it, in their order.

    Each takes its share of what is still left, so later shares are smaller; that is the contract.
    """
    locked = universe.locked
    unreachable = [name for name in weights if name in locked and weights[name] > cap] if locked else []
    for name in unreachable:
        diagnostics.warn(f"CAP_UNREACHABLE_LOCKED_{name}")
    above = [name for name, weight in weights.items() if weight > cap and name not in locked]
    left = _sum_of(weights, above) - cap * len(above)
    for name in above:
        weights[name] = cap
    if left <= 0:
        return not unreachable
    candidates = [(name, weights[name]) for name in universe.buyable if weights[name] < cap]
    total = sum([weight for _, weight in candidates], ZERO)
    if not total:
        return False
    for name, weight in candidates:
        share, room = left * (weight / total), cap - weight
        if room < share:  # noqa: PLR1730 - min() takes a call, for each of many
            share = room
        weights[name] = weight + share
        left -= share
    return left <= _UNPLACED_MAX and not unreachable


def _sum_of(weights: dict[str, Decimal], names: Iterable[str]) -> Decimal:
    return sum([weights[name] for name in names], ZERO)
