"""The Deflated Sharpe Ratio: published figures, known expectations, honesty on noise."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from steelyard.research.overfitting import (
    deflated_sharpe,
    expected_maximum,
    independent_trials,
    probabilistic_sharpe,
)


def test_the_published_example_of_the_deflated_sharpe_ratio():
    """Bailey & Lopez de Prado (2014): SR 2.5 a year, 1,250 days, N 100, V 1/2, skewness -3, kurtosis 10."""
    luck = math.sqrt(0.5 / 250) * expected_maximum(100)
    assert luck == pytest.approx(0.1132, abs=5e-5)
    found = probabilistic_sharpe(2.5 / math.sqrt(250), luck, bars=1250, skewness=-3, kurtosis=10)
    assert found == pytest.approx(0.9004, abs=5e-4)


def test_a_normal_sample_at_the_benchmark_is_even_odds():
    assert probabilistic_sharpe(0.07, 0.07, bars=500, skewness=0, kurtosis=3) == 0.5


@given(st.floats(-0.3, 0.3), st.floats(-0.3, 0.3), st.integers(10, 10_000))
def test_a_higher_bar_is_harder_to_clear(sharpe, benchmark, bars):
    def probability(bar):
        return probabilistic_sharpe(sharpe, bar, bars=bars, skewness=-0.5, kurtosis=5)

    assert 0 <= probability(benchmark + 0.01) <= probability(benchmark) <= 1


def test_an_undefined_sharpe_ratio_is_no_evidence():
    assert probabilistic_sharpe(math.nan, 0.0, bars=100, skewness=0, kurtosis=3) == 0.0
    assert deflated_sharpe(np.zeros(50), np.full(3, np.nan), np.zeros((3, 8))).probability == 0.0


@pytest.mark.parametrize("trials", [2, 5, 20, 100, 1000])
def test_the_expected_maximum_is_that_of_draws(trials):
    draws = np.random.default_rng(0).standard_normal((4000, trials)).max(axis=1)
    assert expected_maximum(trials) == pytest.approx(draws.mean(), abs=0.06)


@pytest.mark.parametrize("trials", [2, 5, 20, 100])
def test_independent_trials_are_counted_and_copies_are_not(trials):
    segments = np.random.default_rng(trials).normal(size=(trials, 400))
    assert independent_trials(segments) == pytest.approx(trials, rel=0.2)
    copied = np.repeat(segments, 7, axis=0) * np.linspace(0.5, 2, 7 * trials)[:, None]
    assert independent_trials(copied) == pytest.approx(independent_trials(segments))


def test_one_trial_and_trials_without_a_trade_count_as_one():
    segments = np.random.default_rng(1).normal(size=(1, 64))
    assert independent_trials(np.repeat(segments, 50, axis=0)) == 1.0
    assert independent_trials(np.zeros((10, 64))) == 1.0


def test_the_best_of_many_worthless_trials_is_expected_at_the_luck_sharpe():
    rng = np.random.default_rng(8)
    best, luck = [], []
    for _ in range(200):
        common = rng.normal(0, 0.01, (1, 640))
        paths = 0.7 * common + 0.7 * rng.normal(0, 0.01, (40, 640))  # correlation one half
        sharpes = paths.mean(axis=1) / paths.std(axis=1, ddof=1)
        segments = paths.reshape(40, 64, 10).sum(axis=2)
        deflated = deflated_sharpe(paths[sharpes.argmax()], sharpes, segments)
        best.append(sharpes.max())
        luck.append(deflated.luck_sharpe)
    assert np.mean(luck) == pytest.approx(np.mean(best), rel=0.1)


def test_skewness_and_kurtosis_are_those_of_the_chosen_returns():
    returns = np.random.default_rng(4).standard_t(5, 800) * 0.01 + 0.001
    single = deflated_sharpe(returns, np.array([0.1]), np.random.default_rng(0).normal(size=(1, 64)))
    sharpe = returns.mean() / returns.std(ddof=1)
    expected = probabilistic_sharpe(
        sharpe, 0.0, bars=800, skewness=stats.skew(returns), kurtosis=stats.kurtosis(returns, fisher=False)
    )
    assert single.probability == pytest.approx(expected)
    assert single.sharpe == pytest.approx(sharpe)
    assert single.luck_sharpe == 0.0
