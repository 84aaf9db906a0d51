"""Columns of the table against the same figures worked out from the paths."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.market.bars import PriceSeries
from steelyard.research.backtest import run_backtest
from steelyard.research.execution import Execution
from steelyard.research.kernel import simulate_combinations
from steelyard.research.metrics import Span, bar_returns, duration_texts, held_return_pct, metric_columns, path_metrics
from steelyard.research.score import composite_score
from steelyard.research.strategies import Strategy, enumerate_combinations


def table_of(close, fast, slow, execution, span):
    """The combinations, and their table."""
    combinations = enumerate_combinations(fast, slow)
    figures = simulate_combinations(close, None, Strategy.SMA, combinations, execution)
    held = held_return_pct(close)
    return combinations, metric_columns(figures, span, buy_and_hold_return_pct=held, min_trades=1)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.001, 0.02]))
def test_each_column_is_what_the_path_and_its_trades_say(seed, fee):
    close = 100 * np.exp(np.random.default_rng(seed).normal(0, 0.02, 250).cumsum())
    execution, span = Execution(fee=fee), Span(250, 252.0, 365.0)
    combinations, table = table_of(close, [2, 5, 9], [6, 20], execution, span)
    for number, row in table.iterrows():
        tested = run_backtest(close, None, Strategy.SMA, combinations[number : number + 1], execution)
        closed = [trade for trade in tested.trades if trade.exit_bar is not None]
        wins = [trade for trade in closed if trade.profit > 0]
        losses = -sum(trade.profit for trade in closed if trade.profit <= 0)
        for name, value in path_metrics(tested.returns, 252.0).items():
            assert row[name] == pytest.approx(value, rel=1e-6, abs=1e-9, nan_ok=True), name
        assert (row["total_trades"], row["closed_trades"]) == (len(tested.trades), len(closed))
        assert row["exposure_pct"] == pytest.approx(tested.position.mean() * 100)
        assert row["trades_per_month"] == pytest.approx(len(tested.trades) / (365 / 365.25 * 12))
        if closed:
            assert row["win_rate_pct"] == pytest.approx(100 * len(wins) / len(closed))
            assert row["expectancy_pct"] == pytest.approx(100 * np.mean([trade.trade_return for trade in closed]))
            bars = [trade.exit_bar - trade.entry_bar for trade in closed if trade.exit_bar is not None]
            days = np.mean(bars) * 365 / 250
            assert row["avg_trade_duration_days"] == pytest.approx(days)
            if losses > 0:
                assert row["profit_factor"] == pytest.approx(sum(trade.profit for trade in wins) / losses)


def test_ratios_are_those_of_the_contract():
    returns = np.array([0.0, 0.02, -0.01, 0.03, -0.02, 0.01])
    found = path_metrics(returns, 252.0)
    assert found["sharpe_ratio"] == pytest.approx(returns.mean() / returns.std(ddof=1) * math.sqrt(252))
    downside = math.sqrt((0.01**2 + 0.02**2) / 6)
    assert found["sortino_ratio"] == pytest.approx(returns.mean() / downside * math.sqrt(252))
    assert found["max_drawdown_pct"] == pytest.approx(-2.0)
    assert found["total_return_pct"] == pytest.approx((np.prod(1 + returns) - 1) * 100)
    assert found["annualized_return"] == pytest.approx((np.prod(1 + returns) ** (252 / 6) - 1) * 100)
    assert found["calmar_ratio"] == pytest.approx(found["annualized_return"] / 2.0)


def test_a_fall_from_the_first_bar_is_a_drawdown_from_the_initial_cash():
    assert path_metrics(np.array([-0.1, 0.05]), 252.0)["max_drawdown_pct"] == pytest.approx(-10.0)


def test_a_strategy_that_never_traded_has_zeros_where_zero_is_the_figure_and_nan_elsewhere():
    falling = np.linspace(200.0, 100.0, 120)
    _, table = table_of(falling, [3], [10], Execution(), Span(120, 252.0, 174.0))
    row = table.iloc[0]
    for name in ("total_return_pct", "annualized_return", "max_drawdown_pct", "exposure_pct", "trades_per_month"):
        assert row[name] == 0.0, name
    assert (row["total_trades"], row["score"], row["below_min_trades"]) == (0, 0.0, True)
    undefined = ("sharpe_ratio", "sortino_ratio", "calmar_ratio", "win_rate_pct", "profit_factor", "expectancy_pct")
    assert row[list(undefined)].isna().all()
    assert row["avg_trade_duration"] is None


def test_gains_without_a_loss_have_an_infinite_profit_factor():
    wave = np.concatenate([np.linspace(100, 90, 30), np.linspace(90, 140, 60), np.linspace(140, 120, 20)])
    _, table = table_of(wave, [2], [5], Execution(fee=0.0), Span(len(wave), 252.0, 160.0))
    assert table["closed_trades"].iat[0] == 1
    assert math.isinf(table["profit_factor"].iat[0])


def test_the_score_column_is_the_composite_of_the_others():
    close = 100 * np.exp(np.random.default_rng(7).normal(0, 0.02, 400).cumsum())
    _, table = table_of(close, range(2, 9), range(10, 40, 6), Execution(), Span(400, 365.0, 400.0))
    names = {"win_rate_pct": "win_rate_pct", "trades": "total_trades", "sortino": "sortino_ratio"}
    names |= {name: name for name in ("profit_factor", "expectancy_pct", "total_return_pct", "buy_and_hold_return_pct")}
    again = composite_score(**{argument: table[column].to_numpy() for argument, column in names.items()})
    assert table["score"].tolist() == again.tolist()


@pytest.mark.parametrize(
    ("days", "text"),
    [(5.2, "5.2 days"), (1.0, "1.0 days"), (0.5, "12.0 hours"), (1 / 24, "1.0 hours"), (0.01, "14.4 minutes")],
)
def test_a_duration_is_told_in_its_own_unit(days, text):
    assert duration_texts(np.array([days])).tolist() == [text]


def test_months_and_days_are_those_of_the_calendar_where_bars_have_times():
    times = np.datetime64("2020-01-01", "ns") + np.arange(0, 731, 7) * np.timedelta64(1, "D")
    span = Span.of(PriceSeries("X", np.arange(1.0, 106.0), times), 52.0)
    assert (span.days_per_bar, span.days) == (7.0, 735.0)
    assert span.months == pytest.approx(735 / 30.4375)


def test_without_times_a_year_of_bars_is_a_year():
    span = Span.of(PriceSeries("X", np.ones(504)), 252.0)
    assert span.years == 2.0
    assert span.days == pytest.approx(2 * 365.25)


def test_holding_the_asset_returns_its_price_change():
    close = np.array([100.0, 110.0, 99.0])
    assert bar_returns(close) == pytest.approx([0, 0.1, -0.1])
    assert held_return_pct(close) == pytest.approx(-1.0)
