"""The kernel against a plain reference: every trade, every figure; and the laws it must obey on any prices."""

from dataclasses import fields
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.core.errors import InvalidInputError
from steelyard.research.backtest import run_backtest
from steelyard.research.execution import FILLS, Execution
from steelyard.research.kernel import Figures, simulate_combinations
from steelyard.research.strategies import Strategy, enumerate_combinations, level_rules
from tests.research import reference

EXACT = ("entries", "closed_trades", "winning_trades", "trade_bars_sum", "bars_in_market", "open_trade")
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
windows = st.sets(st.sampled_from([1, 2, 3, 5, 8, 20, 21, 63, 64, 65, 130]), min_size=2, max_size=5)


@st.composite
def tick_walks(draw, bars_max=1_500):
    """Whole ticks as prices come: quiet or wild, drifting, crashing, halted, and on coarse grids that make ties."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    bars = draw(st.integers(2, bars_max))
    drift = draw(st.sampled_from([0.0, 0.003, -0.003]))
    steps = rng.normal(drift, draw(st.sampled_from([0.001, 0.02, 0.1])), bars)
    steps[rng.random(bars) < draw(st.sampled_from([0.0, 0.0, 0.01]))] = -2.0
    steps[rng.random(bars) < draw(st.sampled_from([0.0, 0.5, 0.95]))] = 0.0
    logs = np.clip(np.cumsum(steps), -8, 8)
    return np.maximum(np.round(np.exp(logs) * 50 * draw(st.sampled_from([1, 100, 10_000]))), 1).astype(int)


@st.composite
def trials(draw):
    """A strategy with a few combinations of it."""
    strategy = draw(st.sampled_from(Strategy))
    chosen = draw(windows)
    if strategy is Strategy.RSI and draw(st.booleans()):
        return strategy, level_rules(chosen, lower=draw(st.sampled_from([20.0, 45.0])), upper=55.0)
    return strategy, enumerate_combinations(
        chosen, chosen, signal=draw(st.sets(st.sampled_from([1, 3, 9]), min_size=1))
    )


def opens_for(close):
    return np.concatenate([close[:1], (close[:-1] + 3 * close[1:]) / 4])


def assert_figures(figures: Figures, row: int, expected: dict[str, float]) -> None:
    # Sums whose terms cancel are as exact as their terms are large.
    slack = 1e-13 * (1 + expected["return_sum_sq"])
    for name in EXACT:
        assert getattr(figures, name)[row] == expected[name], name
    for name in FLOAT:
        assert getattr(figures, name)[row] == pytest.approx(expected[name], rel=1e-12, abs=slack), name


def assert_same(figures: Figures, others: Figures) -> None:
    for field in fields(Figures):
        np.testing.assert_array_equal(getattr(figures, field.name), getattr(others, field.name), field.name)


@given(tick_walks(), st.sampled_from([1.0, 100.0, 0.3]), trials(), executions)
def test_every_trade_and_figure_is_that_of_the_plain_reference(ticks, ticks_per_unit, trial, execution):
    strategy, combinations = trial
    close = ticks / ticks_per_unit
    opens = opens_for(close)
    fills = opens if execution.fill == "next_open" else close
    bounds = np.unique(np.linspace(len(close) // 9, len(close), 5).astype(int))
    figures = simulate_combinations(close, opens, strategy, combinations, execution, segments=bounds)
    assert figures.segment_sum is not None
    assert figures.segment_sum_sq is not None
    for row in range(len(combinations)):
        states = reference.states(strategy, ticks.tolist(), close.tolist(), combinations, row)
        if combinations.is_level_rule:
            states = reference.level_states(states, combinations, row, enter_on_warmup=execution.enter_on_warmup)
        account = reference.follow(states, close, fills, execution)
        assert_figures(figures, row, reference.figures(account))
        spans = [account.returns[start:stop] for start, stop in pairwise(bounds)]
        assert figures.segment_sum[row] == pytest.approx([r.sum() for r in spans], rel=1e-12, abs=1e-12)
        assert figures.segment_sum_sq[row] == pytest.approx([(r**2).sum() for r in spans], rel=1e-12, abs=1e-13)
        backtest = run_backtest(close, opens, strategy, combinations[row : row + 1], execution)
        assert [(trade.entry_bar, trade.exit_bar) for trade in backtest.trades] == account.trips
        np.testing.assert_allclose(backtest.equity, account.equity, rtol=1e-12)


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.sampled_from([0.0005, 0.002]), st.sampled_from([0.003, 0.01]))
def test_a_drawdown_within_a_trade_of_thousands_of_bars_is_found(seed, drift, noise):
    rng = np.random.default_rng(seed)
    close = 50 * np.exp(np.cumsum(rng.normal(drift, noise, 4_000)))
    close[100:104] *= 0.9
    combinations = enumerate_combinations([20], [400, 900])
    execution = Execution(enter_on_warmup=True)
    figures = simulate_combinations(close, None, Strategy.EMA, combinations, execution)
    for row in range(len(combinations)):
        states = reference.states(Strategy.EMA, [], close.tolist(), combinations, row)
        expected = reference.figures(reference.follow(states, close, close, execution))
        assert_figures(figures, row, expected)


def test_one_dark_bar_in_the_middle_of_a_long_closed_trade_is_found():
    """Its ends alone are no reason to look: the drawdown so far, of a dark bar in an earlier trade, is deeper."""
    steps = np.repeat([0.0, 0.0005, -0.0005, 0.0005, -0.0005], [500, 500, 500, 1_200, 500])
    close = 50 * np.exp(np.cumsum(steps))
    close[960] *= 0.5
    close[2_300] *= 0.4
    combinations = enumerate_combinations([20], [400])
    figures = simulate_combinations(close, None, Strategy.EMA, combinations, Execution())
    states = reference.states(Strategy.EMA, [], close.tolist(), combinations, 0)
    expected = reference.figures(reference.follow(states, close, close, Execution()))
    assert expected["closed_trades"] == 2
    assert expected["max_drawdown"] == pytest.approx(-0.6, abs=0.01)
    assert_figures(figures, 0, expected)


@given(tick_walks(bars_max=600), trials(), executions, st.data())
def test_a_changed_future_changes_nothing_of_the_past(ticks, trial, execution, data):
    strategy, combinations = trial
    close = ticks / 100
    known = data.draw(st.integers(1, len(close)))
    other = close.copy()
    other[known:] = np.random.default_rng(known).uniform(0.001, 900.0, len(close) - known)
    past = np.array([0, known])
    one, two = (
        simulate_combinations(c, opens_for(c), strategy, combinations, execution, segments=past) for c in (close, other)
    )
    assert one.segment_sum is not None
    assert two.segment_sum is not None
    np.testing.assert_array_equal(one.segment_sum, two.segment_sum)
    np.testing.assert_array_equal(one.segment_sum_sq, two.segment_sum_sq)
    lives = [
        run_backtest(c, opens_for(c), strategy, combinations[:1], execution) for c in (close, other, close[:known])
    ]
    for life in lives[1:]:
        np.testing.assert_array_equal(life.equity[:known], lives[0].equity[:known])
        np.testing.assert_array_equal(life.position[:known], lives[0].position[:known])


@given(tick_walks(bars_max=600), trials(), executions, st.integers(-30, 30))
def test_prices_in_another_power_of_two_give_the_same_bytes(ticks, trial, execution, power):
    strategy, combinations = trial
    close = ticks / 100
    one, two = (
        simulate_combinations(c, opens_for(c), strategy, combinations, execution) for c in (close, close * 2.0**power)
    )
    assert_same(one, two)


@given(tick_walks(bars_max=600), windows, executions, st.sampled_from([3.0, 0.7, 1e-6, 1e9]))
def test_the_currency_of_the_prices_moves_no_trade_of_simple_averages(ticks, chosen, execution, rate):
    combinations = enumerate_combinations(chosen, chosen)
    one, two = (
        simulate_combinations(c, opens_for(c), Strategy.SMA, combinations, execution)
        for c in (ticks / 100, ticks / 100 * rate)
    )
    np.testing.assert_array_equal(one.entries, two.entries)
    np.testing.assert_array_equal(one.trade_bars_sum, two.trade_bars_sum)


@given(tick_walks(bars_max=600), trials(), executions)
def test_threads_and_neighbours_change_no_byte_of_a_row(ticks, trial, execution):
    strategy, combinations = trial
    close = ticks / 100
    bounds = np.array([0, 1, len(close)])
    args = close, opens_for(close), strategy
    one = simulate_combinations(*args, combinations, execution, segments=bounds)
    for threads in (2, 4):
        assert_same(one, simulate_combinations(*args, combinations, execution, segments=bounds, threads=threads))
    alone = simulate_combinations(*args, combinations[-1:], execution, segments=bounds)
    for field in fields(Figures):
        np.testing.assert_array_equal(getattr(alone, field.name)[0], getattr(one, field.name)[-1], field.name)


def test_ties_stay_ties_late_in_a_long_series_of_dear_prices():
    """Half a million bars of prices near 10 million ticks, in steps that make the averages meet often."""
    rng = np.random.default_rng(7)
    ticks = 9_999_990 + rng.integers(0, 3, 500_000)
    combinations = enumerate_combinations([2, 4], [8, 100])
    figures = simulate_combinations(ticks / 100, None, Strategy.SMA, combinations, Execution(fee=0.0))
    sums = np.concatenate([[0], np.cumsum(ticks)])
    for row, (fast, slow) in enumerate(zip(combinations.fast, combinations.slow, strict=True)):
        above = (sums[slow:] - sums[slow - fast : -fast]) * slow > (sums[slow:] - sums[:-slow]) * fast
        assert figures.entries[row] == (above[1:] & ~above[:-1]).sum()


@pytest.mark.parametrize("strategy", Strategy)
@pytest.mark.parametrize("price", [100.0, 0.1, 1 / 3, 123.456789012345, 7e-9, 1e15])
def test_a_price_that_never_moves_is_never_bought(strategy, price):
    combinations = enumerate_combinations([1, 2, 7, 33], [8, 64, 200])
    figures = simulate_combinations(np.full(700, price), None, strategy, combinations, Execution(enter_on_warmup=True))
    assert figures.entries.sum() == 0
    assert (figures.final_equity == 1.0).all()
    assert (figures.max_drawdown == 0.0).all()


def test_figures_stay_exact_after_a_crash_to_a_millionth_and_back():
    rng = np.random.default_rng(3)
    ticks = np.round(1e8 * np.exp(np.cumsum(rng.normal(0, 0.01, 3_000)))).astype(int)
    ticks[500:503] //= 1_000_000
    close = ticks / 100
    combinations = enumerate_combinations([5, 20], [30, 60])
    figures = simulate_combinations(close, None, Strategy.SMA, combinations, Execution())
    for row in range(len(combinations)):
        states = reference.states(Strategy.SMA, ticks.tolist(), close.tolist(), combinations, row)
        expected = reference.figures(reference.follow(states, close, close, Execution()))
        for name in FLOAT:
            assert getattr(figures, name)[row] == pytest.approx(expected[name], rel=1e-12), name


@pytest.mark.parametrize("bars", [1, 2, 63, 64, 65, 1_024, 1_025])
def test_a_series_of_any_length_can_be_walked(bars):
    close = np.linspace(10.0, 20.0, bars)
    figures = simulate_combinations(close, None, Strategy.SMA, enumerate_combinations([1], [2, 5_000]), Execution())
    assert figures.entries.tolist() == [0, 0]


def test_read_only_prices_are_taken_as_they_are():
    close = np.linspace(10.0, 20.0, 100)[::-1]
    close.flags.writeable = False
    figures = simulate_combinations(close, None, Strategy.SMA, enumerate_combinations([2], [5]), Execution())
    assert len(figures.entries) == 1


@pytest.mark.parametrize(
    ("change", "code", "value"),
    [
        ({"close": np.array([])}, "EMPTY_SERIES", "0 bars"),
        ({"execution": Execution(fill="next_open")}, "NO_OPEN_PRICES", "missing"),
        ({"execution": Execution(fill="next_open"), "open_": np.ones(3)}, "NO_OPEN_PRICES", "3 long"),
        ({"segments": np.array([0, 50, 50])}, "OUT_OF_RANGE", "[0, 50, 50]"),
        ({"segments": np.array([0, 101])}, "OUT_OF_RANGE", "[0, 101]"),
        ({"threads": 0}, "OUT_OF_RANGE", "was 0"),
        ({"threads": 257}, "OUT_OF_RANGE", "was 257"),
    ],
)
def test_a_call_that_makes_no_sense_is_refused_with_the_value(change, code, value):
    call = {
        "close": np.linspace(10.0, 20.0, 100),
        "open_": None,
        "strategy": Strategy.SMA,
        "combinations": enumerate_combinations([2], [5]),
        "execution": Execution(),
    }
    with pytest.raises(InvalidInputError) as refusal:
        simulate_combinations(**{**call, **change})
    assert refusal.value.code == code
    assert value in refusal.value.message


def test_a_backtest_follows_exactly_one_combination():
    with pytest.raises(InvalidInputError, match="held 2 combinations"):
        run_backtest(np.ones(9), None, Strategy.SMA, enumerate_combinations([2], [3, 4]), Execution())
