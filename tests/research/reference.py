"""The sweep's rules once more, slowly: plain loops that share no code with the kernel.

Simple averages are compared as whole numbers of ticks, so a tie is a tie; cash and units are followed bar by bar.
A state is None where it is not defined.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from steelyard.research.execution import Execution
from steelyard.research.strategies import Combinations, Strategy

States = list[bool | None]


@dataclass
class Account:
    """What one combination did, bar by bar."""

    equity: list[float] = field(default_factory=list)
    trips: list[tuple[int, int | None]] = field(default_factory=list)
    profits: list[float] = field(default_factory=list)
    trade_returns: list[float] = field(default_factory=list)

    @property
    def returns(self) -> NDArray[np.float64]:
        equity = np.array(self.equity, dtype=np.float64)
        returns: NDArray[np.float64] = equity / np.concatenate([[1.0], equity[:-1]]) - 1.0
        return returns


def states(strategy: Strategy, ticks: Sequence[int], close: Sequence[float], combinations: Combinations, row: int):
    fast, slow, signal = (int(axis[row]) for axis in (combinations.fast, combinations.slow, combinations.signal))
    match strategy:
        case Strategy.SMA:
            return sma_states(ticks, fast, slow)
        case Strategy.EMA:
            return compared(ema(close, fast), ema(close, slow), first=slow - 1)
        case Strategy.MACD:
            line = [a - b for a, b in zip(ema(close, fast), ema(close, slow), strict=True)]
            return compared(line, ema(line, signal), first=slow + signal - 2)
        case Strategy.RSI if slow:
            return compared(rsi(close, fast), rsi(close, slow), first=slow)
        case Strategy.RSI:
            return rsi(close, fast)


def sma_states(ticks: Sequence[int], fast: int, slow: int) -> States:
    sums = [0, *accumulate(ticks)]
    found: States = [None] * min(slow - 1, len(ticks))
    for end in range(slow, len(ticks) + 1):
        found.append((sums[end] - sums[end - fast]) * slow > (sums[end] - sums[end - slow]) * fast)
    return found


def ema(values: Sequence[float], span: int) -> list[float]:
    weight = 2 / (span + 1)
    return list(accumulate(values, lambda average, value: average + weight * (value - average)))


def rsi(close: Sequence[float], period: int) -> list[float]:
    """Means of gains and losses over the first ``period`` changes, then each new change weighs 1 / period."""
    gain, loss, found = 0.0, 0.0, [50.0]
    for bar in range(1, len(close)):
        change, weight = close[bar] - close[bar - 1], 1 / min(bar, period)
        gain += weight * (max(change, 0.0) - gain)
        loss += weight * (max(-change, 0.0) - loss)
        found.append(100 * gain / (gain + loss) if gain + loss > 0 else 50.0)
    return found


def compared(fast: Sequence[float], slow: Sequence[float], *, first: int) -> States:
    return [None if bar < first else a > b for bar, (a, b) in enumerate(zip(fast, slow, strict=True))]


def level_states(strength: Sequence[float], combinations: Combinations, row: int, *, enter_on_warmup: bool) -> States:
    first, state = int(combinations.fast[row]), False
    found: States = []
    below_before = not enter_on_warmup
    for bar, value in enumerate(strength):
        if bar < first:
            found.append(None)
            continue
        below = value < combinations.lower
        if below and not below_before:
            state = True
        elif value > combinations.upper:
            state = False
        below_before = below
        found.append(state)
    return found


def follow(states: Iterable[bool | None], close, fills, execution: Execution) -> Account:
    """Trade the states: an order is filled `lag` bars after its signal, before that bar's close is taken down."""
    account = Account()
    cash, units, paid = 1.0, 0.0, 0.0
    entry: int | None = None
    before: bool | None = False if execution.enter_on_warmup else None
    orders: dict[int, str] = {}
    wants = False
    for bar, state in enumerate(states):
        if state is not None:
            if state and before is False:
                orders[bar + execution.lag], wants = "buy", True
            elif not state and wants:
                orders[bar + execution.lag], wants = "sell", False
            before = state
        match orders.pop(bar, None):
            case "buy":
                price = fills[bar] * (1 + execution.slippage_bp / 1e4)
                paid, units, cash, entry = cash, cash / (price * (1 + execution.fee)), 0.0, bar
            case "sell":
                assert entry is not None
                price = fills[bar] * (1 - execution.slippage_bp / 1e4)
                cash, units = units * price * (1 - execution.fee), 0.0
                account.trips.append((entry, bar))
                account.profits.append(cash - paid)
                account.trade_returns.append(cash / paid - 1)
                entry = None
        account.equity.append(cash + units * close[bar])
    if entry is not None:
        account.trips.append((entry, None))
    return account


def figures(account: Account) -> dict[str, float]:
    """Every column of Figures, by its definition."""
    returns, bars = account.returns, len(account.equity)
    peak, drawdown = 1.0, 0.0
    for value in account.equity:
        peak = max(peak, value)
        drawdown = min(drawdown, value / peak - 1)
    closed = [(entry, leave) for entry, leave in account.trips if leave is not None]
    return {
        "final_equity": account.equity[-1],
        "return_sum": returns.sum(),
        "return_sum_sq": (returns**2).sum(),
        "downside_sum_sq": (np.minimum(returns, 0) ** 2).sum(),
        "max_drawdown": drawdown,
        "entries": len(account.trips),
        "closed_trades": len(closed),
        "winning_trades": sum(share > 1e-12 for share in account.trade_returns),  # an even trade rounds to no more
        "gross_profit": sum(max(profit, 0) for profit in account.profits),
        "gross_loss": -sum(min(profit, 0) for profit in account.profits),
        "trade_return_sum": sum(account.trade_returns),
        "trade_bars_sum": sum(leave - entry for entry, leave in closed),
        "bars_in_market": sum((bars if leave is None else leave) - entry for entry, leave in account.trips),
        "open_trade": len(closed) < len(account.trips),
    }
