"""The problem by trying every quantity: slow, obvious, and independent of the code under test."""

from itertools import product

import numpy as np

from steelyard.models.choices import MAY_BUY, MAY_SELL, Choices, least_trade
from steelyard.models.solution import ShareProblem, Status

UNIT = 1000
UNITS_MAX = 30
"""Quantities tried; problems are made so that no window reaches further."""


def best_objective(problem, p=0):
    """Status and objective of portfolio ``p`` by enumeration."""
    values = []
    for i in range(problem.shape[1]):
        options = [(abs(missed), cost) for missed, cost in choices_of(problem, p, i)]
        if not options:
            return Status.NO_WHOLE_QUANTITY, None
        values.append(options)
    budget = int(problem.cash_row[p])
    within = [
        sum(missed for missed, _ in chosen) for chosen in product(*values) if sum(cost for _, cost in chosen) <= budget
    ]
    return (Status.OPTIMAL, min(within)) if within else (Status.NOT_ENOUGH_CASH, None)


def choices_of(problem, p, i):
    """What each quantity that may be chosen misses and costs."""
    value, price = int(problem.market_value[p]), int(at(problem.price, p, i))
    target, low, high = (int(at(array, p, i)) for array in (problem.target, problem.low, problem.high))
    kept, held, lot, least, allowed = 0, 0, 1, 1, MAY_BUY | MAY_SELL
    if problem.choices is not None:
        kept, held, lot, least, allowed = (int(array[p, i]) for array in problem.choices)
    for units in range(UNITS_MAX):
        missed = problem.unit * (units * price + kept) - value * target
        inside = -value * low <= missed <= value * high
        trade = units - held
        if trade:
            fine = (
                inside and trade % lot == 0 and abs(trade) >= least and allowed & (MAY_BUY if trade > 0 else MAY_SELL)
            )
        else:
            unreachable = (missed < 0 and not allowed & MAY_BUY) or (missed > 0 and not allowed & MAY_SELL)
            fine = inside or unreachable
        if fine:
            yield missed, units * price


def at(array, p, i):
    return array[i] if array.ndim == 1 else array[p, i]


def random_problem(rng, *, with_choices=False, positions_max=4):
    """A small portfolio: often infeasible, often bound by its cash."""
    n = int(rng.integers(1, positions_max + 1))
    value = int(rng.integers(50, 3000))
    target = 5 * rng.integers(0, 190 // n, n)
    price = rng.integers(value // 18 + 1, value // 18 + 600, n)
    low, high = rng.integers(0, 500, n), rng.integers(0, 500, n)
    budget = np.array([int(value * rng.choice([1, 0.9, 0.7, 0.4]))])
    choices = None
    if with_choices:
        lot = rng.integers(1, 4, (1, n))
        least = least_trade(rng.integers(0, 7, (1, n)), lot)
        choices = Choices(
            rng.integers(0, 60, (1, n)), rng.integers(0, 6, (1, n)), lot, least, rng.integers(0, 4, (1, n))
        )
    return ShareProblem(np.array([value]), target, low, high, price, UNIT, budget, choices)


def blown_up(problem, factor):
    """The same problem in a smaller unit of money, in Python's integers."""
    wide = [
        np.asarray(array, dtype=object) * factor for array in (problem.market_value, problem.price, problem.cash_row)
    ]
    choices = problem.choices
    if choices is not None:
        choices = choices._replace(kept=choices.kept.astype(object) * factor)
    return ShareProblem(
        wide[0], problem.target, problem.low, problem.high, wide[1], problem.unit, budget=wide[2], choices=choices
    )
