"""Cash repair: which quantities to lower when the nearest ones cost more than there is.

No quantity ever rises, for that would cost more cash and miss more.  Lowering a security saves
``s`` and adds ``s`` to the objective, except that one that had been rounded up by ``r`` first passes
its target: its whole movement, however long, costs ``2 r`` less.  With ``M`` the securities moved::

    minimise  S - sum(2 r_i, i in M)   subject to  S = sum of savings >= excess

a small knapsack.  It is solved by branch and bound: first which rounded-up securities move (bounded
by the fractional knapsack), then how far, largest steps first (bounded by the greatest common
divisor of the steps that remain).  The search is deterministic and does not depend on the order of
the securities; it either proves its answer optimal or says that it stopped.

Source: contract models, "Exact by structure".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cmp_to_key
from math import gcd
from typing import NamedTuple

import numpy as np
from numba import njit
from numba.extending import register_jitable

from steelyard.models.choices import at_or_above, at_or_below
from steelyard.models.windows import SUM_MAX, Whole

NODES_PER_SECOND = 100_000_000
"""Steps of the search that any machine of today does in a second; the limit is in steps, not in time."""
SLOWDOWN_OF_PYTHON = 500
"""In integers wider than 64 bits a step takes that much longer, so there are as many fewer."""

PROVEN, STOPPED, IMPOSSIBLE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Movable:
    """A security that may be lowered, in scaled integers (see :mod:`steelyard.models.windows`).

    Attributes:
        index: its place in the portfolio.
        step: value of one unit.
        wanted: value that it should have.
        start: quantity now, the nearest one.
        smallest: quantity that it may be lowered to.
    """

    index: int
    step: int
    wanted: int
    start: int
    smallest: int
    held: int
    lot: int
    least: int

    @property
    def first(self) -> int:
        """Value that the shortest move saves."""
        return self.step * (self.start - int(at_or_below(self.start - 1, self.held, self.lot, self.least)))

    @property
    def gain(self) -> int:
        """By how much less than its saving a move adds to the objective: ``2 r``, or 0."""
        return 2 * max(self.step * self.start - self.wanted, 0)


def lower_to_budget(securities: list[Movable], excess: int, *, nodes_max: int) -> tuple[int, dict[int, int]]:
    """Lower quantities so that at least ``excess`` (scaled value, > 0) is saved and least is missed.

    Returns:
        PROVEN and the new quantity of each security that moved, by its index; STOPPED when the
        proof took more than ``nodes_max`` steps; IMPOSSIBLE when even the smallest quantities
        cost too much.
    """
    movable = [one for one in securities if one.smallest < one.start]
    if sum(one.step * (one.start - one.smallest) for one in movable) < excess:
        return IMPOSSIBLE, {}
    raised = sorted((one for one in movable if one.gain), key=cmp_to_key(_compare_gain))
    ordered = raised + sorted((one for one in movable if not one.gain), key=_by_step)
    by_step = sorted(range(len(ordered)), key=lambda place: _by_step(ordered[place]))
    common = gcd(*(one.step * one.lot for one in ordered))
    excess = -(-excess // common) * common

    total = sum(one.step * (one.start + abs(one.held) + one.lot + one.least) for one in ordered)
    fits = 4 * (total + excess) < SUM_MAX
    columns = ([getattr(one, field) for one in ordered] for field in Items._fields)
    items = Items(*(np.array(column, dtype=np.int64 if fits else object) for column in columns))
    search = _search if fits else _search.py_func
    best = items.start.copy()
    nodes = nodes_max if fits else nodes_max // SLOWDOWN_OF_PYTHON
    stopped = search(items, len(raised), np.array(by_step), excess, nodes, best)
    if stopped:
        return STOPPED, {}
    return PROVEN, {one.index: int(units) for one, units in zip(ordered, best, strict=True) if units != one.start}


def _compare_gain(one: Movable, other: Movable) -> int:
    left, right = one.gain * other.first, other.gain * one.first
    if left != right:
        return -1 if left > right else 1
    return -1 if _by_step(one) < _by_step(other) else 1


def _by_step(one: Movable) -> tuple[int, ...]:
    # Every property takes part: the order of the input decides only between securities that are alike in all.
    return -one.step * one.lot, -one.wanted, -one.start, one.smallest, one.held, one.least, one.index


class Items(NamedTuple):
    """The properties of :class:`Movable` as arrays, those that had been rounded up first."""

    step: Whole
    first: Whole
    gain: Whole
    start: Whole
    smallest: Whole
    held: Whole
    lot: Whole
    least: Whole


@njit(cache=True, nogil=True)
def _search(items: Items, raised: int, by_step: Whole, excess: int, nodes_max: int, best: Whole) -> bool:
    """Decide for each of the ``raised`` whether it moves, depth first; leave the rest to the quantities.

    Writes the best quantities to ``best``; True if it stopped before the proof was complete.
    """
    units = items.start.copy()  # of the branch being looked at
    tried = np.zeros(raised + 1, dtype=np.int8)  # 0 nothing yet, 1 moved, 2 left where it was
    score = np.append(items.start[:1], items.start[:1])
    score[0], score[1] = -1, nodes_max  # best objective so far or -1, steps left
    need, penalty, level = excess, 0, 0
    while level >= 0:
        score[1] -= 1
        if score[1] < 0:
            return True
        if level == raised:
            _search_quantities(items, raised, by_step, units, need, penalty, best, score)
            level -= 1
        elif tried[level] == 0:
            bound = penalty + need - _discount_bound(items, level, raised, need)
            if 0 <= score[0] <= bound:
                level -= 1
                continue
            tried[level] = 1
            units[level] = items.start[level] - items.first[level] // items.step[level]
            need -= items.first[level]
            penalty += items.first[level] - items.gain[level]
            if need > 0:
                level += 1
                tried[level] = 0
            elif not 0 <= score[0] <= penalty:
                score[0] = penalty
                best[:] = units
        elif tried[level] == 1:
            tried[level] = 2
            units[level] = items.start[level]
            need += items.first[level]
            penalty -= items.first[level] - items.gain[level]
            level += 1
            tried[level] = 0
        else:
            level -= 1
    return False


@register_jitable
def _discount_bound(items: Items, level: int, raised: int, need: int) -> int:
    """Most that moving securities ``level..raised-1`` can gain on the way to ``need``: the fractional knapsack."""
    bound = 0
    for i in range(level, raised):
        first, gain = items.first[i], items.gain[i]
        if first >= need:
            # Rounded outwards by more than the three float operations can lose.
            share = float(gain) * float(need) / float(first)
            return bound + int(min(gain, int(share * (1 + 1e-14)) + 1))
        bound += gain
        need -= first
    return bound


@register_jitable
def _search_quantities(
    items: Items, raised: int, by_step: Whole, units: Whole, need: int, penalty: int, best: Whole, score: Whole
) -> None:
    """How far each security moves beyond ``units``, larger steps first: a bounded subset sum.

    From here on saving ``s`` costs exactly ``s``, so a branch is hopeless when even saving the
    least multiple of the steps that remain is no better than ``score[0]``.  One that was rounded up
    and has been left where it was stays there.
    """
    top, reach, common = _measure_reach(items, raised, by_step, units)
    n = len(by_step)
    place, entering = 0, True
    while place >= 0:
        score[1] -= 1
        if score[1] < 0:
            break
        if entering and (
            place == n or need > reach[place] or 0 <= score[0] <= penalty + -(-need // common[place]) * common[place]
        ):
            place, entering = place - 1, False
            continue
        i = by_step[place]
        held, lot, least = items.held[i], items.lot[i], items.least[i]
        if i < raised and top[i] == items.start[i]:
            place += 1 if entering else -1
            continue
        if entering:
            units[i] = at_or_below(top[i] + -need // items.step[i], held, lot, least)
            if units[i] < items.smallest[i]:
                units[i] = items.smallest[i]
            else:
                complete = penalty + (top[i] - units[i]) * items.step[i]
                if not 0 <= score[0] <= complete:
                    score[0] = complete
                    best[:] = units
                units[i] = at_or_above(units[i] + 1, held, lot, least)
        else:
            saved = (top[i] - units[i]) * items.step[i]
            need, penalty = need + saved, penalty - saved
            units[i] = at_or_above(units[i] + 1, held, lot, least)
        if units[i] > top[i]:
            units[i] = top[i]
            place, entering = place - 1, False
        else:
            saved = (top[i] - units[i]) * items.step[i]
            need, penalty = need - saved, penalty + saved
            place, entering = place + 1, True
    units[:] = top


@register_jitable
def _measure_reach(items: Items, raised: int, by_step: Whole, units: Whole) -> tuple[Whole, Whole, Whole]:
    """Where the quantities start from, what the levels from each on can save, and in multiples of what."""
    n = len(by_step)
    reach = np.append(items.start, items.start[:1])
    common = reach.copy()
    reach[n], common[n] = 0, 0
    for place in range(n - 1, -1, -1):
        i = by_step[place]
        reach[place], common[place] = reach[place + 1], common[place + 1]
        if i >= raised or units[i] < items.start[i]:
            reach[place] += items.step[i] * (units[i] - items.smallest[i])
            common[place] = _gcd(common[place], items.step[i] * items.lot[i])
    return units.copy(), reach, common


@register_jitable
def _gcd(a: int, b: int) -> int:
    while b:
        a, b = b, a % b
    return a
