"""The sweep as a notebook uses it: what it finds, what it refuses, and that it cannot see the future."""

import json
import math

import numpy as np
import pandas as pd
import pytest

import steelyard as sy
from steelyard.core.errors import CancelledError, InvalidInputError, TooLargeError
from steelyard.market.bars import PriceSeries
from steelyard.research import luck, traded
from steelyard.research.backtest import run_backtest
from steelyard.research.execution import Execution
from steelyard.research.strategies import Strategy, enumerate_combinations

COLUMNS = {
    "fast_period", "slow_period", "total_return_pct", "annualized_return", "sharpe_ratio", "sortino_ratio",
    "calmar_ratio", "max_drawdown_pct", "win_rate_pct", "profit_factor", "expectancy_pct", "exposure_pct",
    "total_trades", "closed_trades", "trades_per_month", "avg_trade_duration", "buy_and_hold_return_pct",
    "below_min_trades", "score",
}  # fmt: skip


def noise(bars=1000, seed=0, drift=0.0002):
    """Prices without memory."""
    return 100 * np.exp(np.random.default_rng(seed).normal(drift, 0.012, bars).cumsum())


def waves(bars=2000, seed=0):
    """Prices that trend up and down in turn, with noise: timing them can be learnt."""
    rng = np.random.default_rng(seed)
    drift = 0.004 * np.sign(np.sin(np.arange(bars) * 2 * np.pi / 120))
    return 100 * np.exp((drift + rng.normal(0, 0.006, bars)).cumsum())


def small_sweep(close, **choices):
    return sy.sweep(close, fast=range(3, 30, 3), slow=range(20, 101, 10), **choices)


def test_the_documented_call_gives_one_row_per_combination_with_fast_below_slow():
    r = sy.sweep(
        noise(800), strategy="SMA", fast=range(5, 101), slow=range(20, 301, 5), fee=0.001, periods_per_year=252
    )
    assert len(r.table) == sum(fast < slow for fast in range(5, 101) for slow in range(20, 301, 5))
    assert set(r.table.columns) >= COLUMNS
    assert (r.table["fast_period"] < r.table["slow_period"]).all()
    assert not r.table.duplicated(["fast_period", "slow_period"]).any()
    assert isinstance(r.deflated_sharpe, float)
    assert isinstance(r.pbo, float)
    assert r.best.equals(r.table.iloc[0])


def test_a_row_of_the_table_is_the_backtest_of_its_windows():
    close = noise(600, seed=3)
    row = small_sweep(close, fee=0.002, rank_by="total_return_pct").table.iloc[4]
    combination = enumerate_combinations([int(row["fast_period"])], [int(row["slow_period"])])
    tested = run_backtest(close, None, Strategy.SMA, combination, Execution(fee=0.002))
    assert row["total_return_pct"] == pytest.approx((tested.equity[-1] - 1) * 100)
    assert row["total_trades"] == len(tested.trades)


@pytest.mark.parametrize("metric", ["score", "sharpe_ratio", "max_drawdown_pct", "profit_factor"])
def test_the_table_is_ranked_by_the_metric_with_thin_traders_last(metric):
    table = small_sweep(noise(700, seed=1), rank_by=metric, min_trades=8).table
    flags = table["below_min_trades"].tolist()
    assert flags == sorted(flags)
    assert set(flags) == {True, False}
    for _, part in table.groupby("below_min_trades"):
        assert part[metric].dropna().is_monotonic_decreasing
        assert part[metric].isna().tolist() == sorted(part[metric].isna())


def test_best_rows_leave_thin_traders_out_unless_asked():
    r = small_sweep(noise(700, seed=1), min_trades=1000)
    assert r.best_rows(5).empty
    assert len(r.best_rows(5, below_min_trades=True)) == 5
    assert r.best["below_min_trades"]
    assert "No combination traded at least 1000 times" in str(r.verdict)


