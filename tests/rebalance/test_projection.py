"""The projection against an interior-point solver, and where it is known by heart."""

import importlib
import random
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.rebalance.projection import NoProjectionError, Row, project

HALF_A_UNIT = 0.00005 + 1e-7


def share(low, high, digits):
    return st.integers(low * 10**digits, high * 10**digits).map(lambda number: Decimal(number).scaleb(-digits))


@st.composite
def problems(draw):
    size = draw(st.integers(1, 12))
    model = draw(st.lists(share(0, 1, 6), min_size=size, max_size=size))
    upper = draw(st.none() | share(0, 1, 2))
    everyone = tuple(range(size))
    rows = [Row(everyone, draw(share(0, 1, 2)))]
    if draw(st.booleans()):
        rows.append(Row(everyone, draw(share(0, 1, 2)), sign=-1))
    for _ in range(draw(st.integers(0, 4))):
        members = draw(st.sets(st.sampled_from(everyone), min_size=1))
        rows.append(Row(tuple(sorted(members)), draw(share(0, 1, 2))))
    return model, upper, rows


@pytest.mark.filterwarnings("ignore:Solution may be inaccurate")  # than 1E-13; half a unit is 5E-5
@given(problems())
def test_weights_and_verdict_are_those_of_an_interior_point_solver(problem):
    model, upper, rows = problem
    found, expected = project(model, upper, rows), interior_point(model, upper, rows)
    assert (found is None) == (expected is None)
    if found is not None:
        assert np.max(np.abs(np.array(found, dtype=float) - expected)) <= HALF_A_UNIT


def interior_point(model, upper, rows):
    """The same by CVXPY and Clarabel; None if infeasible."""
    cp: Any = importlib.import_module("cvxpy")  # slow to import, and partly without types
    weights = cp.Variable(len(model))
    bounds = [weights >= 0]
    if upper is not None:
        bounds.append(weights <= float(upper))
    bounds += [row.sign * cp.sum(weights[list(row.members)]) <= row.sign * float(row.bound) for row in rows]
    distance = cp.sum_squares(weights - np.array(model, dtype=float))
    problem = cp.Problem(cp.Minimize(distance), bounds)
    problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-13, tol_gap_rel=1e-13, tol_feas=1e-13)
    return weights.value if problem.status in {"optimal", "optimal_inaccurate"} else None


def weights_of(*numbers):
    return [Decimal(number) for number in numbers]


def test_what_keeps_all_bounds_is_only_rounded():
    assert project(weights_of("0.12345", "0.12355"), None, [Row((0, 1), Decimal(1))]) == weights_of("0.1234", "0.1236")


def test_an_excess_is_taken_from_all_alike():
    assert project(weights_of("0.8", "0.6"), None, [Row((0, 1), Decimal(1))]) == weights_of("0.6", "0.4")


def test_nothing_goes_below_zero():
    assert project(weights_of("0.9", "0.1"), None, [Row((0, 1), Decimal("0.5"))]) == weights_of("0.5", "0")


def test_a_lower_bound_lifts_all_alike_up_to_the_cap():
    rows = [Row((0, 1), Decimal(1)), Row((0, 1), Decimal("0.8"), sign=-1)]
    assert project(weights_of("0.5", "0.1"), Decimal("0.5"), rows) == weights_of("0.5", "0.3")


def test_a_corner_in_which_no_weight_is_free_is_proven_too():
    """20 names at a cap of 3 % fill the sum of 60 % exactly: the multipliers are not unique."""
    model = [Decimal("0.05")] * 20 + [Decimal(0)] * 60
    found = project(model, Decimal("0.03"), [Row(tuple(range(80)), Decimal("0.60"))])
    assert found == [Decimal("0.03")] * 20 + [Decimal(0)] * 60


@pytest.mark.parametrize(
    ("upper", "rows"),
    [
        (Decimal(-1), [Row((0, 1), Decimal(1))]),
        (Decimal("0.1"), [Row((0, 1), Decimal("0.3"), sign=-1)]),
        (None, [Row((0, 1), Decimal("0.2")), Row((0, 1), Decimal("0.3"), sign=-1)]),
    ],
)
def test_bounds_that_contradict_each_other_have_no_solution(upper, rows):
    assert project(weights_of("0.1", "0.1"), upper, rows) is None


def test_a_bound_that_is_missed_by_less_than_floats_can_see_is_kept():
    bound = Decimal("0.5999999999999999999999999999")
    assert project(weights_of("0.4", "0.2"), None, [Row((0, 1), bound)]) == weights_of("0.4", "0.2")


def test_without_a_guess_that_can_be_proven_there_is_no_answer(monkeypatch):
    for method in ("active_set", "least_distance"):
        monkeypatch.setattr(f"steelyard.rebalance.projection._Floats.{method}", lambda _: None)
    with pytest.raises(NoProjectionError, match="2 weights under 1 rows"):
        project(weights_of("0.8", "0.6"), None, [Row((0, 1), Decimal(1))])


def test_a_cap_of_zero_leaves_its_members_at_zero_however_small_they_were_to_be():
    tiny = weights_of("0.000098", "0.000098")
    assert project(tiny, Decimal("0.01"), [Row((0, 1), Decimal("0.00"))]) == weights_of("0", "0")
    others = [*tiny, Decimal("0.3")]
    rows = [Row((0, 1), Decimal(0)), Row((1, 2), Decimal("0.2"))]
    assert project(others, Decimal("0.5"), rows) == weights_of("0", "0", "0.2")


def test_a_cap_of_zero_and_a_least_sum_that_needs_its_members_contradict_each_other():
    tiny = weights_of("0.000098", "0.000098")
    rows = [Row((0, 1), Decimal(0)), Row((0, 1), Decimal("0.1"), sign=-1)]
    assert project(tiny, Decimal("0.01"), rows) is None


def test_small_weights_under_caps_of_zero_are_always_found():
    dice = random.Random(5)
    for _ in range(2_000):
        size = dice.randint(1, 4)
        model = [Decimal(dice.choice([0, 1, 98, 500, 2500, 10_000])) * Decimal("1E-6") for _ in range(size)]
        groups = [tuple(sorted(dice.sample(range(size), dice.randint(1, size)))) for _ in range(dice.randint(1, 3))]
        rows = [Row(group, Decimal(dice.choice(["0", "0.0001", "0.01"]))) for group in groups]
        weights = project(model, dice.choice([None, Decimal("0.01")]), rows)
        assert weights is not None
        assert all(sum(weights[member] for member in row.members) <= row.bound + Decimal("0.0002") for row in rows)
