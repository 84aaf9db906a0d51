# ruff: noqa: PLR0917 - compiled functions take no keyword-only arguments
"""From states to figures: one walk over the trades of each combination.

A combination visits only the bars at which its state changes.  A word of 64 states, xored with itself one bar later,
has a bit at each change; the bits come out lowest first, in pairs of entry and exit.  All that is remembered between
two blocks of bars is one row of the book.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.research.bits import WORD_BARS, leading_zeros, trailing_zeros
from steelyard.research.compiled import helper, kernel
from steelyard.research.ledger import (
    DOWNSIDE,
    DOWNSIDE_LOST,
    HIGH,
    LOW,
    PRICE,
    SPAN_KEPT,
    SQUARES,
    SQUARES_LOST,
    SUM,
    SUM_LOST,
    Ledger,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Words = NDArray[np.uint64]

(
    EQUITY,
    PEAK,
    KEPT,
    RETURN_SUM,
    RETURN_SUM_SQ,
    DOWNSIDE_SUM_SQ,
    CLOSED,
    WON,
    PROFIT,
    LOSS,
    TRADE_RETURN_SUM,
    TRADE_BARS,
) = range(12)
"""Columns of the book: equity after the last closed trade, its peak so far, the smallest share of a peak that was kept
(1 - drawdown), sums of r, r^2 and min(r, 0)^2, and counts and sums over closed trades."""
BOOK_COLUMNS = 16  # two cache lines

_MORE = 1.0 + 2.0**-49
"""A sale that brings what was paid but for the last bits is even, not won."""

FLAT = -1
UNSEEN = -2
"""Values of `opened` beside the bar that signalled the open entry: no position; not yet seen out of the market."""


def new_book(count: int) -> Floats:
    """(C, 16): cash of 1 and nothing done yet."""
    book = np.zeros((count, BOOK_COLUMNS))
    book[:, [EQUITY, PEAK, KEPT]] = 1.0
    return book


def read_book(book: Floats) -> dict[str, Any]:
    """The columns of ``book`` (C, 16) under the names of :class:`steelyard.research.kernel.Figures`."""
    return {
        "final_equity": book[:, EQUITY].copy(),
        "return_sum": book[:, RETURN_SUM].copy(),
        "return_sum_sq": book[:, RETURN_SUM_SQ].copy(),
        "downside_sum_sq": book[:, DOWNSIDE_SUM_SQ].copy(),
        "max_drawdown": book[:, KEPT] - 1.0,
        "closed_trades": book[:, CLOSED].astype(np.int64),
        "winning_trades": book[:, WON].astype(np.int64),
        "gross_profit": book[:, PROFIT].copy(),
        "gross_loss": book[:, LOSS].copy(),
        "trade_return_sum": book[:, TRADE_RETURN_SUM].copy(),
        "trade_bars_sum": book[:, TRADE_BARS].astype(np.int64),
    }


@kernel
def account_block(
    states: Words, first_bar: int, defined: Ints, ledger: Ledger, opened: Ints, book: Floats, segments: Floats
) -> None:
    """Close the trades of one block of bars.

    Args:
        states: (W, C), see :class:`steelyard.research.signals.Signals`.
        first_bar: the block's first.
        defined: (C,) first bar whose state is defined.
        ledger: of the series.
        opened: (C,) the bar that signalled the open entry, FLAT or UNSEEN; updated.
        book: (C, 16), updated.
        segments: (C, S, 2) sums of r and r^2, updated; no rows where nobody asked for segments.
    """
    events = np.empty(states.shape[0] * WORD_BARS + 1, dtype=np.int64)
    for column in range(states.shape[1]):
        count = _changes(states, column, first_bar, defined[column], opened[column], events)
        while count > 0 and events[count - 1] >= ledger.entries.shape[0]:
            count -= 1  # past the series, or a signal that no later bar can fill
        trades = count // 2
        first = 1 if trades > 0 and events[0] == UNSEEN else 0
        if first < trades:
            _close_trades(events, first, trades, ledger, book[column])
            if segments.shape[0] > 0:
                _spread_trades(events, first, trades, ledger, segments[column])
        opened[column] = events[count - 1] if count % 2 else FLAT


@helper
def _changes(states: Words, column: int, first_bar: int, defined: int, opened: int, events: Ints) -> int:
    """Write the bars of all changes, after the open entry if there is one; answer how many."""
    count = 0
    last = np.uint64(0)
    if opened != FLAT:
        events[0] = opened
        count = 1
        last = np.uint64(1)
    for word in range(states.shape[0]):
        bar = first_bar + word * WORD_BARS
        state = states[word, column]
        if bar < defined:
            undefined = np.uint64(0xFFFFFFFFFFFFFFFF)
            if defined - bar < WORD_BARS:
                undefined = (np.uint64(1) << np.uint64(defined - bar)) - np.uint64(1)
            state = (state | undefined) if opened == UNSEEN else (state & ~undefined)
        changes = state ^ ((state << np.uint64(1)) | last)
        last = state >> np.uint64(WORD_BARS - 1)
        while changes != np.uint64(0):
            events[count] = bar + trailing_zeros(changes)
            changes &= changes - np.uint64(1)
            count += 1
    return count


@helper
def _close_trades(
    events: Ints,
    first: int,
    trades: int,
    ledger: Ledger,
    row: Floats,
) -> None:
    entries, exits, lag = ledger.entries, ledger.exits, ledger.lag
    equity, peak, kept = row[EQUITY], row[PEAK], row[KEPT]
    total, squares, downside = row[RETURN_SUM], row[RETURN_SUM_SQ], row[DOWNSIDE_SUM_SQ]
    won, profit, loss = row[WON], row[PROFIT], row[LOSS]
    trade_returns, trade_bars = row[TRADE_RETURN_SUM], row[TRADE_BARS]
    for trade in range(first, trades):
        enter, leave = events[2 * trade], events[2 * trade + 1]
        total += (exits[leave, SUM] - entries[enter, SUM]) + (exits[leave, SUM_LOST] - entries[enter, SUM_LOST])
        squares += (exits[leave, SQUARES] - entries[enter, SQUARES]) + (
            exits[leave, SQUARES_LOST] - entries[enter, SQUARES_LOST]
        )
        downside += (exits[leave, DOWNSIDE] - entries[enter, DOWNSIDE]) + (
            exits[leave, DOWNSIDE_LOST] - entries[enter, DOWNSIDE_LOST]
        )
        paid, received = entries[enter, PRICE], exits[leave, PRICE]
        trade_return = received / paid - 1.0
        gain = equity * trade_return
        trade_returns += trade_return
        trade_bars += leave - enter
        won += received > paid * _MORE
        profit += max(gain, 0.0)
        loss -= min(gain, 0.0)
        units = equity / paid
        equity = units * received
        low, high = _range(ledger.ranges, enter + lag, leave + lag)
        lowest, highest = min(units * low, equity), units * high
        top = max(peak, highest)
        if lowest < top * kept:
            if highest <= peak:
                kept = lowest / peak
            else:
                kept = min(_least_kept(ledger.ranges, enter + lag, leave + lag, units, peak, kept), equity / top)
        peak = max(top, equity)
    row[EQUITY], row[PEAK], row[KEPT] = equity, peak, kept
    row[RETURN_SUM], row[RETURN_SUM_SQ], row[DOWNSIDE_SUM_SQ] = total, squares, downside
    row[CLOSED] += trades - first
    row[WON], row[PROFIT], row[LOSS] = won, profit, loss
    row[TRADE_RETURN_SUM], row[TRADE_BARS] = trade_returns, trade_bars


@helper
def _range(ranges: Floats, start: int, stop: int) -> tuple[float, float]:
    """Lowest and highest close of [start, stop): two overlapping spans of the table, or a chain of long ones."""
    level = WORD_BARS - 1 - leading_zeros(np.uint64(stop - start))
    if level >= ranges.shape[0]:
        level = ranges.shape[0] - 1
    span = 1 << level
    low = min(ranges[level, start, LOW], ranges[level, stop - span, LOW])
    high = max(ranges[level, start, HIGH], ranges[level, stop - span, HIGH])
    bar = start + span
    while bar + span < stop:
        low, high = min(low, ranges[level, bar, LOW]), max(high, ranges[level, bar, HIGH])
        bar += span
    return low, high


@helper
def _least_kept(ranges: Floats, start: int, stop: int, units: float, peak: float, kept: float) -> float:
    """The smallest share of the running peak that ``units`` keep over the closes [start, stop), at most ``kept``."""
    level = ranges.shape[0] - 1
    bar = start
    while bar < stop:
        while bar + (1 << level) > stop:
            level -= 1
        kept = min(kept, ranges[level, bar, SPAN_KEPT], units * ranges[level, bar, LOW] / peak)
        peak = max(peak, units * ranges[level, bar, HIGH])
        bar += 1 << level
    return kept


@helper
def _spread_trades(events: Ints, first: int, trades: int, ledger: Ledger, sums: Floats) -> None:
    """Add each trade's returns to the segments in which its bars lie."""
    for trade in range(first, trades):
        enter, leave = events[2 * trade], events[2 * trade + 1]
        _spread(ledger, ledger.entries[enter], ledger.exits[leave], enter + ledger.lag, leave + ledger.lag, sums)