@pytest.mark.parametrize(
    ("strategy", "choices", "parameters"),
    [
        ("SMA", {}, ["fast_period", "slow_period"]),
        ("EMA", {}, ["fast_period", "slow_period"]),
        ("macd", {"signal": [5, 9]}, ["fast_period", "slow_period", "signal_period"]),
        ("RSI", {}, ["fast_period", "slow_period"]),
        ("RSI", {"slow": None}, ["fast_period"]),
    ],
)
def test_every_strategy_sweeps(strategy, choices, parameters):
    r = sy.sweep(waves(500), strategy, **({"fast": [4, 8, 12], "slow": [20, 30]} | choices))
    assert [name for name in r.table.columns if name.endswith("_period")] == parameters
    assert (r.table["total_trades"] > 0).any()


def test_prices_may_come_as_an_array_a_list_a_pandas_series_or_a_price_series():
    close = noise(800)
    dated = pd.Series(close, index=pd.bdate_range("2020-01-01", periods=800), name="ABC")
    results = [small_sweep(given) for given in (close, close.tolist(), dated, PriceSeries("ABC", close))]
    assert len({tuple(r.table["sharpe_ratio"]) for r in results}) == 1
    assert [r.series.symbol for r in results] == ["series", "series", "ABC", "ABC"]
    assert results[2].walk_forward["test_to"].iloc[-1] == dated.index[-1]


def test_days_of_seven_day_markets_make_a_year_of_365():
    close = noise(400)
    daily, business = (pd.Series(close, index=pd.date_range("2020-01-01", periods=400, freq=freq)) for freq in "DB")
    assert small_sweep(daily).metadata["periods_per_year"] == 365
    assert small_sweep(business).metadata["periods_per_year"] == 252
    assert small_sweep(daily, periods_per_year=252).metadata["periods_per_year"] == 252


def test_a_year_s_periods_annualise_ratios_and_returns_alike():
    close = noise(400)
    year, quarter = (small_sweep(close, periods_per_year=periods).table for periods in (252, 63))
    merged = year.merge(quarter, on=["fast_period", "slow_period"], suffixes=("", "_quarter"))
    assert merged["sharpe_ratio"].to_numpy() == pytest.approx(2 * merged["sharpe_ratio_quarter"].to_numpy())
    growth = 1 + merged["annualized_return_quarter"].to_numpy() / 100
    assert 1 + merged["annualized_return"].to_numpy() / 100 == pytest.approx(growth**4)


def test_the_same_sweep_again_gives_the_same_bytes_on_any_number_of_threads():
    close = noise(900, seed=5)
    first, second = (small_sweep(close, threads=threads) for threads in (1, 3))
    assert json.dumps(first.summary()) == json.dumps(second.summary())
    assert first.table.to_csv() == second.table.to_csv()


def test_chunks_change_nothing(monkeypatch):
    close = noise(900, seed=6)
    whole = small_sweep(close)
    monkeypatch.setattr(traded, "CHUNK_COMBINATIONS_MAX", 7)
    chunked = small_sweep(close)
    assert whole.table.to_csv() == chunked.table.to_csv()
    assert json.dumps(whole.summary()) == json.dumps(chunked.summary())


@pytest.mark.parametrize("scheme", ["anchored", "rolling"])
def test_changing_the_future_never_moves_the_past(scheme):
    close = noise(1000, seed=9)
    before = small_sweep(close, scheme=scheme).walk
    for number in range(1, len(before.folds)):
        now = int(before.folds["test_end"].iloc[number - 1])
        changed = close.copy()
        changed[now:] = close[now - 1] * np.exp(np.random.default_rng(number).normal(0.01, 0.05, 1000 - now).cumsum())
        after = small_sweep(changed, scheme=scheme).walk
        pd.testing.assert_frame_equal(before.folds.head(number), after.folds.head(number))
        seen = now - before.first_bar
        assert after.returns[:seen].tolist() == before.returns[:seen].tolist()
        assert after.returns.tolist() != before.returns.tolist()


def test_the_out_of_sample_row_compounds_the_folds():
    r = small_sweep(noise(1000, seed=2))
    growth = np.prod(1 + r.walk_forward["out_of_sample_return_pct"] / 100)
    assert r.out_of_sample["total_return_pct"] == pytest.approx((growth - 1) * 100)
    held = np.prod(1 + r.walk_forward["buy_and_hold_return_pct"] / 100)
    assert r.out_of_sample["buy_and_hold_return_pct"] == pytest.approx((held - 1) * 100)


