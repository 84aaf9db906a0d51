"""What a trade adds to every figure, by subtraction: one row for the bar it enters, one for the bar it leaves.

While a position is held, the bar returns are those of the price, whoever holds it.  So with running sums of the
price's returns, a trade signalled at bar ``e`` and ended by a signal at bar ``t`` adds ``exits[t] - entries[e]`` to
each sum; the returns of the entry and the exit bar, which carry the costs, are folded into those rows.

A running sum is kept in two floats (the sum, and what its roundings lost; Knuth's two-sum), so a difference is as exact
late in a series of half a million bars, or after a crash, as it is at the start.
"""

from __future__ import annotations

from concurrent.futures import Executor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from steelyard.research.compiled import helper, kernel
from steelyard.research.execution import Execution

Floats = NDArray[np.float64]
Sums = tuple[float, float, float, float, float, float]

SUM, SUM_LOST, SQUARES, SQUARES_LOST, DOWNSIDE, DOWNSIDE_LOST, PRICE = range(7)
"""Columns of a ledger row: running sums of r, r^2 and min(r, 0)^2, and the price of one unit with its costs."""
COLUMNS = 8  # a row fills one cache line of 64 bytes

RANGE_LEVELS = 9
LOW, HIGH, SPAN_KEPT = range(3)
"""Columns of a range: lowest and highest close, and the smallest share of an earlier high that a later close kept."""


class Ledger(NamedTuple):
    """The tables of one series and one way of execution, shared by all combinations and threads.

    Attributes:
        entries: (B, 8), the row of an entry signalled at bar s; B = T - lag, the signals that can be filled.
        exits: (B, 8), the row of an exit signalled at bar s.
        last: (8,), the row that values an open position at the last close.
        closes: (T,).
        ranges: (9, T, 3), what the closes of the 2^level bars from bar t on did.
        lag: bars from a signal to its fill, 0 or 1.
        segment_of: (T,) the segment of each bar.
        marks: (S + 1, 8), running sums before the first bar of each segment and after the last one's last bar.
    """

    entries: Floats
    exits: Floats
    last: Floats
    closes: Floats
    ranges: Floats
    lag: int
    segment_of: NDArray[np.int64]
    marks: Floats


def open_ledger(
    close: Floats, fills: Floats, execution: Execution, bounds: NDArray[np.int64], pool: Executor | None = None
) -> Ledger:
    """The tables of one series.

    Args:
        close: (T,).
        fills: (T,) price at which each bar fills.
        execution: costs and fills.
        bounds: (S + 1,) first bars of the segments and T; the first is 0, strictly rising.
        pool: threads that may help.
    """
    bars, lag = len(close), execution.lag
    ledger = Ledger(
        entries=np.zeros((max(bars - lag, 0), COLUMNS)),
        exits=np.zeros((max(bars - lag, 0), COLUMNS)),
        last=np.zeros(COLUMNS),
        closes=close,
        ranges=np.empty((RANGE_LEVELS, bars, 3)),
        lag=lag,
        segment_of=np.repeat(np.arange(len(bounds) - 1), np.diff(bounds)),
        marks=np.zeros((len(bounds), COLUMNS)),
    )
    ranges = pool.submit(_write_ranges, close, ledger.ranges) if pool else _write_ranges(close, ledger.ranges)
    _write_rows(ledger, fills, execution.cost_of_a_unit, execution.proceeds_of_a_unit, bounds)
    if ranges is not None:
        ranges.result()
    return ledger


@helper
def _add(total: float, lost: float, value: float) -> tuple[float, float]:
    # Knuth's two-sum: `lost` gathers exactly what rounding takes from `total`.
    new = total + value
    part = new - total
    return new, lost + ((total - (new - part)) + (value - part))


@helper
def _write(row: Floats, sums: Sums, value: float, sign: float, price: float) -> None:
    """One row: the sums so far, and ``sign`` times the return ``value`` of the bar that bears the costs."""
    loss = min(value, 0.0)
    row[SUM], row[SUM_LOST] = sums[0], sums[1] + sign * value
    row[SQUARES], row[SQUARES_LOST] = sums[2], sums[3] + sign * value * value
    row[DOWNSIDE], row[DOWNSIDE_LOST] = sums[4], sums[5] + sign * loss * loss
    row[PRICE] = price


@kernel
def _write_rows(ledger: Ledger, fills: Floats, cost: float, proceeds: float, bounds: NDArray[np.int64]) -> None:
    close, lag = ledger.closes, ledger.lag
    bars = close.shape[0]
    sums = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    segment = 0
    for bar in range(bars):
        if bar == bounds[segment]:
            _write(ledger.marks[segment], sums, 0.0, 1.0, 0.0)
            segment += 1
        if bar > 0:
            before = close[bar - 1]
            if bar >= lag:
                received = fills[bar] * proceeds
                _write(ledger.exits[bar - lag], sums, received / before - 1.0, 1.0, received)
            value = close[bar] / before - 1.0
            loss = min(value, 0.0)
            total, total_lost = _add(sums[0], sums[1], value)
            squares, squares_lost = _add(sums[2], sums[3], value * value)
            downside, downside_lost = _add(sums[4], sums[5], loss * loss)
            sums = (total, total_lost, squares, squares_lost, downside, downside_lost)
        if bar >= lag:
            paid = fills[bar] * cost
            _write(ledger.entries[bar - lag], sums, close[bar] / paid - 1.0, -1.0, paid)
    _write(ledger.marks[segment], sums, 0.0, 1.0, 0.0)
    _write(ledger.last, sums, 0.0, 1.0, close[bars - 1])


@kernel
def _write_ranges(close: Floats, ranges: Floats) -> None:
    bars = close.shape[0]
    for bar in range(bars):
        ranges[0, bar, LOW] = ranges[0, bar, HIGH] = close[bar]
        ranges[0, bar, SPAN_KEPT] = 1.0
    for level in range(1, ranges.shape[0]):
        half = 1 << (level - 1)
        halves, wholes = ranges[level - 1], ranges[level]
        for bar in range(bars):
            later = min(bar + half, bars - 1)
            wholes[bar, LOW] = min(halves[bar, LOW], halves[later, LOW])
            wholes[bar, HIGH] = max(halves[bar, HIGH], halves[later, HIGH])
            kept = min(halves[bar, SPAN_KEPT], halves[later, SPAN_KEPT])
            wholes[bar, SPAN_KEPT] = min(kept, halves[later, LOW] / halves[bar, HIGH])
