"""Folds of the walk and the path stitched from them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skfolio.model_selection import WalkForward

from steelyard.core.errors import InvalidInputError
from steelyard.research.execution import Execution
from steelyard.research.walk_forward import TRAINING_BARS_MIN, Fold, Path, plan_folds, stitch

layouts = st.tuples(
    st.integers(300, 5000), st.integers(1, 12), st.sampled_from(["anchored", "rolling"]), st.integers(1, 200)
)


@given(layouts)
def test_training_ends_a_purge_and_an_embargo_before_the_test(layout):
    bars, folds, scheme, purge = layout
    for fold in plan_folds(bars, folds=folds, scheme=scheme, purge=purge, embargo=7):
        assert fold.test_start - fold.train_end == purge + 7
        assert fold.train_end - fold.train_start >= purge + TRAINING_BARS_MIN


@given(layouts)
def test_tests_follow_each_other_without_a_gap_to_the_last_bar(layout):
    bars, folds, scheme, purge = layout
    plan = plan_folds(bars, folds=folds, scheme=scheme, purge=purge)
    if plan:
        assert len(plan) == folds
        assert [fold.test_end for fold in plan[:-1]] == [fold.test_start for fold in plan[1:]]
        assert (plan[0].test_start, plan[-1].test_end) == (bars // 2, bars)


@given(layouts)
def test_anchored_training_grows_from_the_first_bar_and_rolling_training_keeps_its_length(layout):
    bars, folds, _, purge = layout
    anchored = plan_folds(bars, folds=folds, scheme="anchored", purge=purge)
    rolling = plan_folds(bars, folds=folds, scheme="rolling", purge=purge)
    assert {fold.train_start for fold in anchored} <= {0}
    assert len({fold.train_end - fold.train_start for fold in rolling}) <= 1
    assert [fold.test_start for fold in anchored] == [fold.test_start for fold in rolling]


@pytest.mark.parametrize("scheme", ["anchored", "rolling"])
def test_the_folds_are_those_of_skfolio(scheme):
    plan = plan_folds(1200, folds=6, scheme=scheme, purge=50, embargo=10)
    oracle = WalkForward(test_size=100, train_size=540, purged_size=60, expand_train=scheme == "anchored")
    expected = [(train[0], train[-1] + 1, test[0], test[-1] + 1) for train, test in oracle.split(np.zeros((1200, 1)))]
    found = [(fold.train_start, fold.train_end, fold.test_start, fold.test_end) for fold in plan]
    assert found == expected


def test_too_little_history_gives_no_folds_rather_than_bad_ones():
    assert plan_folds(400, folds=5, purge=300) == ()
    assert plan_folds(60, folds=20, purge=1) == ()


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"folds": 0}, "`folds` was 0"),
        ({"folds": 101}, "`folds` was 101"),
        ({"scheme": "random"}, "`scheme` was 'random'"),
        ({"embargo": -1}, "`embargo` was -1"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused_by_name(choice, words):
    with pytest.raises(InvalidInputError, match=words):
        plan_folds(1000, purge=10, **choice)


FREE = Execution(fee=0.0)
COSTLY = Execution(fee=0.01, slippage_bp=100)


def path(returns, held):
    return Path(np.array(returns, dtype=float), np.array(held, dtype=bool)[:, None])


def test_a_walk_without_costs_is_the_choices_own_returns():
    paths = [path([0, 0.1, 0.2, 0.3, 0.4, 0.5], [1] * 6), path([0, -0.1, -0.2, -0.3, -0.4, -0.5], [1] * 6)]
    folds = [Fold(0, 1, 2, 4), Fold(0, 3, 4, 6)]
    assert stitch(folds, [0, 1], paths.__getitem__, FREE).tolist() == [0.2, 0.3, -0.4, -0.5]
    assert stitch(folds, [None, 1], paths.__getitem__, FREE).tolist() == [0, 0, -0.4, -0.5]


def test_taking_over_a_position_is_bought_and_giving_one_up_is_sold():
    holding, flat = path([0.0] * 6, [1] * 6), path([0.0] * 6, [0] * 6)
    folds = [Fold(0, 1, 2, 4), Fold(0, 3, 4, 6)]
    bought = stitch(folds, [0, 1], [holding, flat].__getitem__, COSTLY)
    assert bought == pytest.approx([1 / (1.01 * 1.01) - 1, 0, 0.99 * 0.99 - 1, 0])


def test_keeping_a_position_from_fold_to_fold_costs_nothing_more():
    holding = path([0.0] * 6, [1] * 6)
    folds = [Fold(0, 1, 2, 4), Fold(0, 3, 4, 6)]
    assert stitch(folds, [0, 0], lambda _: holding, COSTLY).tolist()[1:] == [0, 0, 0]


def test_staying_in_cash_after_a_position_sells_it():
    holding = path([0.0] * 6, [1] * 6)
    folds = [Fold(0, 1, 2, 4), Fold(0, 3, 4, 6)]
    assert stitch(folds, [0, None], lambda _: holding, COSTLY)[2] == pytest.approx(0.99 * 0.99 - 1)
