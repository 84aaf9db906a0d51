"""Nearest quantities when only some of the whole ones may be chosen: lots, minimum trades, directions.

From a holding ``h`` a security may stay at ``h`` or trade ``m`` lots away from it, ``m lot >=
least``.  A direction that is closed leaves only one side of ``h``; a window that only a closed
direction could reach is widened to ``h``, so that a holding nobody may trade is never a reason to
fail.  Everything else is as in :mod:`steelyard.models.windows`.

The functions run compiled on int64 and, through ``.py_func`` on object arrays, as plain Python
with integers of any size: one source, two arithmetics.  Hence no literal dtype in them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numba.extending import register_jitable

from steelyard.models.windows import Answers, Rows, Whole

MAY_BUY, MAY_SELL = 1, 2
"""Bits of a security's ``allowed`` directions."""


class Choices(NamedTuple):
    """What may be chosen, each ``(P * N,)`` for the kernels and ``(P, N)`` outside of them.

    Attributes:
        kept: value that counts for the target and never trades (fractions, substitutes), money.
        held: whole units now.
        lot: units of one lot, >= 1.
        least: fewest units of a trade, a multiple of ``lot``, >= ``lot``; see :func:`least_trade`.
        allowed: bits ``MAY_BUY`` and ``MAY_SELL``.
    """

    kept: Whole
    held: Whole
    lot: Whole
    least: Whole
    allowed: Whole


def least_trade(units: Whole, lot: Whole) -> Whole:
    """``units`` rounded up to whole lots, at least one."""
    return np.asarray(np.maximum(-(-units // lot), 1) * lot)


@register_jitable
def at_or_below(limit: int, held: int, lot: int, least: int) -> int:
    """The largest quantity that may be chosen and is not above ``limit``."""
    if limit >= held + least:
        return held + (limit - held) // lot * lot
    if limit >= held:
        return held
    if limit > held - least:
        return held - least
    return held - (held - limit + lot - 1) // lot * lot


@register_jitable
def at_or_above(limit: int, held: int, lot: int, least: int) -> int:
    """The smallest quantity that may be chosen and is not below ``limit``."""
    return -at_or_below(-limit, -held, lot, least)


@register_jitable
def widened(smallest: int, largest: int, held: int, allowed: int) -> tuple[int, int]:
    """A window of whole quantities as the open directions leave it; empty if the first is above the second."""
    if not allowed & MAY_SELL:
        smallest, largest = max(smallest, held), max(largest, held)
    if not allowed & MAY_BUY:
        smallest, largest = min(smallest, held), min(largest, held)
    return smallest, largest


@njit(cache=True, nogil=True)
def fill_nearest_choice(first: int, last: int, rows: Rows, choices: Choices, smallest: Whole, answers: Answers) -> None:
    """As :func:`steelyard.models.windows.fill_nearest`; ``smallest`` (out) is the least choice in each window."""
    n, unit, strides = rows.positions, rows.unit, rows.strides
    for p in range(first, last):
        value = rows.market_value[p]
        unfit, spent, missed = 0, 0, 0
        for i in range(n):
            at = p * n + i
            held, lot, least = choices.held[at], choices.lot[at], choices.least[at]
            price = rows.price[p * strides[3] + i]
            step = unit * price
            wanted = value * rows.target[p * strides[0] + i] - unit * choices.kept[at]
            lowest = max(-((value * rows.low[p * strides[1] + i] - wanted) // step), 0)
            highest = (wanted + value * rows.high[p * strides[2] + i]) // step
            lowest, highest = widened(lowest, highest, held, choices.allowed[at])

            units = at_or_below(min(max(wanted // step, lowest), highest), held, lot, least)
            above = at_or_above(units + 1, held, lot, least)
            if units < lowest or (above <= highest and above * step - wanted < wanted - units * step):
                units = above
            unfit += int(units < lowest or units > highest)
            smallest[at] = at_or_above(lowest, held, lot, least)
            answers.quantity[at] = units
            spent += units * price
            missed += abs(wanted - units * step)
        answers.unfit[p] = unfit
        answers.spent[p] = spent
        answers.objective[p] = missed


@njit(cache=True, nogil=True)
def count_choice_faults(first: int, last: int, rows: Rows, choices: Choices, answers: Answers) -> None:
    """As :func:`steelyard.models.windows.count_faults`, with lots, minimum trades and directions."""
    n, unit, strides = rows.positions, rows.unit, rows.strides
    for p in range(first, last):
        value = rows.market_value[p]
        faults, spent, missed = 0, 0, 0
        for i in range(n):
            at = p * n + i
            units, price = answers.quantity[at], rows.price[p * strides[3] + i]
            holds = unit * units * price
            wanted = value * rows.target[p * strides[0] + i] - unit * choices.kept[at]
            under = holds < wanted - value * rows.low[p * strides[1] + i]
            over = holds > wanted + value * rows.high[p * strides[2] + i]
            may_buy, may_sell = choices.allowed[at] & MAY_BUY != 0, choices.allowed[at] & MAY_SELL != 0
            trade = units - choices.held[at]
            if trade == 0:
                fine = not (under and may_buy) and not (over and may_sell)
            else:
                whole_lots = trade % choices.lot[at] == 0 and abs(trade) >= choices.least[at]
                fine = not under and not over and whole_lots and (may_buy if trade > 0 else may_sell)
            faults += int(not fine or units < 0)
            spent += units * price
            missed += abs(wanted - holds)
        faults += int(spent > rows.budget[p]) + int(missed != answers.objective[p])
        answers.faults[p] = faults
