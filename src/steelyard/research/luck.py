"""Is the best combination of a sweep good, or the luckiest of many?

Two questions, asked of the best combination after allowing for the search (see :mod:`overfitting`):

- *over cash*: is its Sharpe ratio beyond what the best of as many worthless trials shows?
- *over passive*: the same of its returns less those of simply holding the asset with the
  combination's own average exposure.  A long-only strategy on a rising price has a good Sharpe ratio
  without any timing: on noise with a drift the first question alone is answered yes in more than a
  third of all sweeps.

Evidence must pass both, so the Deflated Sharpe Ratio of a sweep is the smaller probability.  If
either null hypothesis holds, the chance of passing both is at most that of passing that one.

A third figure, the probability of overfitting (see :mod:`cscv`), is about the selection itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from steelyard.research.cscv import BLOCKS, CrossValidation, cross_validate
from steelyard.research.moments import Floats, Ints, SegmentMoments, sharpe_per_bar
from steelyard.research.overfitting import DeflatedSharpe, deflated_sharpe

SEGMENTS = 64
"""Segments over which the trials' correlation is measured; a multiple of the blocks of cross-validation."""
BARS_MIN = 4 * SEGMENTS
"""Below so many bars nothing is said about luck."""
TRIALS_MAX = 5_000
"""A larger sweep is examined on an even sample of so many combinations."""


@dataclass(frozen=True, slots=True, eq=False)
class Luck:
    """What luck may have done to a sweep.

    Attributes:
        over_cash: the best combination's own returns, deflated; None where there are too few bars or trades.
        over_passive: its returns less the asset's at the same average exposure, deflated; None likewise.
        cross_validation: of the choice by Sharpe ratio; None where there are too few bars or trials.
        combinations: in the sweep.
        examined: of these, by the figures above.
    """

    over_cash: DeflatedSharpe | None
    over_passive: DeflatedSharpe | None
    cross_validation: CrossValidation | None
    combinations: int
    examined: int

    @property
    def deflated_sharpe(self) -> float:
        """The smaller of the two probabilities; NaN where nothing can be said."""
        if self.over_cash is None or self.over_passive is None:
            return math.nan
        return min(self.over_cash.probability, self.over_passive.probability)

    @property
    def pbo(self) -> float:
        """Probability of backtest overfitting; NaN where nothing can be said."""
        return math.nan if self.cross_validation is None else self.cross_validation.pbo


def examined_rows(combinations: int) -> Ints:
    """The combinations that are examined: all, or an even sample that holds the first."""
    return np.arange(0, combinations, -(-combinations // TRIALS_MAX))


def segment_edges(bars: int) -> Ints:
    """Edges of ``SEGMENTS`` segments as equal as whole bars allow, shape (SEGMENTS + 1,)."""
    return np.linspace(0, bars, SEGMENTS + 1).round().astype(np.int64)


def examine_luck(
    moments: SegmentMoments,
    exposures: Floats,
    best_returns: Floats,
    best_exposure: float,
    asset_returns: Floats,
    *,
    combinations: int,
    threads: int,
) -> Luck:
    """Ask all three questions.

    Args:
        moments: of the N examined trials over the segments of :func:`segment_edges`.
        exposures: share of bars in the market per trial, shape (N,).
        best_returns: bar returns of the best combination, shape (T,).
        best_exposure: its share of bars in the market.
        asset_returns: bar returns of the asset, the first 0, shape (T,).
        combinations: in the sweep.
        threads: workers; the result does not depend on it.
    """
    bars, trials = len(asset_returns), len(exposures)
    if bars < BARS_MIN:
        return Luck(None, None, None, combinations, 0)
    validation = None
    if trials > 1:
        blocks = moments.merged(np.arange(0, SEGMENTS, SEGMENTS // BLOCKS))
        validation = cross_validate(blocks.total, blocks.squares, threads=threads)
    if not best_exposure:
        return Luck(None, None, validation, combinations, trials)

    over_cash = deflated_sharpe(best_returns, moments.sharpe(), moments.total)
    asset_segments = np.add.reduceat(asset_returns, segment_edges(bars)[:-1])
    over_passive = deflated_sharpe(
        best_returns - best_exposure * asset_returns,
        _timing_sharpes(moments, exposures, asset_returns),
        moments.total - exposures[:, None] * asset_segments,
    )
    return Luck(over_cash, over_passive, validation, combinations, trials)


def _timing_sharpes(moments: SegmentMoments, exposures: Floats, asset_returns: Floats) -> Floats:
    """Sharpe ratios per bar of the trials' returns r less those of the asset x at their exposure e.

    A trial returns x or nothing, so r x = r^2 but for the costs on the bars of a trade, which are
    left out of the spread here; it only scales the variance across trials.
    """
    total, squares = moments.total.sum(axis=1), moments.squares.sum(axis=1)
    timing = total - exposures * asset_returns.sum()
    spread = (1 - 2 * exposures) * squares + exposures**2 * (asset_returns**2).sum()
    return sharpe_per_bar(moments.bars.sum(), timing, spread)
