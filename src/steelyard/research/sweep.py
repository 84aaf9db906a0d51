"""The strategy sweep: every combination of windows on one series, and how much of the best is luck.

One call reads the prices, simulates all combinations, ranks them, walks forward through folds, asks
what luck explains and says it in words.  The result depends on the prices, the parameters and the
version of the code alone: not on the number of threads, not on the time.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from steelyard._version import __version__
from steelyard.core.errors import InvalidInputError
from steelyard.market.bars import PriceSeries
from steelyard.research.execution import Execution, Fill
from steelyard.research.inputs import Prices, read_prices
from steelyard.research.luck import examine_luck
from steelyard.research.metrics import Span, bar_returns, held_return_pct, path_metrics
from steelyard.research.moments import Ints
from steelyard.research.out_of_sample import walk
from steelyard.research.ranges import Windows
from steelyard.research.result import SweepResult
from steelyard.research.search import Cancelled, Progress, search
from steelyard.research.spec import SweepSpec
from steelyard.research.strategies import SIGNAL_DEFAULT, Strategy
from steelyard.research.traded import EqualWeights, OneSeries, Traded
from steelyard.research.verdict import judge
from steelyard.research.walk_forward import EMBARGO_SHARE, FOLDS_DEFAULT, Path, Scheme, plan_folds

BARS_BEYOND_WINDOWS = 3
"""Bars a series has beyond the longest look-back: one to be out, one to enter, one to earn."""
SEARCH_SHARE = 0.9
"""Of the progress of one sweep; the rest is luck control."""
SLEEVES_SHARE = 0.4
"""Of the progress of a portfolio, for each series by itself; adding them up takes the rest."""


def sweep(
    close: Prices,
    strategy: str | Strategy = Strategy.SMA,
    fast: Windows = range(5, 101),
    slow: Windows | None = range(20, 301, 5),
    signal: Windows = SIGNAL_DEFAULT,
    *,
    fee: float = 0.001,
    slippage_bp: float = 0.0,
    fill: Fill = "same_close",
    enter_on_warmup: bool = False,
    periods_per_year: float | None = None,
    min_trades: int = 10,
    rank_by: str = "score",
    folds: int = FOLDS_DEFAULT,
    scheme: Scheme = "anchored",
    purge: int | None = None,
    embargo: int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> SweepResult:
    """Try every combination with fast < slow and say how far the best can be trusted.

    Args:
        close: closes (T,) as an array, a pandas Series or a PriceSeries; several at once as a mapping
            by name, a list of such, or a DataFrame are traded together at equal weights, and each by itself.
        strategy: SMA, EMA, MACD or RSI.
        fast: windows in bars: a number, a range, a list, an array or text such as ``5:100``.
        slow: likewise; None with RSI for its level rule.
        signal: likewise, MACD only.
        fee: share of the traded value, per side.
        slippage_bp: basis points per side.
        fill: price of the fills.
        enter_on_warmup: also enter where the state is true from the start.
        periods_per_year: annualises; None for the series' own.
        min_trades: combinations that trade less are flagged and ranked last.
        rank_by: column of the table.
        folds: test spans of the walk-forward analysis, see :mod:`walk_forward`.
        scheme: ``anchored`` or ``rolling`` training.
        purge: bars left out before each test span; None for the longest look-back.
        embargo: further such bars; None for 1 % of all.
        threads: None for all cores; no result depends on it.
        progress: is called with the share done, 0..1.
        cancelled: is asked between chunks of well under a second.

    Raises:
        InvalidInputError: a parameter or a price, named with its value.
        TooLargeError: too many combinations.
        CancelledError: ``cancelled()`` was true.
    """
    spec = SweepSpec.read(
        strategy, fast, slow, signal,
        execution=Execution(fee=fee, slippage_bp=slippage_bp, fill=fill, enter_on_warmup=enter_on_warmup),
        periods_per_year=periods_per_year, min_trades=min_trades, rank_by=rank_by,
        folds=folds, scheme=scheme, purge=purge, embargo=embargo,
    )  # fmt: skip
    workers = _cores() if threads is None else threads
    series = read_prices(close, bars_minimum=spec.look_back + BARS_BEYOND_WINDOWS, periods=periods_per_year)
    if isinstance(series, PriceSeries):
        return sweep_series(series, spec, threads=workers, progress=progress, cancelled=cancelled)
    return sweep_portfolio(series, spec, threads=workers, progress=progress, cancelled=cancelled)


def sweep_series(
    series: PriceSeries,
    spec: SweepSpec,
    *,
    threads: int,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> SweepResult:
    """Sweep one checked series, see :func:`sweep`."""
    return _sweep(OneSeries(series, spec), spec, threads, progress or _ignore, cancelled or _never)


def sweep_portfolio(
    several: Sequence[PriceSeries],
    spec: SweepSpec,
    *,
    threads: int,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> SweepResult:
    """Sweep checked series together at equal weights, see :mod:`traded`; ``tickers`` holds each one's own sweep."""
    report, stop = progress or _ignore, cancelled or _never
    together = EqualWeights.of(several, spec)
    bars, needed = len(together.series), spec.look_back + BARS_BEYOND_WINDOWS
    if bars < needed:
        msg = f"the series have {bars} bars in common; at least {needed} are needed: load more or shorten the windows"
        raise InvalidInputError(msg, code="TOO_SHORT")
    own = {}
    for number, series in enumerate(several):
        begin = number * SLEEVES_SHARE / len(several)
        part = _part(report, begin, SLEEVES_SHARE / len(several))
        own[series.symbol] = _sweep(OneSeries(series, spec), spec, threads, part, stop)
    combined = _sweep(together, spec, threads, _part(report, SLEEVES_SHARE, 1 - SLEEVES_SHARE), stop)
    return replace(combined, tickers=own)


