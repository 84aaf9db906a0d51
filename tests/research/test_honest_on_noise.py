"""Luck control on hundreds of series without memory: it must find nothing, as often as it promises.

Each drift has its own series, so that a rising and a falling market are both among them.  Small
sweeps, real ones: prices go in, the verdict comes out.
"""

import numpy as np
import pytest

import steelyard as sy

SERIES_PER_DRIFT = 100
DRIFTS = (0.0, 0.0005, -0.0005)  # a bar; with 1.2 % of noise a year's Sharpe ratio of 0, 0.66 and -0.66


@pytest.fixture(scope="module")
def sweeps():
    rng = np.random.default_rng(20140901)
    return {
        drift: [
            sy.sweep(
                100 * np.exp(rng.normal(drift, 0.012, 1260).cumsum()),
                fast=range(5, 45, 8), slow=range(20, 141, 20), rank_by="sharpe_ratio", threads=1,
            )
            for _ in range(SERIES_PER_DRIFT)
        ]
        for drift in DRIFTS
    }  # fmt: skip


def test_the_probability_of_overfitting_is_about_one_half(sweeps):
    for drift, results in sweeps.items():
        mean = np.mean([r.pbo for r in results])
        assert mean == pytest.approx(0.5, abs=0.08), drift  # standard error 0.02
    assert np.mean([r.pbo for results in sweeps.values() for r in results]) == pytest.approx(0.5, abs=0.05)


def test_at_most_five_in_a_hundred_pass_the_deflated_sharpe_ratio(sweeps):
    for drift, results in sweeps.items():
        assert np.mean([r.deflated_sharpe >= 0.95 for r in results]) <= 0.05, drift


def test_at_most_five_in_a_hundred_hold_up(sweeps):
    verdicts = [r.verdict.level for results in sweeps.values() for r in results]
    assert np.mean([level == "holds_up" for level in verdicts]) <= 0.05


def test_without_a_drift_beating_cash_alone_is_deflated_enough(sweeps):
    assert np.mean([r.luck.over_cash.probability >= 0.95 for r in sweeps[0.0]]) <= 0.05


def test_with_a_drift_beating_cash_is_common_and_therefore_not_enough(sweeps):
    assert np.mean([r.luck.over_cash.probability >= 0.95 for r in sweeps[0.0005]]) > 0.10
