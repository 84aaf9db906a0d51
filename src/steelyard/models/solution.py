"""One call from integer problems to verified whole quantities, whichever way they need.

Three ways, one answer: the plain kernel where every quantity may be chosen, the kernel of
:mod:`steelyard.models.choices` where only some may, and the same code in Python integers where the
scales do not fit 64 bits.  Portfolios whose nearest quantities cost too much go through
:mod:`steelyard.models.repair`.  Every answer is then checked against the problem as stated; one
that fails the check leaves as ``NOT_VERIFIED`` and without quantities.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from steelyard.core.errors import InvalidInputError
from steelyard.models.choices import MAY_BUY, MAY_SELL, Choices, count_choice_faults, fill_nearest_choice
from steelyard.models.repair import NODES_PER_SECOND, PROVEN, STOPPED, Movable, lower_to_budget
from steelyard.models.windows import Answers, Rows, Whole, count_faults, fill_nearest, fits_int64, largest

SECONDS_MAX = 30.0
"""Limit of the work on one portfolio, from requirement 001."""
CHUNK_PORTFOLIOS = 2_048
"""Portfolios that one thread takes at a time: some milliseconds of work, a few megabytes."""


class Status(IntEnum):
    """How the search for one portfolio's quantities ended."""

    OPTIMAL = 0
    NO_WHOLE_QUANTITY = 1
    NOT_ENOUGH_CASH = 2
    SOLVER_TIMEOUT = 3
    NOT_VERIFIED = 4


