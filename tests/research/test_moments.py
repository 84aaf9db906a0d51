"""Sharpe ratios from sums equal those from paths."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.research.moments import SegmentMoments, sharpe_per_bar


def moments_of(returns, cuts):
    """Moments of paths (N, T) in the segments that begin at ``cuts``."""
    bars = np.diff([*cuts, returns.shape[1]])
    return SegmentMoments(bars, np.add.reduceat(returns, cuts, axis=1), np.add.reduceat(returns**2, cuts, axis=1))


@given(st.integers(0, 2**32 - 1), st.integers(0, 4), st.integers(1, 5))
def test_the_sharpe_ratio_of_any_run_of_segments_is_that_of_its_bars(seed, first, length):
    returns = np.random.default_rng(seed).normal(0.001, 0.02, (3, 100))
    cuts = [0, 7, 20, 55, 60, 99]
    last = min(first + length, 6)
    part = returns[:, cuts[first] : [*cuts, 100][last]]
    sharpe = moments_of(returns, cuts).sharpe(first, last)
    if part.shape[1] < 2:
        assert np.isnan(sharpe).all()
    else:
        assert sharpe == pytest.approx(part.mean(axis=1) / part.std(axis=1, ddof=1), rel=1e-9)


def test_returns_that_do_not_vary_have_no_sharpe_ratio():
    assert np.isnan(sharpe_per_bar(10, np.array([0.0, 0.1, -1.0]), np.array([0.0, 0.001, 0.1]))).all()


def test_merged_segments_hold_the_bars_of_both():
    returns = np.random.default_rng(1).normal(size=(4, 60))
    fine, coarse = moments_of(returns, range(0, 60, 5)), moments_of(returns, range(0, 60, 15))
    merged = fine.merged(np.arange(0, 12, 3))
    assert merged.bars.tolist() == coarse.bars.tolist()
    assert merged.total == pytest.approx(coarse.total)
    assert merged.squares == pytest.approx(coarse.squares)