@helper
def _spread(ledger: Ledger, entry: Floats, leave: Floats, start: int, last: int, sums: Floats) -> None:
    """Add the returns of the bars [start, last], between the rows ``entry`` and ``leave``, to their segments."""
    before = entry
    final = ledger.segment_of[last]
    for segment in range(ledger.segment_of[start], final + 1):
        after = leave if segment == final else ledger.marks[segment + 1]
        sums[segment, 0] += (after[SUM] - before[SUM]) + (after[SUM_LOST] - before[SUM_LOST])
        sums[segment, 1] += (after[SQUARES] - before[SQUARES]) + (after[SQUARES_LOST] - before[SQUARES_LOST])
        before = after


@kernel
def close_book(ledger: Ledger, opened: Ints, book: Floats, segments: Floats) -> None:
    """Value the positions still open at the last close, without the cost of a sale; updates all but ``opened``."""
    bars = ledger.closes.shape[0]
    last = ledger.last
    for column in range(opened.shape[0]):
        if opened[column] < 0:
            continue
        row, entry, bar = book[column], ledger.entries[opened[column]], opened[column] + ledger.lag
        row[RETURN_SUM] += (last[SUM] - entry[SUM]) + (last[SUM_LOST] - entry[SUM_LOST])
        row[RETURN_SUM_SQ] += (last[SQUARES] - entry[SQUARES]) + (last[SQUARES_LOST] - entry[SQUARES_LOST])
        row[DOWNSIDE_SUM_SQ] += (last[DOWNSIDE] - entry[DOWNSIDE]) + (last[DOWNSIDE_LOST] - entry[DOWNSIDE_LOST])
        units = row[EQUITY] / entry[PRICE]
        row[KEPT] = _least_kept(ledger.ranges, bar, bars, units, row[PEAK], row[KEPT])
        row[EQUITY] = units * last[PRICE]
        if segments.shape[0] > 0:
            _spread(ledger, entry, last, bar, bars - 1, segments[column])
