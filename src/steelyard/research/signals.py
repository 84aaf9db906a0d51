# ruff: noqa: PLR0917 - compiled functions take no keyword-only arguments
"""States of all combinations, 64 bars to a word, one block of bars at a time.

Averages are never stored for a whole series: each window's row is made for 64 bars, every combination compares its two
rows into one word, and the rows are overwritten.  Memory depends on windows and combinations, not on the bars.

What is exact: a simple average is a difference of running sums kept in two floats, right to a few units in the last
place, whatever the length of the series; two averages count as equal (so: out) when they agree to 2^-49.  For prices in
whole ticks the outcome is that of exact arithmetic while (price in ticks) x fast x slow < 2^48, and no tick needs to be
known, so no later price can change how an earlier one is read.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from steelyard.core.errors import InvalidInputError
from steelyard.research.bits import WORD_BARS
from steelyard.research.compiled import kernel
from steelyard.research.strategies import Combinations, Strategy

_CACHE_LINE_BYTES = 64
_ABOVE = 1.0 + 2.0**-49

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Words = NDArray[np.uint64]


class Signals(Protocol):
    """States of one strategy for C combinations."""

    def write(self, first_bar: int, states: Words) -> None:
        """Fill ``states`` (W, C) for the bars from ``first_bar`` on, the earliest bar in the lowest bit.

        Blocks come in order and without gaps.  Bits before a combination is defined, or past the series, mean nothing.
        """


def signals(close: Floats, strategy: Strategy, combinations: Combinations) -> Signals:
    """The signals of ``strategy`` on ``close`` (T,)."""
    if strategy is not Strategy.SMA:
        raise InvalidInputError(f"`strategy` was {strategy}; this kernel knows SMA only", code="UNKNOWN_STRATEGY")
    return SimpleAverages(close, combinations)


class SimpleAverages:
    """SMA(fast) > SMA(slow)."""

    def __init__(self, close: Floats, combinations: Combinations) -> None:
        fast, self._fast_row = np.unique(combinations.fast, return_inverse=True)
        slow, slow_row = np.unique(combinations.slow, return_inverse=True)
        self._slow_row = slow_row + len(fast)
        self._windows = np.concatenate([fast, slow])
        self._weights = np.concatenate([1.0 / fast, _ABOVE / slow])
        self._sums = running_sums(close)
        self._rows = _aligned(len(self._windows), WORD_BARS)

    def write(self, first_bar: int, states: Words) -> None:
        """See :class:`Signals`."""
        _write_sma(
            *self._sums, self._windows, self._weights, self._fast_row, self._slow_row, first_bar, self._rows, states
        )


def running_sums(close: Floats) -> tuple[Floats, Floats]:
    """(T + 1,) sums of the first closes, and what their roundings lost."""
    sums, lost = np.zeros(len(close) + 1), np.zeros(len(close) + 1)
    _write_running_sums(close, sums, lost)
    return sums, lost


def _aligned(rows: int, columns: int) -> Floats:
    # A vector load that straddles two cache lines takes twice the time; NumPy aligns to 16 bytes only.
    raw = np.zeros(rows * columns + _CACHE_LINE_BYTES // 8)
    start = (-raw.ctypes.data % _CACHE_LINE_BYTES) // 8
    return raw[start : start + rows * columns].reshape(rows, columns)


@kernel
def _write_running_sums(close: Floats, sums: Floats, lost: Floats) -> None:
    total = total_lost = 0.0
    for bar in range(close.shape[0]):
        new = total + close[bar]
        part = new - total
        total_lost += (total - (new - part)) + (close[bar] - part)  # Knuth's two-sum
        total = new
        sums[bar + 1], lost[bar + 1] = total, total_lost


@kernel
def _write_sma(
    sums: Floats,
    lost: Floats,
    windows: Ints,
    weights: Floats,
    fast_row: Ints,
    slow_row: Ints,
    first_bar: int,
    rows: Floats,
    states: Words,
) -> None:
    bars = sums.shape[0] - 1
    for word in range(states.shape[0]):
        start = first_bar + word * WORD_BARS
        stop = min(start + WORD_BARS, bars)
        for row in range(windows.shape[0]):
            window = windows[row]
            defined = max(start, window - 1)
            if defined >= stop:
                continue
            weight = weights[row]
            average = rows[row, defined - start : stop - start]
            # Slices with equal lengths, so that the compiler makes vectors of the loop.
            until, until_lost = sums[defined + 1 : stop + 1], lost[defined + 1 : stop + 1]
            before = sums[defined + 1 - window : stop + 1 - window]
            before_lost = lost[defined + 1 - window : stop + 1 - window]
            for bar in range(stop - defined):
                average[bar] = ((until[bar] - before[bar]) + (until_lost[bar] - before_lost[bar])) * weight
        for column in range(states.shape[1]):
            fast, slow = fast_row[column], slow_row[column]
            bits = np.uint64(0)
            for bar in range(WORD_BARS):
                bits |= np.uint64(rows[fast, bar] > rows[slow, bar]) << np.uint64(bar)
            states[word, column] = bits
