"""Group caps: what the instruments that share an attribute may weigh together.

Caps apply one after the other in the order of their keys, each once; a later one may push an
earlier group over its cap again.  What a cap releases goes to the buyable instruments outside the
group, in proportion to their weight.

Source: contract dpm, section 6.3, step 2; section 16, no. 1.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from operator import add

from msgspec import Struct

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
    caps = _Caps(weights, universe, diagnostics)
    status: Status = "READY"
    for key in sorted(constraints):
        attribute, value = key.split(":", 1)
        if attribute not in shelf.attribute_names:
            diagnostics.warn(f"UNKNOWN_CONSTRAINT_ATTRIBUTE_{attribute}")
            continue
        outcome = caps.apply(key, shelf.group(attribute, value), constraints[key].max_weight)
        if outcome == "BLOCKED":
            return outcome
        if outcome == "PENDING_REVIEW":
            status = outcome
    return status


class _Caps(Struct, frozen=True, gc=False):
    """The weights that caps work on."""

    weights: dict[str, Decimal]
    universe: Universe
    diagnostics: Diagnostics

    def apply(self, key: str, group: Collection[str], cap: Decimal) -> Status:
        weights, fixed = self.weights, self.universe.locked
        members = [name for name in weights if name in group]
        before = self._sum(members)
        if before <= cap + _TOLERANCE:
            return "READY"
        free, tradable, locked = members, before, ZERO
        if fixed:
            free = [name for name in members if name not in fixed]
            tradable, locked = self._sum(free), self._sum([name for name in members if name in fixed])
        status: Status = "READY"
        if locked > cap + _TOLERANCE:
            self.diagnostics.warn(f"CAP_UNREACHABLE_LOCKED_{key}")
            status = "PENDING_REVIEW"
        room = max(ZERO, cap - locked)
        if tradable <= room:
            return status
        factor = room / tradable
        for name in free:
            weights[name] *= factor
        self.diagnostics.warn(f"CAPPED_BY_GROUP_LIMIT_{key}")
        recipients = self._share_out(tradable - room, group)
        if recipients is None:
            self.diagnostics.warn("NO_ELIGIBLE_REDISTRIBUTION_DESTINATION")
            status = "BLOCKED"
        self.diagnostics.group_constraint_events.append(
            GroupConstraintEvent(
                key, before, cap, tradable - room, recipients or {}, "CAPPED" if recipients else "BLOCKED"
            )
        )
        return status

    def _share_out(self, released: Decimal, group: Collection[str]) -> dict[str, Decimal] | None:
        """Give what a cap released to the buyable others; None if there is nobody to take it."""
        others = [name for name in self.universe.buyable if name not in group]
        held = [self.weights[name] for name in others]
        total = sum(held, ZERO)
        if not total:
            return None
        shares = [released * (weight / total) for weight in held]
        self.weights.update(zip(others, map(add, held, shares), strict=True))
        return dict(zip(others, shares, strict=True))

    def _sum(self, names: Iterable[str]) -> Decimal:
        return sum([self.weights[name] for name in names], ZERO)
