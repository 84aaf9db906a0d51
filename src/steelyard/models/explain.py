"""Why a quantity is what it is, and what would be nearest where there is none."""

from __future__ import annotations

from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from typing import Any

import numpy as np

from steelyard.core.money import from_scaled
from steelyard.models.choices import MAY_BUY, MAY_SELL
from steelyard.models.solution import ShareProblem, ShareSolution, Status
from steelyard.models.windows import Whole

_WEIGHT_DIGITS = 4


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
    Reason.LOT: "the nearest quantity that is whole lots and at least the minimum trade away from the holding",
    Reason.NOT_ALLOWED: "the nearest whole quantity needs a trade that is not allowed",
    Reason.NO_WHOLE_QUANTITY: "no quantity that may be chosen lies inside the drift window",
    Reason.NO_ANSWER: "the portfolio has no answer, for a reason elsewhere in it",
}


def reasons(problem: ShareProblem, solution: ShareSolution) -> Whole:
    """What decided each quantity, ``(P, N)`` int8 of :class:`Reason`."""
    wanted, step = _wanted(problem), problem.unit * np.atleast_2d(problem.price)
    ideal = np.maximum(-((step - 2 * wanted) // (2 * step)), 0)  # nearest whole number, a tie down
    chosen = solution.quantity
    found = np.where(chosen == ideal, Reason.NEAREST, Reason.WINDOW).astype(np.int8)
    outside = _outside(problem, wanted, ideal * step)
    other = (chosen != ideal) & ~outside
    if problem.choices is not None:
        lots = problem.choices
        trade = ideal - lots.held
        barred = ((trade > 0) & (lots.allowed & MAY_BUY == 0)) | ((trade < 0) & (lots.allowed & MAY_SELL == 0))
        found[other & (trade != 0) & ((abs(trade) < lots.least) | (trade % lots.lot != 0))] = Reason.LOT
        found[(chosen != ideal) & barred] = Reason.NOT_ALLOWED
        other &= found == Reason.WINDOW
    found[other & (chosen < ideal) & solution.repaired[:, None]] = Reason.CASH
    without = solution.status != Status.OPTIMAL
    found[without] = Reason.NO_ANSWER
    for p in np.flatnonzero(solution.status == Status.NO_WHOLE_QUANTITY):
        found[p, unfit_positions(problem, int(p))] = Reason.NO_WHOLE_QUANTITY
    return found
