"""Group caps: what the instruments that share an attribute may weigh together.

Caps apply one after the other in the order of their keys, each once; a later one may push an
earlier group over its cap again.  What a cap releases goes to the buyable instruments outside the
group, in proportion to their weight.

Source: contract dpm, section 6.3, step 2; section 16, no. 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from steelyard.rebalance.market import Shelf
from steelyard.rebalance.result import Diagnostics, GroupConstraintEvent
from steelyard.rebalance.universe import Universe
from steelyard.rebalance.values import ZERO, GroupConstraint, Status

_TOLERANCE = Decimal("0.0001")


def cap_groups(
    weights: dict[str, Decimal],
    universe: Universe,
    constraints: Mapping[str, GroupConstraint],
    shelf: Shelf,
    diagnostics: Diagnostics,
) -> Status:
    """Apply every cap to ``weights``.

    Returns:
        BLOCKED if a cap releases weight that nobody can take, PENDING_REVIEW if locked holdings
        alone exceed a cap, else READY.
    """
    status: Status = "READY"
    for key in sorted(constraints):
        attribute, value = key.split(":", 1)
        if attribute not in shelf.attribute_names:
            diagnostics.warn(f"UNKNOWN_CONSTRAINT_ATTRIBUTE_{attribute}")
            continue
        members = [name for name in weights if shelf.has_attribute(name, attribute, value)]
        outcome = _cap_group(key, members, weights, universe, constraints[key].max_weight, diagnostics)
        if outcome == "BLOCKED":
            return outcome
        if outcome == "PENDING_REVIEW":
            status = outcome
    return status


def _cap_group(
    key: str,
    members: list[str],
    weights: dict[str, Decimal],
    universe: Universe,
    cap: Decimal,
    diagnostics: Diagnostics,
) -> Status:
    before = sum([weights[name] for name in members], ZERO)
    if not members or before <= cap + _TOLERANCE:
        return "READY"
    locked = sum([weights[name] for name in members if name in universe.locked], ZERO)
    status: Status = "READY"
    if locked > cap + _TOLERANCE:
        diagnostics.warn(f"CAP_UNREACHABLE_LOCKED_{key}")
        status = "PENDING_REVIEW"
    tradable, room = before - locked, max(ZERO, cap - locked)
    if tradable <= room:
        return status
    for name in members:
        if name not in universe.locked:
            weights[name] *= room / tradable
    diagnostics.warn(f"CAPPED_BY_GROUP_LIMIT_{key}")
    return _share_out(key, set(members), weights, universe, (before, cap, tradable - room), diagnostics) or status


def _share_out(
    key: str,
    members: set[str],
    weights: dict[str, Decimal],
    universe: Universe,
    sizes: tuple[Decimal, Decimal, Decimal],
    diagnostics: Diagnostics,
) -> Status | None:
    """Give what a cap released to the others; BLOCKED if there is nobody."""
    released = sizes[2]
    others = [name for name in universe.buyable if name not in members]
    total = sum([weights[name] for name in others], ZERO)
    if not total:
        diagnostics.warn("NO_ELIGIBLE_REDISTRIBUTION_DESTINATION")
        diagnostics.group_constraint_events.append(GroupConstraintEvent(key, *sizes, {}, "BLOCKED"))
        return "BLOCKED"
    recipients = {name: released * (weights[name] / total) for name in others}
    for name, share in recipients.items():
        weights[name] += share
    diagnostics.group_constraint_events.append(GroupConstraintEvent(key, *sizes, recipients, "CAPPED"))
    return None
