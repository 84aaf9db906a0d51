"""Whole quantities: against enumeration, against laws, and what happens to wrong answers."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.core.errors import InvalidInputError
from steelyard.models import solution as module
from steelyard.models.choices import MAY_BUY, MAY_SELL, Choices
from steelyard.models.solution import ShareProblem, Status, fits_64_bits, solve_shares
from tests.models.brute import UNIT, best_objective, blown_up, random_problem

ALL_ENDS = {Status.OPTIMAL, Status.NO_WHOLE_QUANTITY, Status.NOT_ENOUGH_CASH}


def claimed(solution, p=0):
    status = Status(int(solution.status[p]))
    return status, int(solution.objective[p]) if status == Status.OPTIMAL else None


@pytest.mark.parametrize("with_choices", [False, True])
def test_the_objective_is_that_of_trying_every_quantity(with_choices):
    rng = np.random.default_rng(11)
    seen: Counter[Status | str] = Counter()
    for _ in range(700):
        problem = random_problem(rng, with_choices=with_choices)
        solution = solve_shares(problem)
        assert claimed(solution) == best_objective(problem), problem
        seen[Status(int(solution.status[0]))] += 1
        seen["repaired"] += bool(solution.repaired[0])
    assert set(seen) == {*ALL_ENDS, "repaired"}
    assert seen["repaired"] > 3


@pytest.mark.parametrize("with_choices", [False, True])
def test_a_unit_of_money_too_small_for_64_bits_changes_no_quantity(with_choices):
    rng = np.random.default_rng(12)
    for _ in range(150):
        problem = random_problem(rng, with_choices=with_choices)
        wide = blown_up(problem, 10**15)
        assert not fits_64_bits(wide)
        narrow_answer, wide_answer = solve_shares(problem), solve_shares(wide)
        assert (narrow_answer.quantity == wide_answer.quantity).all()
        assert (narrow_answer.status == wide_answer.status).all()


def test_a_tie_takes_the_smaller_quantity():
    problem = ShareProblem(np.array([1000]), np.array([150]), np.array([500]), np.array([500]), np.array([100]), UNIT)
    assert solve_shares(problem).quantity.tolist() == [[1]]


def test_an_edge_of_the_window_is_inside_it():
    exact = ShareProblem(np.array([1000]), np.array([150]), np.array([50]), np.array([0]), np.array([100]), UNIT)
    assert solve_shares(exact).quantity.tolist() == [[1]]
    missed = ShareProblem(np.array([1000]), np.array([150]), np.array([49]), np.array([49]), np.array([100]), UNIT)
    assert solve_shares(missed).status.tolist() == [Status.NO_WHOLE_QUANTITY]


def test_no_answer_is_minus_one_throughout_so_that_nobody_sells_by_mistake():
    problem = ShareProblem(
        np.array([1000]), np.array([150, 100]), np.array([0, 0]), np.array([0, 0]), np.array([100, 100]), UNIT
    )
    solution = solve_shares(problem)
    assert solution.quantity.tolist() == [[-1, -1]]
    assert solution.objective.tolist() == [-1]


def test_an_empty_model_needs_nothing():
    nothing = np.zeros(0, dtype=np.int64)
    solution = solve_shares(ShareProblem(np.array([1000]), nothing, nothing, nothing, nothing, UNIT))
    assert claimed(solution) == (Status.OPTIMAL, 0)
    assert solution.quantity.shape == (1, 0)


@pytest.mark.parametrize("seed", range(5))
def test_threads_and_rows_shared_or_repeated_change_nothing(seed):
    rng = np.random.default_rng(seed)
    portfolios, n = 5_000, 6
    value, price = rng.integers(1_000, 10**7, portfolios), rng.integers(10, 5_000, n)
    target, low, high = 5 * rng.integers(1, 32, n), rng.integers(0, 50, n), rng.integers(0, 50, n)
    shared = ShareProblem(value, target, low, high, price, UNIT)
    target, low, high, price = (np.broadcast_to(row, (portfolios, n)) for row in (target, low, high, price))
    repeated = ShareProblem(value, target, low, high, price, UNIT)
    one, other = solve_shares(shared), solve_shares(repeated, threads=2)
    assert (one.quantity == other.quantity).all()
    assert (one.status == other.status).all()
    assert len(set(one.status.tolist())) > 1


def problems(positions_max=8):
    return st.integers(0, 2**32).map(
        lambda seed: random_problem(np.random.default_rng(seed), positions_max=positions_max)
    )


@given(problems(), st.randoms(use_true_random=False))
def test_the_order_of_the_securities_changes_only_the_order(problem, random):
    order = list(range(problem.shape[1]))
    random.shuffle(order)
    moved = replace(problem, **{name: getattr(problem, name)[order] for name in ("target", "low", "high", "price")})
    solution, again = solve_shares(problem), solve_shares(moved)
    assert solution.quantity[0][order].tolist() == again.quantity[0].tolist()
    assert claimed(solution) == claimed(again)


@given(problems(), st.integers(1, 1_000))
def test_scaling_values_and_prices_together_changes_nothing(problem, factor):
    scaled = ShareProblem(
        problem.market_value * factor,
        problem.target,
        problem.low,
        problem.high,
        problem.price * factor,
        problem.unit,
        problem.cash_row * factor,
    )
    assert solve_shares(problem).quantity.tolist() == solve_shares(scaled).quantity.tolist()


@given(problems(), st.integers(1, 99))
def test_a_portfolio_split_in_two_differs_by_at_most_one_unit_per_security(problem, percent):
    whole = problem.market_value * 100
    parts = [problem.market_value * percent, problem.market_value * (100 - percent)]
    rows = (problem.target, problem.low, problem.high, problem.price * 40, problem.unit)
    one, left, right = (solve_shares(ShareProblem(value, *rows)) for value in (whole, *parts))
    all_near = all(answer.status[0] == Status.OPTIMAL and not answer.repaired[0] for answer in (one, left, right))
    if all_near:
        assert abs(left.quantity + right.quantity - one.quantity).max() <= 1


@given(problems(), problems())
def test_portfolios_do_not_know_of_each_other(one, other):
    both = ShareProblem(
        np.concatenate([one.market_value, other.market_value]),
        one.target,
        one.low,
        one.high,
        one.price,
        UNIT,
        np.concatenate([one.cash_row, other.cash_row]),
    )
    assert solve_shares(both).quantity[0].tolist() == solve_shares(one).quantity[0].tolist()


def test_no_threads_are_refused():
    with pytest.raises(InvalidInputError, match="threads"):
        solve_shares(random_problem(np.random.default_rng(1)), threads=0)


def check_exactly(problem, solution):
    """Every answered row, in Python's integers: whole, inside, affordable, and worth what it claims."""
    for p in np.flatnonzero(solution.status == Status.OPTIMAL):
        value, cost, missed = int(problem.market_value[p]), 0, 0
        for i, units in enumerate(solution.quantity[p].tolist()):
            target, low, high, price = (
                int(array[i]) for array in (problem.target, problem.low, problem.high, problem.price)
            )
            off = problem.unit * units * price - value * target
            assert units >= 0
            assert -value * low <= off <= value * high
            cost, missed = cost + units * price, missed + abs(off)
        assert cost <= int(problem.cash_row[p])
        assert missed == solution.objective[p]


