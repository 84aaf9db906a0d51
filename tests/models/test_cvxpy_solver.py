"""The MILP way: the same optimum, and no fault of a solver ever becomes an order."""

import warnings
from dataclasses import replace

import cvxpy
import numpy as np
import pytest

from steelyard.core.errors import InvalidInputError
from steelyard.models.choices import Choices
from steelyard.models.cvxpy_solver import solve_with_cvxpy
from steelyard.models.solution import ShareProblem, Status, solve_shares
from tests.models.brute import UNIT, random_problem


@pytest.fixture
def two_positions():
    return ShareProblem(
        np.array([100_000]), np.array([300, 250]), np.array([50, 50]), np.array([50, 50]), np.array([337, 1015]), UNIT
    )


@pytest.mark.parametrize(
    ("solver", "cases"), [("HIGHS", 60), ("SCIP", 15), pytest.param("HIGHS", 2_000, marks=pytest.mark.slow)]
)
def test_the_kernel_and_the_milp_agree(solver, cases):
    rng = np.random.default_rng(21)
    seen = set()
    for _ in range(cases):
        problem = random_problem(rng, positions_max=8)
        ours, theirs = solve_shares(problem), solve_with_cvxpy(problem, solver=solver)
        assert ours.status.tolist() == theirs.status.tolist()
        assert ours.objective.tolist() == theirs.objective.tolist()
        seen.add((int(ours.status[0]), bool(ours.repaired[0])))
    assert len(seen) >= 3


def test_directions_and_kept_values_are_linear_and_agree_too():
    rng = np.random.default_rng(22)
    for _ in range(40):
        problem = random_problem(rng, with_choices=True)
        assert problem.choices is not None
        ones = np.ones_like(problem.choices.lot)
        problem = replace(problem, choices=problem.choices._replace(lot=ones, least=ones))
        ours, theirs = solve_shares(problem), solve_with_cvxpy(problem)
        assert ours.status.tolist() == theirs.status.tolist()
        assert ours.objective.tolist() == theirs.objective.tolist()


def spoil(monkeypatch, value, status):
    """Let the real solver run, then report ``status`` and ``value`` in its name."""
    solve = cvxpy.Problem.solve

    def spoiled(problem, **options):
        solve(problem, **options)
        problem.variables()[0].save_value(value)
        problem._status = status

    monkeypatch.setattr(cvxpy.Problem, "solve", spoiled)


@pytest.mark.parametrize(
    ("value", "status", "end"),
    [
        ([89.0, 25.0], cvxpy.USER_LIMIT, Status.SOLVER_TIMEOUT),
        ([89.0, 25.0], cvxpy.OPTIMAL_INACCURATE, Status.NOT_VERIFIED),
        ([89.0, 25.0], cvxpy.UNBOUNDED, Status.NOT_VERIFIED),
        ([89.0, np.nan], cvxpy.OPTIMAL, Status.NOT_VERIFIED),
        ([np.inf, 25.0], cvxpy.OPTIMAL, Status.NOT_VERIFIED),
        ([89.0, 24.999], cvxpy.OPTIMAL, Status.NOT_VERIFIED),
        ([89.00001, 25.0], cvxpy.OPTIMAL, Status.NOT_VERIFIED),
        ([-1.0, 25.0], cvxpy.OPTIMAL, Status.NOT_VERIFIED),
        ([200.0, 25.0], cvxpy.OPTIMAL, Status.NOT_VERIFIED),
        (None, cvxpy.OPTIMAL, Status.NOT_VERIFIED),
    ],
)
def test_a_fault_of_the_solver_is_a_named_end_without_quantities(monkeypatch, two_positions, value, status, end):
    spoil(monkeypatch, None if value is None else np.array(value), status)
    solution = solve_with_cvxpy(two_positions)
    assert solution.status.tolist() == [end]
    assert (solution.quantity == -1).all()
    assert solution.objective.tolist() == [-1]


def test_a_number_within_the_solvers_tolerance_is_the_whole_one_next_to_it(monkeypatch, two_positions):
    spoil(monkeypatch, np.array([89.0000004, 24.9999997]), cvxpy.OPTIMAL)
    solution = solve_with_cvxpy(two_positions)
    assert solution.quantity.tolist() == [[89, 25]]


def test_a_solver_that_raises_gives_no_quantities(monkeypatch, two_positions):
    def broken(problem, **options):
        raise cvxpy.error.SolverError("lost")

    monkeypatch.setattr(cvxpy.Problem, "solve", broken)
    assert solve_with_cvxpy(two_positions).status.tolist() == [Status.NOT_VERIFIED]


def test_a_real_time_limit_is_a_timeout_even_with_a_solution_in_hand():
    rng = np.random.default_rng(5)
    n = 60
    price = rng.integers(10**5, 10**8, n)
    value = int(price.sum() / 0.6)
    target = (price * 10**6 // value).astype(np.int64)
    budget = np.array([int(price.sum() * 0.8) - 1])
    hard = ShareProblem(np.array([value]), target, target, np.full(n, 10**6), price, 10**6, budget)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        solution = solve_with_cvxpy(hard, seconds_max=0.001)
    assert solution.status.tolist() == [Status.SOLVER_TIMEOUT]
    assert (solution.quantity == -1).all()


def test_what_a_milp_cannot_say_is_refused(two_positions):
    lots = Choices(*(np.full((1, 2), fill) for fill in (0, 0, 10, 10, 3)))
    with pytest.raises(InvalidInputError, match="lot sizes"):
        solve_with_cvxpy(replace(two_positions, choices=lots))
    with pytest.raises(InvalidInputError, match="CLARABEL"):
        solve_with_cvxpy(two_positions, solver="CLARABEL")
