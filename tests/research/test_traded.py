"""Several series in one sweep: sleeves of equal weight, and each series by itself."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

import steelyard as sy
from steelyard.core.errors import InvalidInputError
from steelyard.market.bars import PriceSeries
from steelyard.research.backtest import run_backtest
from steelyard.research.execution import Execution
from steelyard.research.metrics import path_metrics
from steelyard.research.strategies import Strategy, enumerate_combinations

CHOICES: dict[str, Any] = {"fast": range(3, 30, 6), "slow": range(20, 101, 20), "fee": 0.002}


def noise(seed, bars=900):
    return 100 * np.exp(np.random.default_rng(seed).normal(0.0002, 0.012, bars).cumsum())


@pytest.fixture(scope="module")
def pair():
    return sy.sweep({"A": noise(1), "B": noise(2)}, **CHOICES)


def test_each_ticker_has_the_sweep_it_has_alone(pair):
    alone = sy.sweep(PriceSeries("B", noise(2)), **CHOICES)
    assert list(pair.tickers) == ["A", "B"]
    assert json.dumps(pair.tickers["B"].summary()) == json.dumps(alone.summary())


def test_a_row_of_the_portfolio_is_the_mean_of_its_sleeves_bar_by_bar(pair):
    for _, row in pair.table.iloc[::5].iterrows():
        combination = enumerate_combinations([int(row["fast_period"])], [int(row["slow_period"])])
        sleeves = [run_backtest(noise(seed), None, Strategy.SMA, combination, Execution(fee=0.002)) for seed in (1, 2)]
        for name, value in path_metrics(np.mean([one.returns for one in sleeves], axis=0), 252.0).items():
            assert row[name] == pytest.approx(value, rel=1e-6, abs=1e-9), name
        trades = [trade for one in sleeves for trade in one.trades]
        closed = [trade for trade in trades if trade.exit_bar is not None]
        assert (row["total_trades"], row["closed_trades"]) == (len(trades), len(closed))
        assert row["win_rate_pct"] == pytest.approx(100 * np.mean([trade.profit > 0 for trade in closed]))
        assert row["expectancy_pct"] == pytest.approx(100 * np.mean([trade.trade_return for trade in closed]))
        assert row["exposure_pct"] == pytest.approx(100 * np.mean([one.position.mean() for one in sleeves]), abs=0.1)


def test_two_copies_of_one_series_are_that_series_with_twice_the_trades():
    copies = sy.sweep({"A": noise(3), "B": noise(3)}, rank_by="sharpe_ratio", min_trades=0, **CHOICES)
    single = sy.sweep(noise(3), rank_by="sharpe_ratio", min_trades=0, **CHOICES)
    same = ["fast_period", "slow_period", "total_return_pct", "sharpe_ratio", "max_drawdown_pct", "profit_factor"]
    left, right = (r.table.sort_values(["fast_period", "slow_period"])[same].to_numpy() for r in (copies, single))
    assert left == pytest.approx(right, rel=1e-9)
    assert copies.table["total_trades"].sum() == 2 * single.table["total_trades"].sum()
    assert copies.pbo == pytest.approx(single.pbo, abs=1e-3)
    assert copies.deflated_sharpe == pytest.approx(single.deflated_sharpe, rel=1e-6)
    assert copies.out_of_sample["total_return_pct"] == pytest.approx(single.out_of_sample["total_return_pct"])
    assert copies.buy_and_hold["sharpe_ratio"] == pytest.approx(single.buy_and_hold["sharpe_ratio"])


def test_only_bars_that_all_series_have_are_traded_together():
    days = pd.bdate_range("2020-01-01", periods=900)
    first, second = pd.Series(noise(1), index=days), pd.Series(noise(2), index=days).drop(days[100:120])
    r = sy.sweep({"A": first, "B": second}, **CHOICES)
    assert len(r.series) == 880
    assert {symbol: len(own.series) for symbol, own in r.tickers.items()} == {"A": 900, "B": 880}
    together = sy.sweep({"A": first.drop(days[100:120]), "B": second}, **CHOICES)
    assert r.table.to_csv() == together.table.to_csv()


@pytest.mark.parametrize("form", ["mapping", "list", "frame"])
def test_several_series_come_as_a_mapping_a_list_or_a_frame(pair, form):
    forms = {
        "mapping": {"A": noise(1).tolist(), "B": PriceSeries("other", noise(2))},
        "list": [PriceSeries("A", noise(1)), pd.Series(noise(2), name="B")],
        "frame": pd.DataFrame({"A": noise(1), "B": noise(2)}),
    }
    assert json.dumps(sy.sweep(forms[form], **CHOICES).summary()) == json.dumps(pair.summary())


def test_progress_of_a_portfolio_never_falls_back():
    told: list[float] = []
    sy.sweep({"A": noise(1), "B": noise(2)}, progress=told.append, **CHOICES)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_a_portfolio_is_charted_and_reported_with_its_tickers(pair, tmp_path):
    assert len(pair.plot_equity().data) >= 4
    html = pair.to_html(tmp_path / "pair.html").read_text(encoding="utf-8")
    assert "equal weights of A, B" in html
    assert "The best combination of each series by itself." in html


@pytest.mark.parametrize(
    ("close", "code", "words"),
    [
        ({}, "EMPTY_SERIES", "0 series"),
        ([PriceSeries("A", noise(1)), PriceSeries("A", noise(2))], "DUPLICATE_SYMBOL", "'A' more than once"),
        ({"A": noise(1), "B": noise(2, 800)}, "LENGTH_MISMATCH", "'A': 900, 'B': 800"),
        ({"A": noise(1), "B": -noise(2)}, "NOT_POSITIVE", "B: close of bar 0"),
        (
            {
                "A": pd.Series(noise(1), index=pd.bdate_range("2000-01-03", periods=900)),
                "B": pd.Series(noise(2), index=pd.bdate_range("2010-01-04", periods=900)),
            },
            "NO_COMMON_BARS",
            "A, B have no bar in common",
        ),
        (
            {
                "A": PriceSeries("A", noise(1), periods_per_year=365.0),
                "B": PriceSeries("B", noise(2), periods_per_year=252.0),
            },
            "PERIODS_DIFFER",
            "'A': 365.0",
        ),
        (
            {
                "A": pd.Series(noise(1), index=pd.bdate_range("2000-01-03", periods=900)),
                "B": pd.Series(noise(2), index=pd.bdate_range("2003-05-05", periods=900)),
            },
            "TOO_SHORT",
            "in common; at least 103",
        ),
    ],
)
def test_series_that_cannot_be_traded_together_are_refused(close, code, words):
    with pytest.raises(InvalidInputError, match=words) as refused:
        sy.sweep(close, **CHOICES)
    assert refused.value.code == code