def test_each_fold_holds_the_combination_with_the_best_sharpe_ratio_of_its_training():
    close = noise(1000, seed=4)
    r = small_sweep(close, fee=0.0)
    fold = r.walk_forward.iloc[2]
    combinations = enumerate_combinations(range(3, 30, 3), range(20, 101, 10))
    sharpes = []
    for number in range(len(combinations)):
        tested = run_backtest(close, None, Strategy.SMA, combinations[number : number + 1], Execution(fee=0.0))
        returns = tested.returns[int(fold["train_start"]) : int(fold["train_end"])]
        sharpes.append(returns.mean() / returns.std(ddof=1))
    best = int(np.argmax(sharpes))
    assert (combinations.fast[best], combinations.slow[best]) == (fold["fast_period"], fold["slow_period"])
    assert fold["in_sample_sharpe"] == pytest.approx(sharpes[best] * math.sqrt(252))


def test_waves_that_can_be_timed_hold_up_and_noise_does_not():
    good, bad = small_sweep(waves(), rank_by="sharpe_ratio"), small_sweep(noise(2000), rank_by="sharpe_ratio")
    assert good.deflated_sharpe > 0.95
    assert good.pbo < 0.2
    assert good.verdict.level == "holds_up"
    assert bad.deflated_sharpe < 0.95
    assert bad.verdict.level != "holds_up"


def test_a_rising_price_alone_is_no_evidence_of_timing():
    r = small_sweep(noise(2000, seed=1, drift=0.002))
    assert r.luck.over_cash is not None
    assert r.luck.over_cash.probability > 0.95
    assert r.deflated_sharpe < 0.95


def test_a_short_series_is_swept_but_not_judged():
    r = sy.sweep(noise(120), fast=[3, 5], slow=[10, 20])
    assert math.isnan(r.deflated_sharpe)
    assert math.isnan(r.pbo)
    assert r.verdict.level == "not_tested"
    assert r.summary()["deflated_sharpe"] is None


def test_a_history_too_short_to_walk_forward_says_so():
    r = sy.sweep(noise(400), fast=[5], slow=[150, 250])
    assert r.walk_forward.empty
    assert r.out_of_sample.drop(["folds", "bars"]).isna().all()
    assert "too short for a walk-forward" in str(r.verdict)


def test_one_combination_is_a_sweep_without_a_choice():
    r = sy.sweep(waves(), fast=10, slow=40)
    assert len(r.table) == 1
    assert math.isnan(r.pbo)
    assert r.deflated_sharpe > 0.5
    assert "One combination was tried" in str(r.verdict)


def test_a_price_that_never_moves_trades_nothing_and_proves_nothing():
    r = small_sweep(np.full(500, 10.0))
    assert (r.table["total_trades"] == 0).all()
    assert (r.table["score"] == 0).all()
    assert r.verdict.level == "not_tested"


def test_above_a_named_limit_luck_is_examined_on_a_sample_and_the_verdict_says_so(monkeypatch):
    monkeypatch.setattr(luck, "TRIALS_MAX", 20)
    r = small_sweep(noise(900))
    assert (r.luck.examined, r.luck.combinations) == (20, len(r.table))
    assert "even sample of 20 of the 78 combinations" in str(r.verdict)


def test_progress_rises_from_chunk_to_chunk_to_one(monkeypatch):
    monkeypatch.setattr(traded, "CHUNK_COMBINATIONS_MAX", 10)
    told: list[float] = []
    small_sweep(noise(), progress=told.append)
    assert told == sorted(told)
    assert len(told) == 9
    assert (0 < told[0] < 0.2, told[-1]) == (True, 1.0)


def test_a_cancelled_sweep_stops_at_the_next_chunk(monkeypatch):
    monkeypatch.setattr(traded, "CHUNK_COMBINATIONS_MAX", 10)
    told: list[float] = []
    with pytest.raises(CancelledError, match="after 20 of 78 combinations"):
        small_sweep(noise(), progress=told.append, cancelled=lambda: len(told) == 2)