def _sweep(traded: Traded, spec: SweepSpec, threads: int, report: Progress, cancelled: Cancelled) -> SweepResult:
    series, combinations = traded.series, spec.combinations()
    span = Span.of(series, series.periods_per_year)
    purge = spec.look_back if spec.purge is None else spec.purge
    folds = plan_folds(len(series), folds=spec.folds, scheme=spec.scheme, purge=purge, embargo=spec.embargo)
    found = search(
        traded, combinations, spec, folds,
        span=span, threads=threads, progress=_part(report, 0.0, SEARCH_SHARE), cancelled=cancelled,
    )  # fmt: skip

    def path_of(row: int) -> Path:
        tested, held = traded.replay(combinations[row : row + 1])
        return Path(tested.returns, held)

    asset_returns = bar_returns(series.close)
    order = ranking(found.table, spec.rank_by)
    best, best_held = traded.replay(combinations[int(order[0]) : int(order[0]) + 1])
    walked = walk(
        series, asset_returns, folds, found,
        path_of=path_of, execution=spec.execution, periods_per_year=span.periods_per_year,
    )  # fmt: skip
    luck = examine_luck(
        found.moments, found.exposures, best.returns, float(best_held.mean()), asset_returns,
        combinations=len(combinations), threads=threads,
    )  # fmt: skip
    table = found.table.iloc[order].reset_index(drop=True)
    verdict = judge(
        luck,
        bars=span.bars,
        annual=math.sqrt(span.periods_per_year),
        out_of_sample=walked.figures,
        below_min_trades=bool(table["below_min_trades"].iat[0]),
        min_trades=spec.min_trades,
    )
    held = path_metrics(asset_returns, span.periods_per_year) | {"total_return_pct": held_return_pct(series.close)}
    report(1.0)
    return SweepResult(
        table=table,
        buy_and_hold=pd.Series(held, name="buy_and_hold"),
        backtest=best,
        luck=luck,
        walk=walked,
        verdict=verdict,
        metadata=_metadata(series, spec, span, purge),
        series=series,
        spec=spec,
    )


def _part(report: Progress, begin: float, length: float) -> Progress:
    return lambda share: report(begin + share * length)


def ranking(table: pd.DataFrame, rank_by: str) -> Ints:
    """Row numbers, best first: enough trades before too few, then the metric, undefined last, then the order given."""
    metric = -table[rank_by].to_numpy(dtype=np.float64)
    return np.lexsort((np.where(np.isnan(metric), np.inf, metric), table["below_min_trades"].to_numpy()))


def _metadata(series: PriceSeries, spec: SweepSpec, span: Span, purge: int) -> dict[str, Any]:
    parameters = spec.parameters()
    times = series.timestamps
    return {
        "engine_version": __version__,
        "parameters": parameters,
        "parameters_hash": spec.parameters_hash(),
        "periods_per_year": span.periods_per_year,
        "execution": parameters["execution"],
        "purge_bars": purge,
        "embargo_bars": int(span.bars * EMBARGO_SHARE) if spec.embargo is None else spec.embargo,
        "data": {
            "symbol": series.symbol,
            "bars": span.bars,
            "start": None if times is None else str(times[0]),
            "end": None if times is None else str(times[-1]),
            "source": series.source,
            "synthetic": series.synthetic,
            "manifest_hash": series.manifest_hash,
            "prices_hash": _prices_hash(series),
        },
    }


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)  # Linux: the cores this process may use
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _prices_hash(series: PriceSeries) -> str:
    digest = hashlib.sha256(series.close.astype("<f8").tobytes())
    if series.open is not None:
        digest.update(series.open.astype("<f8").tobytes())
    return "sha256:" + digest.hexdigest()


def _ignore(_share: float) -> None:
    pass


def _never() -> bool:
    return False
