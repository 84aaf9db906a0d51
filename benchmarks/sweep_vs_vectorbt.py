"""SMA sweeps: our kernel against vectorbt's public API, in one process on one core, on the same prices.

4,775 combinations (fast 5..100, slow 20..300 step 5) on synthetic walks of 2,520, 17,520 and 525,600 bars; no prices
repeat, so averages never tie and both engines must agree.  The equality gate comes before any timing: equal trades, and
total returns to 1e-9.

- Ours is timed from prices to the finished table of all 4,775 combinations, its 18 columns and the score included;
  the kernel alone is printed beside it.
- vectorbt is used as its documentation does: ``MA.run``, crossings, ``Portfolio.from_signals``; then those of the
  table's columns are read that it has.  Its matrices grow with bars x combinations, so one call gets as many
  combinations as make a matrix of 128 MB (it holds a dozen of them), spread evenly over the grid: all of them on daily
  bars, a sample on hourly and minute bars, since its time is proportional to their number.  It is faster in small
  chunks that fit the processor's cache, which its user would have to find out; that is timed and printed too.

Rounds are interleaved on one core; times are the process's CPU seconds, so other load on the machine counts for neither
side; figures are medians over the rounds, the ratio that of combinations per second.  The speed of the second core
(elapsed time, best of several rounds, so a busy machine shows less) and the peak memory of our side are measured in
child processes that do not load vectorbt.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from steelyard.research.backtest import run_backtest
from steelyard.research.execution import Execution
from steelyard.research.kernel import Figures, simulate_combinations
from steelyard.research.metrics import Span, held_return_pct, metric_columns
from steelyard.research.strategies import Combinations, Strategy, enumerate_combinations

EXECUTION = Execution(fee=0.001)
COMBINATIONS = enumerate_combinations(range(5, 101), range(20, 301, 5))
GATE_TRADE_LISTS = 20
CASH = 1e20
"""vectorbt stops trading when the cash rounds to nothing, as 17,000 fees of 0.1 % per side would make of 1,000."""


MATRIX_BYTES_MAX = 128_000_000
ROUNDS = 3


@dataclass(frozen=True)
class Scale:
    """One length of series.

    Attributes:
        volatility: standard deviation of a bar's log return.
        small_chunk: combinations per call at which vectorbt is about fastest.
        ours_per_round: runs of ours per round, because one is short.
    """

    name: str
    bars: int
    volatility: float
    small_chunk: int
    ours_per_round: int

    @property
    def large_chunk(self) -> int:
        """Combinations per call that memory allows."""
        return min(len(COMBINATIONS), MATRIX_BYTES_MAX // (8 * self.bars))


SCALES = (
    Scale("daily", 2_520, 0.012, small_chunk=600, ours_per_round=40),
    Scale("hourly", 17_520, 0.006, small_chunk=100, ours_per_round=10),
    Scale("minute", 525_600, 0.0008, small_chunk=4, ours_per_round=2),
)


@dataclass(frozen=True)
class Speeds:
    """Combinations per second."""

    ours: float
    kernel: float
    theirs: float
    theirs_in_small_chunks: float


def main() -> None:
    """Run the gate and the rounds of each scale, print a table and one JSON object."""
    cores = sorted(os.sched_getaffinity(0))
    peak_rss_mb = _in_child("memory")["peak_rss_mb"]
    second_core = _in_child("cores")["second_core_speedup"] if len(cores) > 1 else None
    os.sched_setaffinity(0, {cores[-1]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = {scale.name: _compare(scale) for scale in SCALES}
    print(f"peak memory of ours on {SCALES[-1].bars:,} bars: {peak_rss_mb} MB; two cores are {second_core} x one")
    report = {f"{name}_ratio": round(speeds.ours / speeds.theirs) for name, speeds in results.items()} | {
        "combinations_per_s": {name: round(speeds.ours) for name, speeds in results.items()},
        "kernel_combinations_per_s": {name: round(speeds.kernel) for name, speeds in results.items()},
        "vectorbt_combinations_per_s": {name: round(speeds.theirs, 1) for name, speeds in results.items()},
        "ratio_to_vectorbt_in_small_chunks": {
            name: round(speeds.ours / speeds.theirs_in_small_chunks) for name, speeds in results.items()
        },
        "peak_rss_mb": peak_rss_mb,
        "second_core_speedup": second_core,
    }
    print(json.dumps(report))


def _compare(scale: Scale) -> Speeds:
    close, sample = _walk(scale), _sample(scale.large_chunk)
    few = _sample(scale.small_chunk)
    gate = _check_equality(close, sample)
    kernel, ours, theirs, in_small_chunks = [], [], [], []
    for _ in range(ROUNDS):
        kernel += [_cpu_seconds(lambda: _kernel(close)) for _ in range(scale.ours_per_round)]
        ours += [_cpu_seconds(lambda: _table(close)) for _ in range(scale.ours_per_round)]
        theirs.append(_cpu_seconds(lambda: _vectorbt(close, sample)))
        in_small_chunks.append(_cpu_seconds(lambda: _vectorbt(close, few)))
    speeds = Speeds(
        ours=len(COMBINATIONS) / median(ours),
        kernel=len(COMBINATIONS) / median(kernel),
        theirs=len(sample) / median(theirs),
        theirs_in_small_chunks=len(few) / median(in_small_chunks),
    )
    print(f"{scale.name}, {scale.bars:,} bars: {gate}")
    for label, speed in (
        (f"ours, to the finished table ({len(COMBINATIONS):,})", speeds.ours),
        ("ours, the kernel alone", speeds.kernel),
        (f"vectorbt, {len(sample):,} in one call", speeds.theirs),
        (f"vectorbt, {len(few):,} in one call", speeds.theirs_in_small_chunks),
    ):
        print(f"  {label:<40} {speed:>14,.1f} combinations/s   ours / this = {speeds.ours / speed:>9,.1f}", flush=True)
    return speeds


def _check_equality(close: NDArray[np.float64], sample: Combinations) -> str:
    figures = simulate_combinations(close, None, Strategy.SMA, sample, EXECUTION)
    theirs = _portfolio(close, sample)
    np.testing.assert_array_equal(figures.entries, theirs.trades.count().to_numpy())
    np.testing.assert_allclose(figures.final_equity - 1, theirs.total_return().to_numpy(), rtol=1e-9, atol=1e-9)
    records = theirs.trades.records
    listed = range(0, len(sample), max(1, len(sample) // GATE_TRADE_LISTS))
    for row in listed:
        trades = run_backtest(close, None, Strategy.SMA, sample[row : row + 1], EXECUTION).trades
        mine = [(trade.entry_bar, len(close) - 1 if trade.exit_bar is None else trade.exit_bar) for trade in trades]
        his = records[records["col"] == row]
        assert mine == list(zip(his["entry_idx"], his["exit_idx"], strict=True)), f"trades of row {row} differ"
    return f"{figures.entries.sum():,} trades and {len(sample):,} returns equal, bar by bar in {len(listed)} rows"


def _table(close: NDArray[np.float64]) -> pd.DataFrame:
    span = Span(len(close), periods_per_year=252.0, days=float(len(close)))
    return metric_columns(_kernel(close), span, buy_and_hold_return_pct=held_return_pct(close), min_trades=10)


def _kernel(close: NDArray[np.float64], threads: int = 1) -> Figures:
    return simulate_combinations(close, None, Strategy.SMA, COMBINATIONS, EXECUTION, threads=threads)


def _vectorbt(close: NDArray[np.float64], combinations: Combinations) -> None:
    portfolio = _portfolio(close, combinations)
    portfolio.total_return()
    portfolio.annualized_return()
    portfolio.sharpe_ratio()
    portfolio.sortino_ratio()
    portfolio.calmar_ratio()
    portfolio.max_drawdown()
    portfolio.position_coverage()
    portfolio.trades.count()
    portfolio.trades.closed.count()
    portfolio.trades.win_rate()
    portfolio.trades.profit_factor()
    portfolio.trades.expectancy()
    portfolio.trades.duration.mean()


def _portfolio(close: NDArray[np.float64], combinations: Combinations) -> Any:
    import vectorbt as vbt

    prices = pd.Series(close, index=pd.date_range("2000-01-01", periods=len(close), freq="min"))
    fast = vbt.MA.run(prices, combinations.fast.tolist(), short_name="fast")
    slow = vbt.MA.run(prices, combinations.slow.tolist(), short_name="slow")
    entries, exits = fast.ma_crossed_above(slow), fast.ma_crossed_below(slow)
    return vbt.Portfolio.from_signals(prices, entries, exits, init_cash=CASH, fees=EXECUTION.fee, freq="min")


def _walk(scale: Scale) -> NDArray[np.float64]:
    steps = np.random.default_rng(2026).normal(0.0, scale.volatility, scale.bars)
    return np.asarray(100.0 * np.exp(np.cumsum(steps)))


def _sample(count: int) -> Combinations:
    rows = np.linspace(0, len(COMBINATIONS) - 1, count).astype(int)
    return Combinations(COMBINATIONS.fast[rows], COMBINATIONS.slow[rows], COMBINATIONS.signal[rows])


def _cpu_seconds(work: Callable[[], Any]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _elapsed_seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _in_child(measure: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--measure", measure]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return dict(json.loads(lines[-1]))


def _measure_memory() -> dict[str, float]:
    _kernel(_walk(SCALES[-1]), threads=os.cpu_count() or 1)
    return {"peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)}


def _measure_cores() -> dict[str, float]:
    close = _walk(SCALES[-1])
    _kernel(close)
    times = [[_elapsed_seconds(lambda n=n: _kernel(close, threads=n)) for n in (1, 2)] for _ in range(8)]
    one, two = (min(column) for column in zip(*times, strict=True))
    return {"second_core_speedup": round(one / two, 2)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--measure", choices=["memory", "cores"], help="one child measurement, without vectorbt")
    match parser.parse_args().measure:
        case "memory":
            print(json.dumps(_measure_memory()))
        case "cores":
            print(json.dumps(_measure_cores()))
        case _:
            main()
