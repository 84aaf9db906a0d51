"""Another engine, written by others, makes the same trades and the same money on prices without ties."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from steelyard.research.backtest import run_backtest
from steelyard.research.execution import Execution
from steelyard.research.kernel import simulate_combinations
from steelyard.research.strategies import Combinations, Strategy, enumerate_combinations

CASH = 1_000.0
FEE = 0.001


@pytest.fixture(scope="module")
def vbt() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import vectorbt

    return vectorbt


@pytest.fixture(scope="module")
def close() -> pd.Series:
    rng = np.random.default_rng(11)
    prices = 100 * np.exp(np.cumsum(rng.normal(0.0002, 0.012, 1_500)))
    return pd.Series(prices, index=pd.date_range("2020-01-01", periods=len(prices), freq="D"))


def their_portfolio(vbt, close, combinations: Combinations, *, exponential: bool, slippage: float):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fast = vbt.MA.run(close, combinations.fast.tolist(), ewm=exponential, short_name="fast", adjust=False)
        slow = vbt.MA.run(close, combinations.slow.tolist(), ewm=exponential, short_name="slow", adjust=False)
        entries, exits = fast.ma_crossed_above(slow), fast.ma_crossed_below(slow)
        return vbt.Portfolio.from_signals(close, entries, exits, init_cash=CASH, fees=FEE, slippage=slippage, freq="D")


@pytest.mark.parametrize("slippage_bp", [0.0, 5.0])
@pytest.mark.parametrize("strategy", [Strategy.SMA, Strategy.EMA])
def test_trades_and_total_returns_agree(vbt, close, strategy, slippage_bp):
    combinations = enumerate_combinations([3, 10, 30, 50], [20, 40, 100, 200])
    exponential = strategy is Strategy.EMA
    theirs = their_portfolio(vbt, close, combinations, exponential=exponential, slippage=slippage_bp / 1e4)
    records = theirs.trades.records
    execution = Execution(fee=FEE, slippage_bp=slippage_bp)
    prices = close.to_numpy()
    figures = simulate_combinations(prices, None, strategy, combinations, execution)

    np.testing.assert_array_equal(figures.entries, theirs.trades.count().to_numpy())
    np.testing.assert_allclose(figures.final_equity - 1, theirs.total_return().to_numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(figures.max_drawdown, theirs.max_drawdown().to_numpy(), rtol=1e-9)
    for row in range(len(combinations)):
        mine = run_backtest(prices, None, strategy, combinations[row : row + 1], execution).trades
        their_rows = records[records["col"] == row]
        last = len(prices) - 1  # where they record the end of a trade that is still open
        bars = [(trade.entry_bar, last if trade.exit_bar is None else trade.exit_bar) for trade in mine]
        assert bars == list(zip(their_rows["entry_idx"], their_rows["exit_idx"], strict=True))
        np.testing.assert_allclose([trade.profit * CASH for trade in mine], their_rows["pnl"], rtol=1e-9, atol=1e-9)