@dataclass(frozen=True, slots=True, eq=False)
class ShareProblem:
    """Portfolios and the whole quantities they should come near to, all in integers.

    Attributes:
        market_value: ``(P,)``, in the smallest unit of money.
        target, low, high: ``(N,)`` for all or ``(P, N)``, in units of ``1 / unit`` of the value.
        price: ``(N,)`` or ``(P, N)``, in the smallest unit of money, positive.
        unit: weight units in a whole, for example 1000.
        budget: ``(P,)``, most that the quantities may cost; the market value where it is None.
        choices: arrays of ``(P, N)``; None where any whole quantity may be chosen.
    """

    market_value: Whole
    target: Whole
    low: Whole
    high: Whole
    price: Whole
    unit: int
    budget: Whole | None = None
    choices: Choices | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Portfolios and positions."""
        return len(self.market_value), self.target.shape[-1]

    @property
    def cash_row(self) -> Whole:
        """Most that the quantities may cost, ``(P,)``."""
        return self.market_value if self.budget is None else self.budget


@dataclass(frozen=True, slots=True, eq=False)
class ShareSolution:
    """Verified answers.

    Attributes:
        quantity: ``(P, N)``; -1 throughout a portfolio that has no answer, so that nobody sells by mistake.
        status: ``(P,)`` of :class:`Status`.
        objective: ``(P,)``: the sum of ``|MV w - u p|`` in units of money / ``unit``; -1 without answer.
        repaired: ``(P,)``: whether the cash row binds, so that some quantities are not the nearest ones.
    """

    quantity: Whole
    status: npt.NDArray[np.int8]
    objective: Whole
    repaired: npt.NDArray[np.bool_]


def solve_shares(problem: ShareProblem, *, threads: int = 1, seconds_max: float = SECONDS_MAX) -> ShareSolution:
    """The quantities nearest to the targets inside every window and within the cash.

    Args:
        problem: any number of portfolios.
        threads: how many chunks of portfolios are worked on at once; the answer does not depend on it.
        seconds_max: limit of the cash repair for one portfolio, counted in steps of its search, so
            that the same problem always ends the same way.

    Raises:
        InvalidInputError: fewer than one thread.
    """
    if threads < 1:
        raise InvalidInputError(f"`threads` was {threads}; at least 1", code="OUT_OF_RANGE")
    work = _Work.of(problem)
    nodes_max = int(seconds_max * NODES_PER_SECOND)
    portfolios = len(problem.market_value)
    starts = range(0, portfolios, CHUNK_PORTFOLIOS)
    chunks = [(start, min(start + CHUNK_PORTFOLIOS, portfolios)) for start in starts]

    def run(chunk: tuple[int, int]) -> None:
        work.run(*chunk, nodes_max)

    if threads == 1 or len(chunks) < 2:
        for chunk in chunks:
            run(chunk)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(run, chunks))
    return work.solution()


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    """The flat arrays that the kernels read and write."""

    rows: Rows
    choices: Choices | None
    answers: Answers
    smallest: Whole
    status: npt.NDArray[np.int8]
    repaired: npt.NDArray[np.bool_]
    compiled: bool

    @classmethod
    def of(cls, problem: ShareProblem) -> _Work:
        portfolios, positions = problem.shape
        compiled = fits_64_bits(problem)
        dtype = np.dtype(np.int64 if compiled else object)
        weights = (problem.target, problem.low, problem.high, problem.price)
        arrays = [_owned(array, dtype) for array in weights]
        strides = np.array([0 if array.ndim == 1 else positions for array in arrays], dtype=np.int64)
        value, budget = (_owned(array, dtype) for array in (problem.market_value, problem.cash_row))
        target, low, high, price = (array.ravel() for array in arrays)
        rows = Rows(positions, problem.unit, value, budget, target, low, high, price, strides)

        cells = portfolios * positions
        choices = problem.choices
        if choices is None and not compiled:
            choices = Choices(*(np.full(cells, fill, dtype=object) for fill in (0, 0, 1, 1, MAY_BUY | MAY_SELL)))
        if choices is not None:
            choices = Choices(*(_owned(array, dtype).ravel() for array in choices))
        answers = Answers(np.zeros(cells, dtype), *(np.zeros(portfolios, dtype) for _ in Answers._fields[1:]))
        smallest = np.zeros(cells if choices else 0, dtype)
        status, repaired = np.zeros(portfolios, np.int8), np.zeros(portfolios, np.bool_)
        return cls(rows, choices, answers, smallest, status, repaired, compiled)

    def run(self, first: int, last: int, nodes_max: int) -> None:
        """Nearest quantities, cash repair where they cost too much, and the check of every answer."""
        rows, answers = self.rows, self.answers
        if self.choices is None:
            fill_nearest(first, last, rows, answers)
        else:
            self._kernel(fill_nearest_choice)(first, last, rows, self.choices, self.smallest, answers)
        here = slice(first, last)
        self.status[here][answers.unfit[here] > 0] = Status.NO_WHOLE_QUANTITY
        over = (self.status[here] == Status.OPTIMAL) & (answers.spent[here] > rows.budget[here])
        for p in first + np.flatnonzero(over):
            self._repair(int(p), nodes_max)
        if self.choices is None:
            count_faults(first, last, rows, answers)
        else:
            self._kernel(count_choice_faults)(first, last, rows, self.choices, answers)
        wrong = (self.status[here] == Status.OPTIMAL) & (answers.faults[here] != 0)
        self.status[here][wrong] = Status.NOT_VERIFIED

    def solution(self) -> ShareSolution:
        quantity = self.answers.quantity.reshape(len(self.status), self.rows.positions)
        without = self.status != Status.OPTIMAL
        quantity[without] = -1
        self.answers.objective[without] = -1
        return ShareSolution(quantity, self.status, self.answers.objective, self.repaired)

    def _repair(self, p: int, nodes_max: int) -> None:
        excess = (int(self.answers.spent[p]) - int(self.rows.budget[p])) * self.rows.unit
        securities = [self._movable(p, i) for i in range(self.rows.positions)]
        outcome, lowered = lower_to_budget(securities, excess, nodes_max=nodes_max)
        if outcome != PROVEN:
            self.status[p] = Status.SOLVER_TIMEOUT if outcome == STOPPED else Status.NOT_ENOUGH_CASH
            return
        self.repaired[p] = True
        for i, units in lowered.items():
            one = securities[i]
            added = abs(one.wanted - units * one.step) - abs(one.wanted - one.start * one.step)
            self.answers.objective[p] += added
            self.answers.quantity[p * self.rows.positions + i] = units

    def _movable(self, p: int, i: int) -> Movable:
        rows, at = self.rows, p * self.rows.positions + i
        weights = (rows.target, rows.low, rows.high, rows.price)
        target, low, _, price = (int(array[p * rows.strides[k] + i]) for k, array in enumerate(weights))
        value, step = int(rows.market_value[p]), rows.unit * price
        start = int(self.answers.quantity[at])
        if self.choices is None:
            smallest = max(-(value * (low - target) // step), 0)
            return Movable(i, step, value * target, start, smallest, held=0, lot=1, least=1)
        kept, held, lot, least, _ = (int(array[at]) for array in self.choices)
        return Movable(i, step, value * target - rows.unit * kept, start, int(self.smallest[at]), held, lot, least)

    def _kernel(self, kernel: Any) -> Callable[..., None]:
        compute: Callable[..., None] = kernel if self.compiled else kernel.py_func
        return compute


def _owned(array: Whole, dtype: np.dtype[Any]) -> Whole:
    """The one memory layout that the kernels are compiled for: contiguous and, though they only read it, writable."""
    return np.require(array, dtype=dtype, requirements=["C", "W"])


def fits_64_bits(problem: ShareProblem) -> bool:
    """Whether int64 suffices or Python's integers are needed; see :func:`steelyard.models.windows.fits_int64`."""
    portfolios, positions = problem.shape
    if not portfolios or not positions:
        return True
    rows = (problem.target, problem.low, problem.high)
    value = max(largest(problem.market_value), largest(problem.cash_row))
    prices = int(problem.price.min()), int(problem.price.max())
    if problem.choices is not None:
        given = problem.choices
        units = sum(largest(array) for array in (given.held, given.lot, given.least)) + 1
        value += 2 * largest(given.kept) + units * prices[1]
    return fits_int64(
        market_value=value, weight=sum(map(largest, rows)), prices=prices, unit=problem.unit, positions=positions
    )