@pytest.mark.parametrize("portfolios", [3_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_no_answer_violates_a_window_the_cash_or_wholeness(portfolios):
    rng = np.random.default_rng(99)
    done, answered = 0, 0
    while done < portfolios:
        n, count = int(rng.integers(1, 9)), 1_000
        value = (10 ** rng.uniform(2, 9, count)).astype(np.int64)
        price = (10 ** rng.uniform(0, 6, n)).astype(np.int64)
        target = 5 * (rng.dirichlet(np.ones(n)) * 190).astype(np.int64)
        low, high = rng.integers(0, 1000, n), rng.integers(0, 1000, n)
        problem = ShareProblem(value, target, low, high, price, UNIT)
        solution = solve_shares(problem)
        check_exactly(problem, solution)
        assert set(solution.status.tolist()) <= set(ALL_ENDS)
        done, answered = done + count, answered + int((solution.status == Status.OPTIMAL).sum())
    assert answered > portfolios / 20


@pytest.mark.parametrize("wrong", ["window", "negative", "cash", "objective"])
@pytest.mark.parametrize("with_choices", [False, True])
def test_a_wrong_answer_of_the_kernel_never_leaves(monkeypatch, wrong, with_choices):
    problem = ShareProblem(
        np.array([1000]), np.array([300, 300]), np.array([300, 300]), np.array([100, 700]), np.array([100, 100]), UNIT
    )
    if with_choices:
        free = Choices(*(np.full((1, 2), fill) for fill in (0, 0, 1, 1, MAY_BUY | MAY_SELL)))
        problem = replace(problem, choices=free)
    name = "fill_nearest_choice" if with_choices else "fill_nearest"
    right = getattr(module, name)

    def spoiled(*arguments):
        right(*arguments)
        answers = arguments[-1]
        answers.quantity[:] = {"window": [5, 3], "negative": [-1, 3], "cash": [4, 7], "objective": [3, 3]}[wrong]
        answers.objective[:] = sum(abs(300_000 - 100_000 * int(units)) for units in answers.quantity)
        answers.objective[:] += wrong == "objective"

    monkeypatch.setattr(module, name, spoiled)
    solution = solve_shares(problem)
    assert solution.status.tolist() == [Status.NOT_VERIFIED]
    assert (solution.quantity == -1).all()


def test_a_search_that_stops_at_its_limit_gives_no_quantities():
    rng = np.random.default_rng(3)
    n = 30
    price = rng.integers(10**5, 10**8, n)
    value = int(price.sum() / 0.6)
    target = (price * 10**6 // value).astype(np.int64)
    problem = ShareProblem(
        np.array([value]), target, target, np.full(n, 10**6), price, 10**6, np.array([int(price.sum() * 0.8) - 1])
    )
    assert solve_shares(problem, seconds_max=0.00001).status.tolist() == [Status.SOLVER_TIMEOUT]
    assert (solve_shares(problem, seconds_max=0.00001).quantity == -1).all()
    assert solve_shares(problem).status.tolist() == [Status.OPTIMAL]
