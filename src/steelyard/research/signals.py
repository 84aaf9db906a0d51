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

from steelyard.research.bits import WORD_BARS
from steelyard.research.compiled import helper, kernel
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


def signals(close: Floats, strategy: Strategy, combinations: Combinations, *, enter_on_warmup: bool) -> Signals:
    """The signals of ``strategy`` on ``close`` (T,)."""
    match strategy:
        case Strategy.SMA:
            return SimpleAverages(close, combinations)
        case Strategy.EMA:
            return ExponentialAverages(close, combinations)
        case Strategy.MACD:
            return Convergence(close, combinations)
        case Strategy.RSI if combinations.is_level_rule:
            return StrengthLevels(close, combinations, enter_on_warmup=enter_on_warmup)
        case Strategy.RSI:
            return Strength(close, combinations)


class SimpleAverages:
    """SMA(fast) > SMA(slow)."""

    def __init__(self, close: Floats, combinations: Combinations) -> None:
        # Two rows for a window that is fast in one combination and slow in another: their weights differ.
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


class ExponentialAverages:
    """EMA(fast) > EMA(slow)."""

    def __init__(self, close: Floats, combinations: Combinations) -> None:
        windows, self._fast_row, self._slow_row = _rows_of(combinations)
        self._close = close
        self._weights = _span_weights(windows)
        self._averages = np.full(len(windows), close[0])
        self._bars = _aligned(WORD_BARS, len(windows))
        self._rows = _aligned(len(windows), WORD_BARS)

    def write(self, first_bar: int, states: Words) -> None:
        """See :class:`Signals`."""
        _write_ema(
            self._close,
            self._weights,
            self._fast_row,
            self._slow_row,
            first_bar,
            self._averages,
            self._bars,
            self._rows,
            states,
        )


class Convergence:
    """MACD: EMA(fast) - EMA(slow) > its own EMA(signal)."""

    def __init__(self, close: Floats, combinations: Combinations) -> None:
        windows, self._fast_row, self._slow_row = _rows_of(combinations)
        self._close = close
        self._weights = _span_weights(windows)
        self._averages = np.full(len(windows), close[0])
        self._bars = _aligned(WORD_BARS, len(windows))
        self._signal_weights = _span_weights(combinations.signal)
        self._signals = np.zeros(len(combinations))

    def write(self, first_bar: int, states: Words) -> None:
        """See :class:`Signals`."""
        _write_macd(
            self._close,
            self._weights,
            self._fast_row,
            self._slow_row,
            self._signal_weights,
            first_bar,
            self._averages,
            self._bars,
            self._signals,
            states,
        )


class Strength:
    """RSI(fast) > RSI(slow)."""

    def __init__(self, close: Floats, combinations: Combinations) -> None:
        self._windows, self._fast_row, self._slow_row = _rows_of(combinations)
        self._close = close
        self._means = np.zeros((2, len(self._windows)))
        self._bars = _aligned(WORD_BARS, len(self._windows))
        self._rows = _aligned(len(self._windows), WORD_BARS)

    def write(self, first_bar: int, states: Words) -> None:
        """See :class:`Signals`."""
        _write_rsi(
            self._close,
            self._windows,
            self._fast_row,
            self._slow_row,
            first_bar,
            self._means,
            self._bars,
            self._rows,
            states,
        )


class StrengthLevels:
    """RSI(fast) fell below one level and has not risen above the other since."""

    def __init__(self, close: Floats, combinations: Combinations, *, enter_on_warmup: bool) -> None:
        self._close = close
        self._windows = combinations.fast
        self._levels = combinations.lower, combinations.upper
        self._means = np.zeros((2, len(combinations)))
        self._bars = _aligned(WORD_BARS, len(combinations))
        # A bar that is already below when RSI is first defined has not fallen, unless warm-up entries are asked for.
        self._was_below = np.full(len(combinations), not enter_on_warmup)
        self._is_in = np.zeros(len(combinations), dtype=np.bool_)

    def write(self, first_bar: int, states: Words) -> None:
        """See :class:`Signals`."""
        _write_rsi_levels(
            self._close,
            self._windows,
            *self._levels,
            first_bar,
            self._means,
            self._bars,
            self._was_below,
            self._is_in,
            states,
        )


def _rows_of(combinations: Combinations) -> tuple[Ints, Ints, Ints]:
    """The distinct windows, and which of them is each combination's fast and slow one."""
    windows, rows = np.unique(np.concatenate([combinations.fast, combinations.slow]), return_inverse=True)
    return windows, rows[: len(combinations)], rows[len(combinations) :]


def _span_weights(spans: Ints) -> Floats:
    return np.asarray(2.0 / (spans + 1.0), dtype=np.float64)


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
        _compare(rows, fast_row, slow_row, states[word])


