"""The sweep's rules once more, slowly: plain loops that share no code with the kernel.

Averages are exact fractions of the closes, so a tie is a tie; cash and units are followed bar by bar.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from steelyard.research.execution import Execution


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


def sma_states(ticks: Sequence[float], fast: int, slow: int) -> list[bool | None]:
    exact = [Fraction(price) for price in ticks]
    prefix = [Fraction(0)]
    for price in exact:
        prefix.append(prefix[-1] + price)

    def average(window, bar):
        return (prefix[bar + 1] - prefix[bar + 1 - window]) / window

    return [None if bar < slow - 1 else average(fast, bar) > average(slow, bar) for bar in range(len(exact))]


def follow(states: Sequence[bool | None], close, fills, execution: Execution) -> Account:
    """Trade the states; a fill happens `lag` bars after its signal, before that bar's close is taken down."""
    account = Account()
    cash, units, paid = 1.0, 0.0, 0.0
    entry: int | None = None
    before: bool | None = False if execution.enter_on_warmup else None
    orders: dict[int, str] = {}
    wants = False
    for bar, state in enumerate(states):
        if state is not None:
            if state and before is False:
                orders[bar + execution.lag] = "buy"
                wants = True
            elif not state and wants:
                orders[bar + execution.lag] = "sell"
                wants = False
            before = state
        order = orders.pop(bar, None)
        if order == "buy":
            price = fills[bar] * (1 + execution.slippage_bp / 1e4)
            paid, units, cash, entry = cash, cash / (price * (1 + execution.fee)), 0.0, bar
        elif order == "sell":
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
    held = sum((bars if leave is None else leave) - entry for entry, leave in account.trips)
    return {
        "final_equity": account.equity[-1],
        "return_sum": returns.sum(),
        "return_sum_sq": (returns**2).sum(),
        "downside_sum_sq": (np.minimum(returns, 0) ** 2).sum(),
        "max_drawdown": drawdown,
        "entries": len(account.trips),
        "closed_trades": len(closed),
        "winning_trades": sum(profit > 0 for profit in account.profits),
        "gross_profit": sum(max(profit, 0) for profit in account.profits),
        "gross_loss": -sum(min(profit, 0) for profit in account.profits),
        "trade_return_sum": sum(account.trade_returns),
        "trade_bars_sum": sum(leave - entry for entry, leave in closed),
        "bars_in_market": held,
        "open_trade": len(closed) < len(account.trips),
    }
