"""Figures of thousands of combinations in one pass: the speed behind a sweep.

The series is read in blocks of bars.  For each block, :mod:`signals` writes one bit per bar and combination, and
:mod:`accounting` closes the trades those bits describe by subtracting rows of the :mod:`ledger`.  Memory is that of the
ledger (0.4 kB a bar), of one block (128 bytes a combination) and of the figures: never bars x combinations.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelyard.core.errors import InvalidInputError
from steelyard.research.execution import Execution
from steelyard.research.strategies import Combinations, Strategy

THREADS_MAX = 256

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """What C combinations did, from an initial cash of 1; sums of bar returns r run over all T bars.

    Attributes:
        final_equity: (C,), an open position valued at the last close without the cost of its sale.
        return_sum, return_sum_sq, downside_sum_sq: (C,) sums of r, r^2 and min(r, 0)^2.
        max_drawdown: (C,) worst equity / running peak - 1 at the closes, a fraction <= 0; the initial cash is a peak.
        entries: (C,) trades opened.
        closed_trades, winning_trades: (C,) trades closed, and those of them with a profit after costs.
        gross_profit, gross_loss: (C,) sums over closed trades, both >= 0.
        trade_return_sum: (C,) sum of the closed trades' returns on what was paid, costs included.
        trade_bars_sum: (C,) bars from fill to fill, closed trades.
        bars_in_market: (C,) bars at whose close a position is held.
        open_trade: (C,) whether a position is held at the end.
        segment_sum, segment_sum_sq: (C, S) sums of r and r^2 over the bars of each segment; None without segments.
    """

    final_equity: Floats
    return_sum: Floats
    return_sum_sq: Floats
    downside_sum_sq: Floats
    max_drawdown: Floats
    entries: Counts
    closed_trades: Counts
    winning_trades: Counts
    gross_profit: Floats
    gross_loss: Floats
    trade_return_sum: Floats
    trade_bars_sum: Counts
    bars_in_market: Counts
    open_trade: NDArray[np.bool_]
    segment_sum: Floats | None = None
    segment_sum_sq: Floats | None = None


def simulate_combinations(
    close: Floats,
    open_: Floats | None,
    strategy: Strategy,
    combinations: Combinations,
    execution: Execution,
    *,
    segments: Counts | None = None,
    threads: int = 1,
) -> Figures:
    """Trade every combination of ``strategy`` on one series.

    Args:
        close: (T,) checked closes (finite, positive), see :func:`steelyard.market.quality.check_prices`.
        open_: (T,) checked opens; needed for fills at the next open only.
        strategy: which signals.
        combinations: C of them; each row's figures are the same whatever the other rows are.
        execution: costs and fills.
        segments: (S + 1,) rising bars; segment k is [segments[k], segments[k + 1]).
        threads: the combinations are divided among so many; the result does not depend on it.

    Raises:
        InvalidInputError: EMPTY_SERIES, NO_OPEN_PRICES, or OUT_OF_RANGE for segments or threads.
    """
    close, fills = checked_prices(close, open_, execution)
    if not 1 <= threads <= THREADS_MAX:
        raise InvalidInputError(f"`threads` was {threads}; it is 1 to {THREADS_MAX}", code="OUT_OF_RANGE")

    from steelyard.research.ledger import open_ledger  # noqa: PLC0415 - Numba takes half a second to import
    from steelyard.research.walk import walk  # noqa: PLC0415

    bounds = _bounds(segments, len(close))
    if threads == 1:
        return walk(open_ledger(close, fills, execution, bounds), strategy, combinations, execution, segments)
    with ThreadPoolExecutor(threads, thread_name_prefix="sweep") as pool:
        ledger = open_ledger(close, fills, execution, bounds, pool)
        parts = [combinations[share] for share in _shares(combinations, threads)]
        return _joined(list(pool.map(lambda part: walk(ledger, strategy, part, execution, segments), parts)))


def checked_prices(close: Floats, open_: Floats | None, execution: Execution) -> tuple[Floats, Floats]:
    """Closes and the prices of the fills, (T,) each, as the kernels read them.

    Raises:
        InvalidInputError: EMPTY_SERIES, or NO_OPEN_PRICES where fills are at the open.
    """
    # Writable, because Numba compiles anew for the read-only arrays that pandas hands out.
    close = np.require(close, np.float64, ["C", "W"])
    if len(close) == 0:
        raise InvalidInputError("the series has 0 bars; a simulation needs at least one", code="EMPTY_SERIES")
    if execution.fill != "next_open":
        return close, close
    if open_ is None or len(open_) != len(close):
        given = "missing" if open_ is None else f"{len(open_)} long, the closes {len(close)}"
        msg = f"`fill` was 'next_open', but the open prices were {given}; load bars with opens or use 'next_close'"
        raise InvalidInputError(msg, code="NO_OPEN_PRICES")
    return close, np.require(open_, np.float64, ["C", "W"])


def _bounds(segments: Counts | None, bars: int) -> Counts:
    """The segments completed to a partition of all bars."""
    if segments is None:
        return np.array([0, bars])
    segments = np.asarray(segments, dtype=np.int64)
    if len(segments) < 2 or segments[0] < 0 or segments[-1] > bars or (np.diff(segments) <= 0).any():
        msg = f"`segments` was {segments.tolist()}; it is at least two rising bars from 0 to {bars}"
        raise InvalidInputError(msg, code="OUT_OF_RANGE")
    return np.unique(np.concatenate([[0], segments, [bars]]))


def _shares(combinations: Combinations, threads: int) -> list[slice]:
    """Contiguous, because neighbours share averages, and of equal work: shorter windows trade more often."""
    work = np.cumsum(1.0 + 2.5 / np.sqrt(combinations.fast))  # as measured on random walks of any length
    parts = min(threads, len(combinations))
    edges = np.searchsorted(work, work[-1] * np.arange(1, parts) / parts).tolist()
    return [slice(start, stop) for start, stop in pairwise([0, *edges, len(combinations)]) if start < stop]


def _joined(parts: list[Figures]) -> Figures:
    def column(name: str) -> Any:
        pieces = [getattr(part, name) for part in parts]
        return None if pieces[0] is None else np.concatenate(pieces)

    return Figures(**{field.name: column(field.name) for field in fields(Figures)})
