"""Why a quantity is what it is, and what would be nearest where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from steelyard.models.choices import MAY_BUY, MAY_SELL, Choices, at_or_above, at_or_below, widened
from steelyard.models.solution import ShareProblem, ShareSolution, Status, fits_64_bits


class Reason(IntEnum):
    """What decided a security's quantity."""

    NEAREST = 0
    WINDOW = 1
    CASH = 2
    LOT = 3
    NOT_ALLOWED = 4
    NO_WHOLE_QUANTITY = 5
    NO_ANSWER = 6

    @property
    def text(self) -> str:
        """The reason in a few words for a person."""
        return _TEXTS[self]


_TEXTS = {
    Reason.NEAREST: "the whole quantity nearest to the target",
    Reason.WINDOW: "the nearest whole quantity lies outside the drift window, this one inside",
    Reason.CASH: "lowered so that the whole portfolio fits its cash",
    Reason.LOT: "the nearest that is whole lots and at least the minimum trade away from the holding",
    Reason.NOT_ALLOWED: "the nearest whole quantity needs a trade that is not allowed",
    Reason.NO_WHOLE_QUANTITY: "no quantity that may be chosen lies inside the drift window",
    Reason.NO_ANSWER: "the portfolio has no answer, for a reason that lies elsewhere",
}


@dataclass(frozen=True, slots=True)
class Window:
    """One security's window in one portfolio, in integers of money / ``unit``.

    Attributes:
        wanted: value of the target, less what is kept.
        kept: value that counts for the target and does not trade.
        step: value of one unit.
        smallest, largest: whole quantities that the window admits; none if the first is above the second.
        below: largest quantity that may be chosen and is worth ``wanted`` at most; None if there is none.
        above: smallest quantity that may be chosen and is worth more.
        is_empty: whether no quantity that may be chosen lies inside.
    """

    wanted: int
    kept: int
    step: int
    smallest: int
    largest: int
    below: int | None
    above: int
    is_empty: bool


def windows_of(problem: ShareProblem, p: int) -> list[Window]:
    """The windows of portfolio ``p``, one for each position."""
    value, unit = int(problem.market_value[p]), problem.unit
    windows = []
    for i in range(problem.shape[1]):
        target, low, high, price = (
            int(array[i] if array.ndim == 1 else array[p, i])
            for array in (problem.target, problem.low, problem.high, problem.price)
        )
        kept, held, lot, least, allowed = (0, 0, 1, 1, MAY_BUY | MAY_SELL)
        if problem.choices is not None:
            kept, held, lot, least, allowed = (int(array[p, i]) for array in problem.choices)
        wanted, step = value * target - unit * kept, unit * price
        smallest, largest = max(-((value * low - wanted) // step), 0), (wanted + value * high) // step
        smallest, largest = widened(smallest, largest, held, allowed)
        below = at_or_below(wanted // step, held, lot, least)
        above = at_or_above(max(wanted // step + 1, 0), held, lot, least)
        is_empty = at_or_above(smallest, held, lot, least) > largest
        windows.append(
            Window(wanted, unit * kept, step, smallest, largest, below if below >= 0 else None, above, is_empty)
        )
    return windows


def reasons(problem: ShareProblem, solution: ShareSolution) -> npt.NDArray[np.int8]:
    """What decided each quantity, ``(P, N)`` int8 of :class:`Reason`."""
    dtype = np.dtype(np.int64 if fits_64_bits(problem) else object)
    value = problem.market_value.astype(dtype)[:, None]
    weights = (problem.target, problem.low, problem.high, problem.price)
    target, low, high, price = (np.atleast_2d(array).astype(dtype) for array in weights)
    wanted, step = value * target, problem.unit * price
    choices = None if problem.choices is None else Choices(*(array.astype(dtype) for array in problem.choices))
    if choices is not None:
        wanted = wanted - problem.unit * choices.kept
    ideal = np.maximum(-((step - 2 * wanted) // (2 * step)), 0)  # the nearest whole number, a tie down
    missed = ideal * step - wanted
    inside = (missed >= -value * low) & (missed <= value * high)

    found = np.where(inside, np.int8(Reason.CASH), np.int8(Reason.WINDOW))
    if choices is not None:
        _, held, lot, least, allowed = choices
        trade = ideal - held
        split = (trade != 0) & ((abs(trade) < least) | (trade % lot != 0))
        barred = ((trade > 0) & (allowed & MAY_BUY == 0)) | ((trade < 0) & (allowed & MAY_SELL == 0))
        found = np.where(barred, np.int8(Reason.NOT_ALLOWED), np.where(split, np.int8(Reason.LOT), found))
    found = np.where(solution.quantity == ideal, np.int8(Reason.NEAREST), found)
    found = np.asarray(found, dtype=np.int8)
    found[solution.status != Status.OPTIMAL] = Reason.NO_ANSWER
    for p in np.flatnonzero(solution.status == Status.NO_WHOLE_QUANTITY):
        unfit = [window.is_empty for window in windows_of(problem, int(p))]
        found[p, unfit] = Reason.NO_WHOLE_QUANTITY
    return found
