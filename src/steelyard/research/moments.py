"""Sharpe ratios from sums: the moments of returns add up over spans, so any union of spans is cheap.

A simulation leaves, per trial and segment, the number of bars and the sums of the bar returns and
of their squares.  The Sharpe ratio of any union of segments follows from three additions, which is
what walk-forward folds and cross-validation splits are made of; no path is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

VARIANCE_ROUNDING = 1e-12
"""A variance below this share of the mean square is rounding, not variation."""


@dataclass(frozen=True, slots=True, eq=False)
class SegmentMoments:
    """Moments of N trials in S consecutive segments of bars.

    Attributes:
        bars: bars in each segment, shape (S,).
        total: sums of the bar returns, shape (N, S).
        squares: sums of the squared bar returns, shape (N, S).
    """

    bars: Ints
    total: Floats
    squares: Floats

    def merged(self, groups: Ints) -> SegmentMoments:
        """Neighbouring segments joined; ``groups`` holds the first segment of each, ascending from 0."""
        return SegmentMoments(
            np.add.reduceat(self.bars, groups),
            np.add.reduceat(self.total, groups, axis=1),
            np.add.reduceat(self.squares, groups, axis=1),
        )

    def sharpe(self, first: int = 0, last: int | None = None) -> Floats:
        """Sharpe ratio per bar over segments ``[first, last)``, shape (N,)."""
        span = slice(first, last)
        return sharpe_per_bar(self.bars[span].sum(), self.total[:, span].sum(axis=1), self.squares[:, span].sum(axis=1))


def sharpe_per_bar(bars: int | Ints, total: Floats, squares: Floats) -> Floats:
    """Mean over standard deviation (ddof 1) of returns known by their sums; risk-free rate 0.

    NaN where there are fewer than two bars or the returns do not vary.
    """
    count = np.asarray(bars, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / count
        spread = squares - count * mean**2
        deviation = np.sqrt(np.where(spread > VARIANCE_ROUNDING * squares, spread, np.nan) / (count - 1))
        return np.where(count > 1, mean / deviation, np.nan)
