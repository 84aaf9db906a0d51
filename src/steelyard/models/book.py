"""A whole book at once: the rebalance of :mod:`steelyard.models.orders` on arrays.

For portfolios with whole holdings and no options, where making a value for each of ten million
positions would take longer than solving them.  The same rules and the same answers; a portfolio
that is refused or has no answer is worth the detail that ``rebalance_portfolios`` gives it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from steelyard.models.explain import reasons
from steelyard.models.solution import ShareProblem, Status, solve_shares
from steelyard.models.windows import SUM_MAX, Whole, largest

WEIGHT_PARTS = 10_000
"""Weights have 4 decimals."""
REFUSED = -1
"""Status of a portfolio with negative cash, a short position or no value."""


@dataclass(frozen=True, slots=True, eq=False)
class BookRebalance:
    """Orders of a book, ``P`` portfolios by ``K`` securities.

    Attributes:
        status: ``(P,)``: 0 is OPTIMAL, see :class:`steelyard.models.solution.Status`, or ``REFUSED``.
        market_value: ``(P,)``, money.
        cash_after: ``(P,)``, money; as before where there is no answer.
        change: ``(P, K)``, units to buy or, negative, to sell; 0 where there is no answer.
        weight: ``(P, K)``, after the trades, in ten-thousandths, half-even; 0 where there is no answer.
        reason: ``(P, K)`` of :class:`steelyard.models.explain.Reason`; ``NO_ANSWER`` where there is none.
    """

    status: npt.NDArray[np.int8]
    market_value: Whole
    cash_after: Whole
    change: Whole
    weight: Whole
    reason: npt.NDArray[np.int8]


def rebalance_book(
    cash: Whole,
    held: Whole,
    price: Whole,
    target: Whole,
    low: Whole,
    high: Whole,
    *,
    unit: int,
    threads: int = 1,
) -> BookRebalance:
    """Orders for every portfolio of one model.

    Args:
        cash: ``(P,)``, in the smallest unit of money.
        held: ``(P, K)``, whole units.
        price: ``(K,)``, in the smallest unit of money, above 0.
        target: ``(K,)``, in units of ``1 / unit``; 0 for securities that are not in the model.
        low: ``(K,)``, likewise; 0 there too.
        high: ``(K,)``, likewise; 0 there too.
        unit: weight units in a whole.
        threads: chunks of portfolios solved at once.
    """
    most = largest(cash) + held.shape[1] * largest(held) * largest(price)
    dtype = np.dtype(np.int64 if most * WEIGHT_PARTS * 2 < SUM_MAX else object)
    cash, held, price = cash.astype(dtype), held.astype(dtype), price.astype(dtype)
    market_value = cash + held @ price
    refused = (cash < 0) | (held < 0).any(axis=1) | (market_value <= 0)
    problem = ShareProblem(np.where(refused, 1, market_value), target, low, high, price, unit)
    solution = solve_shares(problem, threads=threads)
    status = np.where(refused, REFUSED, solution.status).astype(np.int8)
    answered = (status == Status.OPTIMAL)[:, None]
    quantity = np.where(answered, solution.quantity, held)
    change = quantity - held
    weight = np.where(answered, _half_even(WEIGHT_PARTS * quantity * price, problem.market_value[:, None]), 0)
    # Who has no answer is explained elsewhere, security by security, which takes its time.
    why = reasons(problem, replace(solution, status=np.where(answered[:, 0], 0, Status.NOT_VERIFIED).astype(np.int8)))
    return BookRebalance(status, market_value, cash - change @ price, change, weight, why)


def _half_even(value: Whole, whole: Whole) -> Whole:
    below, rest = value // whole, value % whole
    up = (2 * rest > whole) | ((2 * rest == whole) & (below % 2 == 1))
    return np.asarray(below + up)
