"""The same problem as a mixed-integer linear program, for CVXPY and its solvers.

Selectable for comparison, and the oracle of the tests.  Floats may decide what is *found*, never
what leaves: quantities must be whole within the solvers' own tolerance, are then rounded, and are
checked in Python integers against windows, cash and the stated objective.  A solver that stops at
a limit, with or without a solution, has timed out.

Windows are given to the solver as whole bounds of each quantity and money in its smallest unit, so
that the program has integer coefficients.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from steelyard.core.errors import InvalidInputError
from steelyard.models.explain import Window, windows_of
from steelyard.models.solution import SECONDS_MAX, ShareProblem, ShareSolution, Status

WHOLE_WITHIN = 1e-6
"""The integrality tolerance of HiGHS and SCIP; anything farther from a whole number is no answer."""

_LIMIT_OPTIONS: dict[str, Callable[[float], dict[str, Any]]] = {
    "HIGHS": lambda seconds: {
        "highs_options": {"time_limit": seconds, "mip_rel_gap": 0.0, "mip_abs_gap": 0.0, "threads": 1}
    },
    "SCIP": lambda seconds: {"scip_params": {"limits/time": seconds, "limits/gap": 0.0}},
    "SCIPY": lambda seconds: {"scipy_options": {"time_limit": seconds, "mip_rel_gap": 0.0}},
}


def solve_with_cvxpy(
    problem: ShareProblem, *, solver: str = "HIGHS", seconds_max: float = SECONDS_MAX
) -> ShareSolution:
    """One program for each portfolio, each answer checked exactly.

    Args:
        problem: without lots and minimum trades, which are not linear.
        solver: a name that CVXPY knows and that solves MILPs: HIGHS, SCIP or SCIPY.
        seconds_max: time limit for one portfolio.

    Raises:
        InvalidInputError: a solver that is not one of these, or lots and minimum trades.
    """
    if solver not in _LIMIT_OPTIONS:
        msg = f"`solver` was {solver!r}; choose one of {', '.join(_LIMIT_OPTIONS)}"
        raise InvalidInputError(msg, code="SOLVER_UNKNOWN")
    if problem.choices is not None and (np.any(problem.choices.lot != 1) or np.any(problem.choices.least != 1)):
        msg = "`solver` was cvxpy with lot sizes or a minimum trade; these need the solver 'exact'"
        raise InvalidInputError(msg, code="SOLVER_OPTION")
    portfolios, positions = problem.shape
    quantity = np.full((portfolios, positions), -1, dtype=object)
    status = np.zeros(portfolios, dtype=np.int8)
    objective = np.full(portfolios, -1, dtype=object)
    repaired = np.zeros(portfolios, dtype=np.bool_)
    for p in range(portfolios):
        windows = windows_of(problem, p)
        budget = int(problem.cash_row[p]) * problem.unit
        if any(window.is_empty for window in windows):
            status[p] = Status.NO_WHOLE_QUANTITY
            continue
        outcome, found = _optimum(windows, budget, solver, seconds_max)
        units = None if found is None else _checked(found, windows, budget)
        status[p] = Status.NOT_VERIFIED if outcome == Status.OPTIMAL and units is None else outcome
        if status[p] == Status.OPTIMAL and units is not None:
            quantity[p] = units
            objective[p] = sum(abs(one.wanted - u * one.step) for u, one in zip(units, windows, strict=True))
            ideal = (max(-((one.step - 2 * one.wanted) // (2 * one.step)), 0) for one in windows)
            clipped = (min(max(u, one.smallest), one.largest) for u, one in zip(ideal, windows, strict=True))
            repaired[p] = units != list(clipped)
    return ShareSolution(quantity, status, objective, repaired)


def _optimum(windows: list[Window], budget: int, solver: str, seconds_max: float) -> tuple[Status, Any]:
    """The solver's word and its numbers, unchecked."""
    cp: Any = import_module("cvxpy")  # takes seconds, and most never need it
    if not windows:
        return (Status.OPTIMAL if budget >= 0 else Status.NOT_ENOUGH_CASH), np.zeros(0)
    step = np.array([float(one.step) for one in windows])
    wanted = np.array([float(one.wanted) for one in windows])
    units = cp.Variable(len(windows), integer=True)
    spent = cp.multiply(step, units)
    rows = [
        units >= np.array([float(one.smallest) for one in windows]),
        units <= np.array([float(one.largest) for one in windows]),
        cp.sum(spent) <= float(budget),
    ]
    program = cp.Problem(cp.Minimize(cp.norm1(wanted - spent)), rows)
    try:
        program.solve(solver=solver, **_LIMIT_OPTIONS[solver](seconds_max))
    except cp.error.SolverError:
        return Status.NOT_VERIFIED, None
    if program.status == cp.OPTIMAL:
        return Status.OPTIMAL, units.value
    if program.status in {cp.INFEASIBLE, cp.settings.INFEASIBLE_OR_UNBOUNDED}:
        return Status.NOT_ENOUGH_CASH, None
    if program.status == cp.USER_LIMIT:
        return Status.SOLVER_TIMEOUT, None
    return Status.NOT_VERIFIED, None  # optimal_inaccurate, unbounded, whatever else: no answer


def _checked(found: Any, windows: list[Window], budget: int) -> list[int] | None:
    """Whole quantities inside every window and the cash, in exact arithmetic; None if they are not."""
    numbers = np.asarray(found, dtype=np.float64)
    if numbers.shape != (len(windows),) or not np.isfinite(numbers).all():
        return None
    units = [round(number) for number in numbers.tolist()]
    if any(abs(number - whole) > WHOLE_WITHIN for number, whole in zip(numbers.tolist(), units, strict=True)):
        return None
    if not all(one.smallest <= whole <= one.largest for whole, one in zip(units, windows, strict=True)):
        return None
    cost = sum(whole * one.step for whole, one in zip(units, windows, strict=True))
    return units if cost <= budget else None
