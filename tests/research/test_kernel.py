"""The kernel against a plain reference: every trade, every figure."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.research.backtest import run_backtest
from steelyard.research.execution import FILLS, Execution
from steelyard.research.kernel import Figures, simulate_combinations
from steelyard.research.strategies import Strategy, enumerate_combinations
from tests.research import reference

EXACT = ("entries", "closed_trades", "trade_bars_sum", "bars_in_market", "open_trade")
FLOAT = (
    "final_equity",
    "return_sum",
    "return_sum_sq",
    "downside_sum_sq",
    "max_drawdown",
    "gross_profit",
    "gross_loss",
    "trade_return_sum",
)
executions = st.builds(
    Execution,
    fee=st.sampled_from([0.0, 0.001, 0.02]),
    slippage_bp=st.sampled_from([0.0, 7.0]),
    fill=st.sampled_from(FILLS),
    enter_on_warmup=st.booleans(),
)


@st.composite
def walks(draw, bars_max=700):
    """Tick prices as they come: quiet or wild, with crashes, halts (constant) and small grids that make ties."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    bars = draw(st.integers(2, bars_max))
    steps = rng.normal(0, draw(st.sampled_from([0.001, 0.02, 0.1])), bars)
    steps[rng.random(bars) < draw(st.sampled_from([0, 0, 0.01]))] = -2.0
    steps[rng.random(bars) < draw(st.sampled_from([0, 0.5, 0.95]))] = 0.0
    grid = draw(st.sampled_from([1, 100, 10_000]))
    ticks = np.maximum(np.round(np.exp(np.cumsum(steps)) * 50 * grid), 1)
    return ticks.astype(int), draw(st.sampled_from([1.0, 100.0, 0.25]))


def opens_for(close):
    return np.concatenate([[close[0]], (close[:-1] + 3 * close[1:]) / 4])


def assert_figures(figures: Figures, row: int, expected: dict[str, float]) -> None:
    scale = 1 + expected["return_sum_sq"]
    for name in EXACT:
        assert getattr(figures, name)[row] == expected[name], name
    for name in FLOAT:
        assert getattr(figures, name)[row] == pytest.approx(expected[name], rel=1e-12, abs=1e-13 * scale), name


@given(walks(), executions)
def test_every_trade_and_figure_is_that_of_the_plain_reference(walk, execution):
    ticks, unit = walk
    close = ticks / unit
    opens = opens_for(close)
    combinations = enumerate_combinations([1, 2, 5, 20, 64], [2, 3, 10, 21, 65, 130])
    figures = simulate_combinations(close, opens, Strategy.SMA, combinations, execution)
    fills = opens if execution.fill == "next_open" else close
    for row in range(len(combinations)):
        fast, slow = int(combinations.fast[row]), int(combinations.slow[row])
        states = reference.sma_states([int(tick) for tick in ticks], fast, slow)
        account = reference.follow(states, close, fills, execution)
        backtest = run_backtest(close, opens, Strategy.SMA, combinations[row : row + 1], execution)
        assert [(trade.entry_bar, trade.exit_bar) for trade in backtest.trades] == account.trips
        np.testing.assert_allclose(backtest.equity, account.equity, rtol=1e-12)
        assert_figures(figures, row, reference.figures(account))