@kernel
def _write_ema(
    close: Floats,
    weights: Floats,
    fast_row: Ints,
    slow_row: Ints,
    first_bar: int,
    averages: Floats,
    bars: Floats,
    rows: Floats,
    states: Words,
) -> None:
    for word in range(states.shape[0]):
        _follow(close, weights, first_bar + word * WORD_BARS, averages, bars)
        _transpose(bars, rows)
        _compare(rows, fast_row, slow_row, states[word])


@kernel
def _write_macd(
    close: Floats,
    weights: Floats,
    fast_row: Ints,
    slow_row: Ints,
    signal_weights: Floats,
    first_bar: int,
    averages: Floats,
    bars: Floats,
    signals: Floats,
    states: Words,
) -> None:
    for word in range(states.shape[0]):
        _follow(close, weights, first_bar + word * WORD_BARS, averages, bars)
        state = states[word]
        state[:] = 0
        for bar in range(WORD_BARS):
            average, bit = bars[bar], np.uint64(1) << np.uint64(bar)
            for column in range(state.shape[0]):
                line = average[fast_row[column]] - average[slow_row[column]]
                signals[column] += signal_weights[column] * (line - signals[column])
                if line > signals[column]:
                    state[column] |= bit


@kernel
def _write_rsi(
    close: Floats,
    windows: Ints,
    fast_row: Ints,
    slow_row: Ints,
    first_bar: int,
    means: Floats,
    bars: Floats,
    rows: Floats,
    states: Words,
) -> None:
    for word in range(states.shape[0]):
        _measure_strength(close, windows, first_bar + word * WORD_BARS, means, bars)
        _transpose(bars, rows)
        _compare(rows, fast_row, slow_row, states[word])


@kernel
def _write_rsi_levels(
    close: Floats,
    windows: Ints,
    lower: float,
    upper: float,
    first_bar: int,
    means: Floats,
    bars: Floats,
    was_below: NDArray[np.bool_],
    is_in: NDArray[np.bool_],
    states: Words,
) -> None:
    for word in range(states.shape[0]):
        start = first_bar + word * WORD_BARS
        _measure_strength(close, windows, start, means, bars)
        for column in range(windows.shape[0]):
            state = np.uint64(0)
            for bar in range(max(windows[column] - start, 0), WORD_BARS):
                strength = bars[bar, column]
                below = strength < lower
                if below and not was_below[column]:
                    is_in[column] = True
                elif strength > upper:
                    is_in[column] = False
                was_below[column] = below
                state |= np.uint64(is_in[column]) << np.uint64(bar)
            states[word, column] = state


@helper
def _follow(close: Floats, weights: Floats, start: int, averages: Floats, bars: Floats) -> None:
    """Exponential averages (64, K) of the bars from ``start`` on; all windows advance together, as one vector."""
    for bar in range(min(WORD_BARS, close.shape[0] - start)):
        price, row = close[start + bar], bars[bar]
        for window in range(weights.shape[0]):
            # This form, and not (1 - w) a + w p, keeps the average of a constant price at that price.
            averages[window] += weights[window] * (price - averages[window])
            row[window] = averages[window]


@helper
def _measure_strength(close: Floats, windows: Ints, start: int, means: Floats, bars: Floats) -> None:
    """RSI (64, K) of the bars from ``start`` on, 50 where the price has never moved.

    Wilder's mean of n changes is the plain mean of the first n, then moves 1/n of the way to each new change; weights
    of 1 / min(changes, n) are both in one formula.
    """
    gains, losses = means[0], means[1]
    for bar in range(max(0, 1 - start), min(WORD_BARS, close.shape[0] - start)):
        change = close[start + bar] - close[start + bar - 1]
        gain, loss, row = max(change, 0.0), max(-change, 0.0), bars[bar]
        for window in range(windows.shape[0]):
            weight = 1.0 / min(start + bar, windows[window])
            gains[window] += weight * (gain - gains[window])
            losses[window] += weight * (loss - losses[window])
            moved = gains[window] + losses[window]
            row[window] = 100.0 * gains[window] / moved if moved > 0.0 else 50.0


@helper
def _transpose(bars: Floats, rows: Floats) -> None:
    for row in range(rows.shape[0]):
        for bar in range(WORD_BARS):
            rows[row, bar] = bars[bar, row]


@helper
def _compare(rows: Floats, fast_row: Ints, slow_row: Ints, state: Words) -> None:
    """One word per combination: bit b says whether its fast row is above its slow row at bar b."""
    for column in range(state.shape[0]):
        fast, slow = rows[fast_row[column]], rows[slow_row[column]]
        bits = np.uint64(0)
        for bar in range(WORD_BARS):
            bits |= np.uint64(fast[bar] > slow[bar]) << np.uint64(bar)
        state[column] = bits
