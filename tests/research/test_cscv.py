"""Overfitting by cross-validation, against brute force over paths."""

import math
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import rankdata

from steelyard.core.errors import InvalidInputError
from steelyard.research.cscv import cross_validate


def block_sums(returns, blocks):
    """Sums of returns and of their squares of paths (N, T) in equal blocks."""
    cut = returns.reshape(len(returns), blocks, -1)
    return cut.sum(axis=2), (cut**2).sum(axis=2)


def brute_force_logits(returns, blocks):
    """The definition: every split, Sharpe ratios from the paths, ranks from scipy; no ties allowed for."""
    cut = returns.reshape(len(returns), blocks, -1)
    logits = []
    for inside in combinations(range(blocks), blocks // 2):
        outside = [block for block in range(blocks) if block not in inside]
        first, second = (cut[:, part].reshape(len(returns), -1) for part in (inside, outside))
        winner = np.argmax(first.mean(axis=1) / first.std(axis=1))
        rank = rankdata(second.mean(axis=1) / second.std(axis=1))[winner] / (len(returns) + 1)
        logits.append(math.log(rank / (1 - rank)))
    return logits


@pytest.mark.parametrize(("trials", "blocks"), [(2, 2), (3, 4), (10, 6), (25, 8), (7, 10)])
def test_the_logits_are_those_of_every_split_of_the_paths(trials, blocks):
    returns = np.random.default_rng(trials).normal(0.0005, 0.01, (trials, blocks * 12))
    found = cross_validate(*block_sums(returns, blocks))
    expected = brute_force_logits(returns, blocks)
    assert sorted(found.logits) == pytest.approx(sorted(expected))
    negative, zero = np.less(expected, -1e-12).mean(), np.isclose(expected, 0, atol=1e-12).mean()
    assert found.pbo == pytest.approx(negative + zero / 2)


def test_sixteen_blocks_give_12870_splits():
    returns = np.random.default_rng(0).normal(size=(5, 160))
    assert len(cross_validate(*block_sums(returns, 16)).logits) == 12_870


def test_the_number_of_threads_changes_nothing():
    sums = block_sums(np.random.default_rng(3).normal(size=(40, 120)), 12)
    assert cross_validate(*sums).logits.tolist() == cross_validate(*sums, threads=3).logits.tolist()


def test_worthless_independent_trials_give_one_half():
    rng = np.random.default_rng(11)
    found = [cross_validate(*block_sums(rng.normal(0, 0.01, (30, 160)), 8)).pbo for _ in range(400)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.03)  # standard error about 0.011


def test_a_trial_that_is_really_better_is_no_overfitting():
    returns = np.random.default_rng(5).normal(0, 0.01, (20, 320))
    returns[7] += 0.01
    found = cross_validate(*block_sums(returns, 16))
    assert found.pbo == 0.0
    assert found.loss_probability == 0.0


def test_trials_that_are_all_alike_say_nothing_either_way():
    one = np.random.default_rng(2).normal(size=(1, 64))
    assert cross_validate(*block_sums(np.repeat(one, 9, axis=0), 8)).pbo == 0.5


def test_trials_that_never_trade_tie_exactly_and_say_nothing():
    found = cross_validate(np.zeros((6, 8)), np.zeros((6, 8)))
    assert found.pbo == 0.5
    assert found.loss_probability == 0.0


def test_copies_of_every_trial_leave_the_noise_figure_at_one_half():
    rng = np.random.default_rng(12)
    copied = [np.repeat(rng.normal(0, 0.01, (10, 80)), 4, axis=0) for _ in range(400)]
    assert np.mean([cross_validate(*block_sums(paths, 8)).pbo for paths in copied]) == pytest.approx(0.5, abs=0.04)


def test_one_trial_alone_was_not_chosen():
    assert math.isnan(cross_validate(np.ones((1, 4)), np.ones((1, 4))).pbo)


@pytest.mark.parametrize("blocks", [3, 22])
def test_an_odd_or_excessive_number_of_blocks_is_refused_by_name(blocks):
    with pytest.raises(InvalidInputError, match=f"`blocks` was {blocks}"):
        cross_validate(np.ones((2, blocks)), np.ones((2, blocks)))
