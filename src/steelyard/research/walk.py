"""One walk along the series for a share of the combinations, block of bars by block of bars."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steelyard.research import accounting
from steelyard.research.bits import WORD_BARS
from steelyard.research.execution import Execution
from steelyard.research.kernel import Figures
from steelyard.research.ledger import Ledger
from steelyard.research.signals import signals
from steelyard.research.strategies import Combinations, Strategy

BLOCK_WORDS = 16
"""Words of 64 bars per block: the states of 5,000 combinations (640 kB) stay in a core's own cache."""

Counts = NDArray[np.int64]


def walk(
    ledger: Ledger, strategy: Strategy, combinations: Combinations, execution: Execution, segments: Counts | None
) -> Figures:
    """Figures of ``combinations`` on the series of ``ledger``; releases the GIL for nearly all of its time."""
    count, bars = len(combinations), len(ledger.closes)
    signal = signals(ledger.closes, strategy, combinations, enter_on_warmup=execution.enter_on_warmup)
    defined = combinations.first_defined_bar(strategy)
    opened = np.full(count, accounting.FLAT if execution.enter_on_warmup else accounting.UNSEEN)
    book = accounting.new_book(count)
    segment_sums = np.zeros((0 if segments is None else count, len(ledger.marks) - 1, 2))
    words = -(-bars // WORD_BARS)
    states = np.empty((min(BLOCK_WORDS, words), count), dtype=np.uint64)
    for word in range(0, words, BLOCK_WORDS):
        block = states[: words - word]
        signal.write(word * WORD_BARS, block)
        accounting.account_block(block, word * WORD_BARS, defined, ledger, opened, book, segment_sums)
    accounting.close_book(ledger, opened, book, segment_sums)
    held = opened >= 0
    tail = np.where(held, bars - ledger.lag - opened, 0)
    figures = accounting.read_book(book)
    first = 0 if segments is None or segments[0] == 0 else 1
    chosen = slice(first, first + (0 if segments is None else len(segments) - 1))
    return Figures(
        **figures,
        entries=figures["closed_trades"] + held,
        bars_in_market=figures["trade_bars_sum"] + tail,
        open_trade=held,
        segment_sum=None if segments is None else segment_sums[:, chosen, 0],
        segment_sum_sq=None if segments is None else segment_sums[:, chosen, 1],
    )
