"""Target weights by projection: as near to the model as cash band and caps allow.

The variables are the buyable instruments; what is locked takes its share of every bound.

Source: contract dpm, section 6.4.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from steelyard.rebalance.market import Shelf
from steelyard.rebalance.projection import NoProjectionError, Row, project
from steelyard.rebalance.result import Diagnostics
from steelyard.rebalance.targets import Targets, redistribute_sell_only
from steelyard.rebalance.universe import Universe
from steelyard.rebalance.values import ONE, ZERO, EngineOptions, Status

_ROUNDING = Decimal("1E-9")  # what the sum of locked weights may exceed a bound by without meaning it


@dataclass(frozen=True, slots=True)
class _GroupCap:
    key: str
    row: Row
    locked: Decimal
    cap: Decimal


def solver_targets(universe: Universe, options: EngineOptions, shelf: Shelf, diagnostics: Diagnostics) -> Targets:
    """The nearest weights within all bounds; BLOCKED with hints if there are none."""
    settled = redistribute_sell_only(dict(universe.weights), universe)  # decides the status, not the weights
    status: Status = "READY" if settled else "PENDING_REVIEW"
    names = list(universe.buyable)
    if not names:
        return Targets(status, dict(universe.weights))
    locked = sum([weight for name, weight in universe.weights.items() if name not in universe.buyable], ZERO)
    lowest = ONE - options.cash_band_max_weight - locked
    highest = _nudged(ONE - options.cash_band_min_weight - locked)
    groups = list(_group_caps(names, universe, options, shelf, diagnostics))
    everyone = tuple(range(len(names)))
    rows = [Row(everyone, highest), *[group.row for group in groups if group.row.members]]
    if lowest > 0:
        rows.insert(1, Row(everyone, lowest, sign=-1))
    infeasible = highest < 0 or lowest > highest + _ROUNDING or any(group.row.bound < 0 for group in groups)
    try:
        model = [universe.weights[name] for name in names]
        weights = None if infeasible else project(model, options.single_position_max_weight, rows)
    except NoProjectionError:
        diagnostics.warn("SOLVER_ERROR")
        return Targets("BLOCKED", None)
    if weights is None:
        diagnostics.warn("INFEASIBLE_INFEASIBLE")
        _hint(diagnostics, options.single_position_max_weight, len(names), (lowest, highest), groups)
        return Targets("BLOCKED", None)
    return Targets(status, {**universe.weights, **dict(zip(names, weights, strict=True))})


def _group_caps(
    names: list[str], universe: Universe, options: EngineOptions, shelf: Shelf, diagnostics: Diagnostics
) -> Iterable[_GroupCap]:
    for key in sorted(options.group_constraints):
        attribute, value = key.split(":", 1)
        if attribute not in shelf.attribute_names:
            diagnostics.warn(f"UNKNOWN_CONSTRAINT_ATTRIBUTE_{attribute}")
            continue
        cap = options.group_constraints[key].max_weight
        group = shelf.group(attribute, value)
        members = tuple(index for index, name in enumerate(names) if name in group)
        locked = sum(
            [weight for name, weight in universe.weights.items() if name in group and name not in universe.buyable],
            ZERO,
        )
        yield _GroupCap(key, Row(members, _nudged(cap - locked)), locked, cap)


def _nudged(bound: Decimal) -> Decimal:
    return ZERO if -_ROUNDING < bound < 0 else bound


def _hint(
    diagnostics: Diagnostics,
    cap: Decimal | None,
    count: int,
    band: tuple[Decimal, Decimal],
    groups: Iterable[_GroupCap],
) -> None:
    """Say which bounds contradict each other, where that can be seen at once."""
    lowest, highest = band
    if lowest > highest:
        diagnostics.warn("INFEASIBILITY_HINT_CASH_BAND_CONTRADICTION")
    if cap is not None and cap * count < lowest:
        diagnostics.warn("INFEASIBILITY_HINT_SINGLE_POSITION_CAPACITY")
    for group in groups:
        if group.locked > group.cap:
            diagnostics.warn(f"INFEASIBILITY_HINT_LOCKED_GROUP_WEIGHT_{group.key}")