def test_what_a_result_depends_on_is_written_into_it():
    close = noise(500)
    first, second = small_sweep(close), small_sweep(close, fee=0.002)
    assert first.metadata["parameters_hash"] != second.metadata["parameters_hash"]
    assert first.metadata["data"] == second.metadata["data"]
    assert first.metadata["data"]["prices_hash"] != small_sweep(close * 1.001).metadata["data"]["prices_hash"]
    assert first.metadata["execution"]["fee"] == 0.001
    assert first.metadata["engine_version"] == sy.__version__


def bad(position, value):
    close = noise(500)
    close[position] = value
    return close


def dated(order):
    return pd.Series(noise(500), index=pd.bdate_range("2020-01-01", periods=500)[order])


@pytest.mark.parametrize(
    ("close", "code", "words"),
    [
        ([], "EMPTY_SERIES", "no prices"),
        (bad(7, math.nan), "NOT_A_NUMBER", "bar 7"),
        (bad(8, math.inf), "NOT_A_NUMBER", "inf"),
        (bad(9, 0.0), "NOT_POSITIVE", "bar 9"),
        (bad(9, -1.5), "NOT_POSITIVE", "-1.5"),
        (noise(50), "TOO_SHORT", "50 bars"),
        (dated([1, 0, *range(2, 500)]), "NOT_SORTED", "bar 1"),
        (dated([0, 0, *range(2, 500)]), "DUPLICATE_TIMESTAMP", "2020-01-01"),
        (noise(500).reshape(2, 250).T, "NOT_ONE_DIMENSIONAL", r"\(250, 2\)"),
        (["a"] * 500, "NOT_A_NUMBER", "numbers"),
    ],
)
def test_bad_prices_are_refused_with_the_bar_and_the_value(close, code, words):
    with pytest.raises(InvalidInputError, match=words) as refused:
        small_sweep(close)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("choices", "code", "words"),
    [
        ({"strategy": "SMB"}, "UNKNOWN_STRATEGY", "'SMB'; it is one of SMA, EMA, MACD, RSI"),
        ({"fast": range(100, 5)}, "REVERSED_RANGE", "range"),
        ({"fast": []}, "EMPTY_RANGE", "fast"),
        ({"fast": 0}, "OUT_OF_RANGE", "`fast` was 0"),
        ({"fast": [50], "slow": [20, 50]}, "NO_VALID_COMBINATION", "fast < slow"),
        ({"slow": None}, "EMPTY_RANGE", "`slow` was None"),
        ({"fee": -0.1}, "OUT_OF_RANGE", "-0.1"),
        ({"slippage_bp": math.nan}, "OUT_OF_RANGE", "nan"),
        ({"fill": "tomorrow"}, "UNKNOWN_FILL", "tomorrow"),
        ({"fill": "next_open"}, "NO_OPEN_PRICES", "open"),
        ({"rank_by": "beauty"}, "UNKNOWN_RANKING", "beauty"),
        ({"min_trades": -1}, "OUT_OF_RANGE", "`min_trades` was -1"),
        ({"periods_per_year": 0}, "OUT_OF_RANGE", "`periods_per_year` was 0"),
        ({"purge": 3}, "OUT_OF_RANGE", "`purge` was 3"),
        ({"folds": 0}, "OUT_OF_RANGE", "`folds` was 0"),
        ({"scheme": "sideways"}, "UNKNOWN_SCHEME", "sideways"),
        ({"threads": 0}, "OUT_OF_RANGE", "`threads` was 0"),
    ],
)
def test_a_bad_parameter_is_refused_by_its_name_and_value(choices, code, words):
    with pytest.raises(InvalidInputError, match=words) as refused:
        sy.sweep(noise(500), **({"fast": [5, 10], "slow": [20, 50]} | choices))
    assert refused.value.code == code


def test_more_combinations_than_fit_are_refused_before_any_work():
    with pytest.raises(TooLargeError, match="at most 500,000") as refused:
        sy.sweep(noise(500), fast=range(1, 2000), slow=range(1, 2000))
    assert refused.value.code == "TOO_MANY_COMBINATIONS"
