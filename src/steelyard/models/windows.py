"""Whole quantities inside their drift windows, for many portfolios at once.

Without the cash row every security is a problem of its own: with the value ``t = MV w``, the
window ``[t - MV l, t + MV h]`` and the price ``p``, the best whole quantity is ``q = floor(t / p)``
or ``q + 1``, whichever lies inside and nearer; a tie takes ``q``.  Because ``t`` itself lies in the
window, no whole quantity is inside if neither of these two is.

All values are integers: money in its smallest unit, weights in units of ``1 / unit``, so that
``MV w`` and ``unit u p`` are the same kind of number and comparisons are exact.  The quotient is
estimated in floating point and corrected by the exact remainder; :func:`fits_int64` states the
bound within which one correction step suffices and nothing overflows.

Source: contract models, section Rebalance.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

Whole = npt.NDArray[Any]
"""Integers: int64, or Python's own in an object array where 64 bits do not suffice."""

SUM_MAX = 2**62
"""Every sum that a kernel forms stays below this, half of what int64 holds."""
QUOTIENT_MAX = 2**50
"""Below this a quotient estimated in float64 is off by less than one."""


class Rows(NamedTuple):
    """Portfolios as the kernels read them.

    Attributes:
        positions: N, in each portfolio.
        unit: weight units in a whole, for example 1000.
        market_value: ``(P,)``, in the smallest unit of money.
        budget: ``(P,)``, most that the quantities may cost.
        target, low, high: flat, in units of ``1 / unit``.
        price: flat, in the smallest unit of money, positive.
        strides: where row ``p`` of the four begins is ``p * strides[k]``; 0 shares one row.
    """

    positions: int
    unit: int
    market_value: Whole
    budget: Whole
    target: Whole
    low: Whole
    high: Whole
    price: Whole
    strides: Whole


class Answers(NamedTuple):
    """Portfolios' quantities as the kernels write them.

    Attributes:
        quantity: ``(P * N,)``.
        unfit: ``(P,)``, securities whose window holds no quantity that may be chosen.
        spent: ``(P,)``, in the smallest unit of money.
        objective: ``(P,)``, the sum of ``|MV w - unit u p|``.
        faults: ``(P,)``, what the check found wrong; 0 is verified.
    """

    quantity: Whole
    unfit: Whole
    spent: Whole
    objective: Whole
    faults: Whole


def largest(values: Whole) -> int:
    """The largest absolute value, as a Python integer; 0 of none."""
    return max(abs(int(values.max())), abs(int(values.min()))) if values.size else 0


def fits_int64(*, market_value: int, weight: int, prices: tuple[int, int], unit: int, positions: int) -> bool:
    """Whether no kernel can overflow, and float estimates of quotients are off by less than one.

    ``market_value`` is the largest of any portfolio, ``weight`` the largest target and drifts added
    up, ``prices`` the least and the greatest; units as in :class:`Rows`.
    """
    value = market_value * max(weight, unit) + unit * prices[1]
    return (positions + 1) * value < SUM_MAX and value // (unit * prices[0]) < QUOTIENT_MAX


@njit(cache=True, nogil=True, error_model="numpy")
def fill_nearest(first: int, last: int, rows: Rows, answers: Answers) -> None:
    """The nearest quantities of portfolios ``first..last-1``, and what they cost and miss."""
    n, unit, strides = rows.positions, rows.unit, rows.strides
    for p in range(first, last):
        value = rows.market_value[p]
        targets = rows.target[p * strides[0] : p * strides[0] + n]
        lows = rows.low[p * strides[1] : p * strides[1] + n]
        highs = rows.high[p * strides[2] : p * strides[2] + n]
        prices = rows.price[p * strides[3] : p * strides[3] + n]
        quantities = answers.quantity[p * n : (p + 1) * n]
        unfit, spent, missed = 0, 0, 0
        for i in range(n):
            wanted = value * targets[i]
            step = unit * prices[i]
            below = np.int64(np.float64(wanted) / np.float64(step))
            rest = wanted - below * step
            correction = int(rest >= step) - int(rest < 0)
            below += correction
            rest -= correction * step
            down_fits = rest <= value * lows[i]
            up_fits = step - rest <= value * highs[i]
            up = int(up_fits & ((2 * rest > step) | (not down_fits)))
            quantities[i] = below + up
            unfit += int(not (down_fits | up_fits))
            spent += (below + up) * prices[i]
            missed += up * (step - rest) + (1 - up) * rest
        answers.unfit[p] = unfit
        answers.spent[p] = spent
        answers.objective[p] = missed


@njit(cache=True, nogil=True)
def count_faults(first: int, last: int, rows: Rows, answers: Answers) -> None:
    """Check answers against the problem as it was stated, using nothing that the solver computed.

    Counts quantities that are negative or outside their windows, one more for a portfolio that
    spends over its budget, and one more if the claimed objective is not what the quantities give.
    """
    n, unit, strides = rows.positions, rows.unit, rows.strides
    for p in range(first, last):
        value = rows.market_value[p]
        targets = rows.target[p * strides[0] : p * strides[0] + n]
        lows = rows.low[p * strides[1] : p * strides[1] + n]
        highs = rows.high[p * strides[2] : p * strides[2] + n]
        prices = rows.price[p * strides[3] : p * strides[3] + n]
        quantities = answers.quantity[p * n : (p + 1) * n]
        faults, spent, missed = 0, 0, 0
        for i in range(n):
            wanted = value * targets[i]
            holds = unit * quantities[i] * prices[i]
            inside = (holds >= wanted - value * lows[i]) & (holds <= wanted + value * highs[i])
            faults += int(not (inside & (quantities[i] >= 0)))
            spent += quantities[i] * prices[i]
            missed += abs(wanted - holds)
        faults += int(spent > rows.budget[p]) + int(missed != answers.objective[p])
        answers.faults[p] = faults
