"""The pass over all combinations: figures of each, and the moments that luck control and walk-forward need.

Combinations go through the kernel in chunks, so memory is bounded, progress can be told and a
cancelled sweep stops soon.  Of a chunk stay its rows of the table, the segment moments of the
examined sample and, per fold, the best combination of the training bars so far.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from steelyard.core.errors import CancelledError
from steelyard.research.kernel import Figures
from steelyard.research.luck import examined_rows, segment_edges
from steelyard.research.metrics import Span, held_return_pct, metric_columns
from steelyard.research.moments import Floats, Ints, SegmentMoments
from steelyard.research.spec import SweepSpec
from steelyard.research.strategies import Combinations, Strategy
from steelyard.research.traded import Traded
from steelyard.research.walk_forward import Fold

Progress = Callable[[float], None]
Cancelled = Callable[[], bool]


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """What the pass leaves behind, rows in the order of the combinations.

    Attributes:
        table: parameters and metrics, C rows.
        moments: of the examined rows over the segments of luck control.
        exposures: of the examined rows, shares.
        winners: per fold, the row with the best Sharpe ratio in training; None where none traded.
        winner_sharpes: that ratio per bar, NaN where none traded.
    """

    table: pd.DataFrame
    moments: SegmentMoments
    exposures: Floats
    winners: tuple[int | None, ...]
    winner_sharpes: tuple[float, ...]


def search(
    traded: Traded,
    combinations: Combinations,
    spec: SweepSpec,
    folds: Sequence[Fold],
    *,
    span: Span,
    threads: int,
    progress: Progress,
    cancelled: Cancelled,
) -> Search:
    """Simulate every combination once.

    Raises:
        CancelledError: ``cancelled()`` was true between two chunks.
    """
    count, bars = len(combinations), len(traded.series)
    luck_edges = segment_edges(bars)
    cuts = [cut for fold in folds for cut in (fold.train_start, fold.train_end, fold.test_start, fold.test_end)]
    edges = np.unique(np.concatenate([luck_edges, np.array(cuts, dtype=np.int64)]))
    groups = np.searchsorted(edges, luck_edges[:-1])
    examined = examined_rows(count)
    held_pct = held_return_pct(traded.series.close)
    winners = _Winners(folds, edges)
    tables, samples, exposures = [], [], []

    size = traded.chunk_combinations
    for first in range(0, count, size):
        if cancelled():
            raise CancelledError(f"the sweep was cancelled after {first:,} of {count:,} combinations")
        chunk = combinations[first : first + size]
        figures = traded.simulate(chunk, edges, threads)
        moments = _moments(figures, np.diff(edges))
        winners.offer(moments, first)
        rows = examined[(examined >= first) & (examined < first + size)] - first
        samples.append(_rows(moments, rows).merged(groups))
        exposures.append(figures.bars_in_market[rows] / bars)
        metrics = metric_columns(figures, span, buy_and_hold_return_pct=held_pct, min_trades=spec.min_trades)
        tables.append(pd.concat([_parameters(chunk, spec), metrics], axis=1))
        progress(min(1.0, (first + size) / count))

    return Search(
        pd.concat(tables, ignore_index=True) if len(tables) > 1 else tables[0],
        SegmentMoments(
            samples[0].bars,
            np.concatenate([sample.total for sample in samples]),
            np.concatenate([sample.squares for sample in samples]),
        ),
        np.concatenate(exposures),
        tuple(winners.rows),
        tuple(winners.sharpes),
    )


class _Winners:
    """The best training Sharpe ratio per fold, over the chunks seen so far; the earlier row wins a tie."""

    def __init__(self, folds: Sequence[Fold], edges: Ints) -> None:
        self.rows: list[int | None] = [None] * len(folds)
        self.sharpes = [float("nan")] * len(folds)
        self._spans = [np.searchsorted(edges, (fold.train_start, fold.train_end)).tolist() for fold in folds]

    def offer(self, moments: SegmentMoments, first: int) -> None:
        for fold, (start, end) in enumerate(self._spans):
            sharpes = moments.sharpe(start, end)
            if np.isnan(sharpes).all():
                continue
            row = int(np.nanargmax(sharpes))
            if not sharpes[row] <= self.sharpes[fold]:  # true beside the NaN of an empty place
                self.rows[fold], self.sharpes[fold] = first + row, float(sharpes[row])


def _moments(figures: Figures, bars: Ints) -> SegmentMoments:
    assert figures.segment_sum is not None  # noqa: S101 - segments were asked for
    assert figures.segment_sum_sq is not None  # noqa: S101
    return SegmentMoments(bars, figures.segment_sum, figures.segment_sum_sq)


def _rows(moments: SegmentMoments, rows: Ints) -> SegmentMoments:
    return SegmentMoments(moments.bars, moments.total[rows], moments.squares[rows])


def _parameters(chunk: Combinations, spec: SweepSpec) -> pd.DataFrame:
    columns = {"fast_period": chunk.fast}
    if spec.slow:
        columns["slow_period"] = chunk.slow
    if spec.strategy is Strategy.MACD:
        columns["signal_period"] = chunk.signal
    return pd.DataFrame(columns)
