"""One combination, bar by bar: equity, position and trades, with the accounting of the sweep's kernel.

The states come from the kernel's own signals, so a row of a sweep and its replay here trade at the same bars; cash and
units are then followed in plain steps, which is the account to read when in doubt what a figure means.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelyard.core.errors import InvalidInputError
from steelyard.research.execution import Execution
from steelyard.research.kernel import checked_prices
from steelyard.research.strategies import Combinations, Strategy

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trade:
    """One round trip, or the one still open at the end.

    Attributes:
        entry_bar, exit_bar: bars of the fills; ``exit_bar`` is None while the trade is open.
        entry_price, exit_price: paid and received per unit, slippage included and fees not; of an open trade the last
            close, at which it is valued.
        profit: after all costs, in units of the initial cash.
        trade_return: profit as a fraction of what was paid.
    """

    entry_bar: int
    exit_bar: int | None
    entry_price: float
    exit_price: float
    profit: float
    trade_return: float


@dataclass(frozen=True, slots=True, eq=False)
class Backtest:
    """The life of one combination.

    Attributes:
        equity: (T,) at each close, from an initial cash of 1.
        position: (T,) whether units are held after the fills of the bar's close.
        returns: (T,) of the equity per bar; the first bar's is against the initial cash.
        trades: in order; only the last can be open.
    """

    equity: Floats
    position: NDArray[np.bool_]
    returns: Floats
    trades: tuple[Trade, ...]


def run_backtest(
    close: Floats, open_: Floats | None, strategy: Strategy, combination: Combinations, execution: Execution
) -> Backtest:
    """Trade one combination on one series.

    Args:
        close: (T,) checked closes.
        open_: (T,) checked opens; needed for fills at the next open only.
        strategy: which signals.
        combination: exactly one.
        execution: costs and fills.

    Raises:
        InvalidInputError: NOT_ONE_COMBINATION, or NO_OPEN_PRICES.
    """
    if len(combination) != 1:
        msg = f"`combination` held {len(combination)} combinations; a backtest follows exactly one"
        raise InvalidInputError(msg, code="NOT_ONE_COMBINATION")
    close, fills = checked_prices(close, open_, execution)
    equity, position = np.ones(len(close)), np.zeros(len(close), dtype=bool)
    cash, done, trades = 1.0, 0, []
    for entry, leave in _round_trips(close, strategy, combination, execution):
        end = len(close) if leave is None else leave
        units = cash / (fills[entry] * execution.cost_of_a_unit)
        worth = units * close[-1] if leave is None else units * fills[leave] * execution.proceeds_of_a_unit
        equity[done:entry], equity[entry:end] = cash, units * close[entry:end]
        position[entry:end] = True
        bought = float(fills[entry]) * (1.0 + execution.slippage)
        sold = float(close[-1]) if leave is None else float(fills[leave]) * (1.0 - execution.slippage)
        trades.append(Trade(entry, leave, bought, sold, float(worth - cash), float(worth / cash - 1.0)))
        cash, done = float(worth), end
    equity[done:] = cash
    returns = equity / np.concatenate([[1.0], equity[:-1]]) - 1.0
    return Backtest(equity, position, returns, tuple(trades))


def _round_trips(
    close: Floats, strategy: Strategy, combination: Combinations, execution: Execution
) -> Iterator[tuple[int, int | None]]:
    """Bars of the fills of each entry and its exit; None for an exit that does not come."""
    states = _states(close, strategy, combination, enter_on_warmup=execution.enter_on_warmup)
    defined = int(combination.first_defined_bar(strategy)[0])
    entry: int | None = None
    seen_out = execution.enter_on_warmup
    for bar in range(defined, len(close) - execution.lag):
        if states[bar] and seen_out and entry is None:
            entry = bar + execution.lag
        elif not states[bar]:
            seen_out = True
            if entry is not None:
                yield entry, bar + execution.lag
                entry = None
    if entry is not None:
        yield entry, None


def _states(
    close: Floats, strategy: Strategy, combination: Combinations, *, enter_on_warmup: bool
) -> NDArray[np.bool_]:
    """(T,) the states of one combination; those before its first defined bar mean nothing."""
    from steelyard.research.bits import WORD_BARS  # noqa: PLC0415 - Numba takes half a second to import
    from steelyard.research.signals import signals  # noqa: PLC0415

    words = np.empty((-(-len(close) // WORD_BARS), 1), dtype=np.uint64)
    signals(close, strategy, combination, enter_on_warmup=enter_on_warmup).write(0, words)
    return np.unpackbits(words.astype("<u8").view(np.uint8), bitorder="little")[: len(close)].astype(np.bool_)
