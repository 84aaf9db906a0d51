"""What pages show of a stored sweep: the same figures, redrawn, and a refusal where the prices have changed."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.core.errors import DataIntegrityError, NotFoundError
from steelyard.infra.database import Database
from steelyard.market.bars import PriceSeries
from steelyard.market.loading import load_prices
from steelyard.research import service, store, views
from steelyard.research.backtest import run_backtest
from steelyard.research.execution import Execution
from steelyard.research.schemas import SweepRequest
from steelyard.research.strategies import Combinations, Strategy
from steelyard.research.sweep import sweep_series

REQUEST = {"ticker": "KO", "fast_range": [5, 15], "slow_range": [20, 40], "step": 5, "min_trades": 10}


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=300), st.integers(4, 50))
def test_a_thinned_curve_keeps_its_ends_and_its_extremes_within_its_limit(values, points):
    array = np.array(values)
    bars = views.thinned(array, points)
    assert bars[0] == 0
    assert bars[-1] == len(array) - 1
    assert (np.diff(bars) > 0).all()
    assert array[bars].min() == array.min()
    assert array[bars].max() == array.max()
    assert len(bars) <= max(points, 2) or len(array) <= points


def test_a_curve_ends_where_the_backtest_ends_and_marks_its_trades():
    close = 100 * np.exp(np.cumsum(np.random.default_rng(5).normal(0, 0.02, 5_000)))
    times = np.arange("2001-01-01", 5_000, dtype="datetime64[D]").astype("datetime64[ns]")
    series = PriceSeries("X", close, times)
    one = Combinations(np.array([10]), np.array([40]), np.array([9]))
    tested = run_backtest(close, None, Strategy.SMA, one, Execution())
    curve = views.curve(series, tested, [{"test_start": 2_500, "test_end": 5_000}])
    assert curve["equity"][-1] == tested.equity[-1]
    assert curve["buy_and_hold"][-1] == close[-1] / close[0]
    assert min(curve["drawdown_pct"]) == pytest.approx(
        (tested.equity / np.maximum.accumulate(tested.equity) - 1).min() * 100, rel=0.2
    )
    assert len(curve["entries"]) == len(tested.trades)
    assert curve["x"][0] == np.datetime64("2001-01-01").astype("datetime64[ms]").astype(int)
    assert curve["out_of_sample"] == [
        [float(times[bar].astype("datetime64[ms]").astype(int)) for bar in (2_500, 4_999)]
    ]
    rows = views.trade_rows(series, tested)
    assert [row["number"] for row in rows] == list(range(len(tested.trades), 0, -1))
    assert rows[-1]["entry"] == str(times[tested.trades[0].entry_bar].astype("datetime64[D]"))


@pytest.fixture(
    scope="module", params=[{}, {"strategy_type": "MACD", "signal_range": [5, 10]}, {"strategy_type": "RSI"}]
)
def swept(request, tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("data")
    asked = SweepRequest.model_validate(REQUEST | request.param)
    plan = service.plan_sweep(asked, data_dir=data_dir)
    return data_dir, asked, sweep_series(plan.series[0], plan.specs[0], threads=1)


@pytest.fixture
async def stored(database: Database, swept):
    data_dir, asked, result = swept
    run = store.SweepRun(
        id="run_1", tenant="acme", job_id="job_1", ticker="KO", strategy_type=asked.strategy_type,
        parameters=asked.model_dump(mode="json"),
        combinations=len(result.table), execution_time_seconds=0.1, created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    ticker = store.SweepTicker(run_id="run_1", ticker="KO", position=0, summary=result.summary())
    async with database.transaction() as session:
        await store.save_run(session, run, [ticker], service.result_rows("run_1", result))
    return database, run, ticker, data_dir


async def test_every_combination_is_a_cell_and_can_be_found_by_its_windows(stored):
    database, run, _ticker, _data_dir = stored
    async with database.reading() as session:
        cells = await views.cells(session, "run_1", "KO", "sharpe_ratio")
        rows = await store.results(session, "run_1", ticker="KO", limit=1000)
        for row in rows:
            assert await views.combination(session, "run_1", "KO", views.Windows.of(row)) == row
        with pytest.raises(NotFoundError, match="6 / 20 was not swept"):
            await views.combination(session, "run_1", "KO", views.Windows(6, 20, None))
        signals = await views.signals_of(session, "run_1", "KO")
        of_signals = [await views.cells(session, "run_1", "KO", "score", signal=signal) for signal in signals]
    assert signals == ([5, 10] if run.strategy_type == "MACD" else [])
    assert not signals or sum(map(len, of_signals)) == len(cells)
    assert sorted((c["fast_period"], c["slow_period"], c["sharpe_ratio"]) for c in cells) == sorted(
        (r["fast_period"], r["slow_period"], r["sharpe_ratio"]) for r in rows
    )


async def test_runs_come_with_their_tickers_and_only_those_of_the_tenant(stored):
    database, _run, _ticker, _data_dir = stored
    async with database.reading() as session:
        (line,) = await views.run_lines(session, "acme", limit=10)
        assert [ticker.ticker for ticker in line.tickers] == ["KO"]
        assert await views.run_lines(session, "other", limit=10) == []
        assert [await views.count_runs(session, tenant) for tenant in ("acme", "other")] == [1, 0]


async def test_a_replay_agrees_with_the_stored_row_and_refuses_prices_that_have_changed(stored):
    database, run, ticker, data_dir = stored
    async with database.reading() as session:
        rows = await store.results(session, "run_1", ticker="KO", limit=1000)
    for row in rows:
        found = views.replay(run.parameters, ticker.summary, row, data_dir=data_dir)
        assert (found["equity"][-1] - 1) * 100 == pytest.approx(row["total_return_pct"], rel=1e-9)
        assert len(found["trades"]) == row["total_trades"]
    changed = {**rows[0], "total_return_pct": rows[0]["total_return_pct"] + 1}
    with pytest.raises(DataIntegrityError, match="the prices of KO have changed since this sweep"):
        views.replay(run.parameters, ticker.summary, changed, data_dir=data_dir)


async def test_a_report_is_made_again_and_refused_where_the_prices_have_changed(stored):
    _database, run, ticker, data_dir = stored
    assert len(load_prices("KO", data_dir=data_dir)) == ticker.summary["metadata"]["data"]["bars"]
    assert b"KO" in views.report(run, ticker, data_dir=data_dir)
    summary = {**ticker.summary, "metadata": {"data": {"prices_hash": "sha256:other"}}}
    other = store.SweepTicker(run_id="run_1", ticker="KO", position=0, summary=summary)
    with pytest.raises(DataIntegrityError, match="expected sha256:other"):
        views.report(run, other, data_dir=data_dir)
