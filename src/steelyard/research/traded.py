"""What a sweep trades: one series, or several side by side at equal weights.

Several series are sleeves of one account.  Each sleeve follows the same combination on its own
prices; the account is brought back to equal weights at every bar, free of charge, so its return of a
bar is the mean of the sleeves' returns.  Only bars that all series have are traded.  Trades are
counted over all sleeves; profits are in units of the account's initial cash.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from steelyard.core.canonical import canonical_hash
from steelyard.core.errors import InvalidInputError
from steelyard.market.bars import PriceSeries
from steelyard.research.backtest import Backtest, run_backtest
from steelyard.research.kernel import Figures, simulate_combinations
from steelyard.research.metrics import bar_returns
from steelyard.research.moments import Floats, Ints
from steelyard.research.spec import SweepSpec
from steelyard.research.strategies import Combinations

CHUNK_BARS = 400_000_000
"""Bars times combinations between two looks at the cancel flag: well under a second of work."""
CHUNK_COMBINATIONS_MAX = 16_384
PATH_CELLS_MAX = 2_000_000
"""Bars times combinations whose bar returns are held at once (16 MB) when sleeves are added up."""

Held = NDArray[np.bool_]


class Traded(Protocol):
    """What a sweep needs to know of its market."""

    @property
    def series(self) -> PriceSeries:
        """The prices that buy-and-hold holds."""

    @property
    def chunk_combinations(self) -> int:
        """Combinations to simulate between two looks at the cancel flag."""

    def simulate(self, combinations: Combinations, edges: Ints, threads: int) -> Figures:
        """Figures of each combination, with sums over the segments between ``edges``."""

    def replay(self, combination: Combinations) -> tuple[Backtest, Held]:
        """One combination bar by bar, and which sleeves hold at each close, shape (T, sleeves)."""


@dataclass(frozen=True, slots=True, eq=False)
class OneSeries:
    """A single series."""

    series: PriceSeries
    spec: SweepSpec

    @property
    def chunk_combinations(self) -> int:
        """See :class:`Traded`."""
        return max(1, min(CHUNK_COMBINATIONS_MAX, CHUNK_BARS // len(self.series)))

    def simulate(self, combinations: Combinations, edges: Ints, threads: int) -> Figures:
        """See :class:`Traded`."""
        return simulate_combinations(
            self.series.close, self.series.open, self.spec.strategy, combinations, self.spec.execution,
            segments=edges, threads=threads,
        )  # fmt: skip

    def replay(self, combination: Combinations) -> tuple[Backtest, Held]:
        """See :class:`Traded`."""
        spec = self.spec
        tested = run_backtest(self.series.close, self.series.open, spec.strategy, combination, spec.execution)
        return tested, tested.position[:, None]


@dataclass(frozen=True, slots=True, eq=False)
class EqualWeights:
    """Several series on their common bars; ``series`` is the account that holds them all."""

    sleeves: tuple[OneSeries, ...]
    series: PriceSeries

    @classmethod
    def of(cls, several: Sequence[PriceSeries], spec: SweepSpec) -> EqualWeights:
        """Align the series.

        Raises:
            InvalidInputError: LENGTH_MISMATCH, NO_COMMON_BARS, PERIODS_DIFFER.
        """
        aligned = _on_common_bars(several)
        periods = {one.symbol: one.periods_per_year for one in aligned}
        if len(set(periods.values())) > 1:
            msg = f"the series have different periods per year, {periods}; give `periods_per_year` for all of them"
            raise InvalidInputError(msg, code="PERIODS_DIFFER")
        held = np.mean([bar_returns(one.close) for one in aligned], axis=0)
        hashes = [one.manifest_hash for one in aligned]
        account = PriceSeries(
            "equal weights of " + ", ".join(one.symbol for one in aligned),
            np.cumprod(1 + held),
            aligned[0].timestamps,
            periods_per_year=aligned[0].periods_per_year,
            source="; ".join(sorted({one.source for one in aligned})),
            synthetic=any(one.synthetic for one in aligned),
            manifest_hash=canonical_hash(hashes) if all(hashes) else None,
        )
        return cls(tuple(OneSeries(one, spec) for one in aligned), account)

    @property
    def chunk_combinations(self) -> int:
        """See :class:`Traded`."""
        return max(1, PATH_CELLS_MAX // (len(self.series) * len(self.sleeves)))

    def simulate(self, combinations: Combinations, edges: Ints, threads: int) -> Figures:
        """See :class:`Traded`."""
        every_bar = np.arange(len(self.series) + 1)
        parts = [sleeve.simulate(combinations, every_bar, threads) for sleeve in self.sleeves]
        returns: Floats = sum((_bar_returns(part) for part in parts[1:]), _bar_returns(parts[0])) / len(parts)
        equity: Floats = np.cumprod(1 + returns, axis=1, dtype=np.float64)
        peak = np.maximum(np.maximum.accumulate(equity, axis=1), 1.0)

        def added(name: str) -> Any:
            return np.sum([getattr(part, name) for part in parts], axis=0)

        return Figures(
            final_equity=equity[:, -1],
            return_sum=returns.sum(axis=1),
            return_sum_sq=(returns**2).sum(axis=1),
            downside_sum_sq=(np.minimum(returns, 0.0) ** 2).sum(axis=1),
            max_drawdown=(equity / peak - 1).min(axis=1),
            entries=added("entries"),
            closed_trades=added("closed_trades"),
            winning_trades=added("winning_trades"),
            gross_profit=added("gross_profit") / len(parts),
            gross_loss=added("gross_loss") / len(parts),
            trade_return_sum=added("trade_return_sum"),
            trade_bars_sum=added("trade_bars_sum"),
            bars_in_market=(added("bars_in_market") / len(parts)).round().astype(np.int64),
            open_trade=np.any([part.open_trade for part in parts], axis=0),
            segment_sum=np.add.reduceat(returns, edges[:-1], axis=1),
            segment_sum_sq=np.add.reduceat(returns**2, edges[:-1], axis=1),
        )

    def replay(self, combination: Combinations) -> tuple[Backtest, Held]:
        """See :class:`Traded`; trades stay with the sleeves."""
        tested = [sleeve.replay(combination)[0] for sleeve in self.sleeves]
        returns = np.mean([one.returns for one in tested], axis=0)
        held = np.column_stack([one.position for one in tested])
        holds_any: Held = np.logical_or.reduce(held, axis=1)
        return Backtest(np.cumprod(1 + returns), holds_any, returns, ()), held


def _bar_returns(figures: Figures) -> Floats:
    assert figures.segment_sum is not None  # noqa: S101 - each bar was asked for as a segment
    return figures.segment_sum


def _on_common_bars(several: Sequence[PriceSeries]) -> list[PriceSeries]:
    times = [one.timestamps for one in several if one.timestamps is not None]
    if len(times) < len(several):
        lengths = {one.symbol: len(one) for one in several}
        if len(set(lengths.values())) > 1 or times:
            msg = f"the series have {lengths} bars and not all have times to align them by; give times or equal lengths"
            raise InvalidInputError(msg, code="LENGTH_MISMATCH")
        return list(several)
    common = times[0]
    for others in times[1:]:
        common = np.intersect1d(common, others, assume_unique=True)
    if len(common) == 0:
        names = ", ".join(one.symbol for one in several)
        raise InvalidInputError(f"the series {names} have no bar in common", code="NO_COMMON_BARS")
    return [_at(one, np.isin(one_times, common)) for one, one_times in zip(several, times, strict=True)]


def _at(series: PriceSeries, rows: Held) -> PriceSeries:
    if rows.all() or series.timestamps is None:
        return series
    return replace(
        series,
        close=series.close[rows],
        open=None if series.open is None else series.open[rows],
        timestamps=series.timestamps[rows],
    )
