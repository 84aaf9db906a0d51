"""Defects of prices: each has its name, its bar, its time and its value."""

from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.core.clock import frozen_at
from steelyard.core.errors import InvalidInputError
from steelyard.market.quality import DEFECTS_PER_CODE_MAX, check_prices, find_defects

DAYS = ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08"]  # Tuesday .. Monday, all sessions


def bars(close, days=DAYS, **columns):
    times = pd.to_datetime(pd.Series(days), format="ISO8601").to_numpy("datetime64[ns]")
    return pd.DataFrame({"ts": times, "close": np.asarray(close, dtype=float), **columns})


GOOD = [10.0, 11.0, 12.0, 11.0, 10.0]


def refusal_of(close, times=None, bars_minimum=1):
    with pytest.raises(InvalidInputError) as refusal:
        check_prices(close, times, symbol="ACME", bars_minimum=bars_minimum)
    return refusal.value


@pytest.mark.parametrize(
    ("bad", "code"),
    [(float("nan"), "NOT_A_NUMBER"), (float("inf"), "NOT_A_NUMBER"), (0.0, "NOT_POSITIVE"), (-2.5, "NOT_POSITIVE")],
)
def test_a_bad_price_is_named_with_its_bar_time_and_value(bad, code):
    error = refusal_of([10, 11, bad, 12, 13], np.array(DAYS, dtype="datetime64[D]"))
    assert error.code == code
    assert "ACME: close of bar 2 (2024-01-04) was " + str(bad) in error.message
    assert (error.details["bar"], error.details["time"]) == (2, "2024-01-04")


def test_a_bad_price_without_times_is_named_by_its_bar():
    assert refusal_of([1.0, 0.0]).message == "ACME: close of bar 1 was 0.0; prices are above 0."


@pytest.mark.parametrize(
    ("days", "code", "bar"),
    [
        (["2024-01-02", "2024-01-04", "2024-01-03"], "NOT_SORTED", 2),
        (["2024-01-02", "2024-01-03", "2024-01-03"], "DUPLICATE_TIMESTAMP", 2),
        (["2024-01-02", "NaT", "2024-01-03"], "NOT_A_TIME", 1),
        (["NaT"], "NOT_A_TIME", 0),
    ],
)
def test_bad_times_are_named_with_their_bar(days, code, bar):
    error = refusal_of(np.ones(len(days)), np.array(days, dtype="datetime64[D]"))
    assert (error.code, error.details["bar"]) == (code, bar)
    assert f"bar {bar}" in error.message


def test_times_of_the_day_are_written_with_seconds():
    times = np.array(["2024-01-02T14:30", "2024-01-02T14:30"], dtype="datetime64[s]")
    assert "2024-01-02T14:30:00Z" in refusal_of([1.0, 2.0], times).message


def test_an_empty_series_is_refused_before_anything_else():
    assert refusal_of([], bars_minimum=5).code == "EMPTY_SERIES"


def test_a_short_series_says_how_much_it_has_and_needs():
    error = refusal_of([1.0, 2.0, 3.0], bars_minimum=4)
    assert error.code == "TOO_SHORT"
    assert "ACME has 3 bars; at least 4 are needed" in error.message
    check_prices([1.0, 2.0, 3.0], symbol="ACME", bars_minimum=3)


@given(st.lists(st.floats(1e-9, 1e12), min_size=1, max_size=50))
def test_finite_positive_prices_pass(close):
    check_prices(close, symbol="ACME", bars_minimum=len(close))


@given(st.lists(st.integers(0, 30), min_size=2, max_size=12))
def test_times_pass_exactly_when_each_is_later_than_the_one_before(days):
    times = np.datetime64("2024-01-01") + np.array(days)
    if all(a < b for a, b in pairwise(days)):
        check_prices(np.ones(len(days)), times, symbol="ACME", bars_minimum=1)
    else:
        expected = "NOT_SORTED" if days != sorted(days) else "DUPLICATE_TIMESTAMP"
        assert refusal_of(np.ones(len(days)), times).code == expected


def test_good_bars_have_no_defects():
    assert find_defects(bars(GOOD), calendar="XNYS") == []


def test_every_defect_of_a_bad_frame_is_listed_with_row_and_value():
    frame = bars([10, float("nan"), -3, 11, 12], ["2024-01-03", "2024-01-02", "2024-01-04", "2024-01-04", "2024-01-05"])
    found = {(defect.code, defect.row, str(defect.value), defect.severity) for defect in find_defects(frame)}
    assert found == {
        ("NOT_A_NUMBER", 1, "nan", "refuse"),
        ("NOT_POSITIVE", 2, "-3.0", "refuse"),
        ("NOT_SORTED", 1, "2024-01-02", "refuse"),
        ("DUPLICATE_TIMESTAMP", 3, "2024-01-04", "refuse"),
    }


@pytest.mark.parametrize("column", ["open", "high", "low"])
def test_every_price_column_is_looked_at(column):
    (defect,) = find_defects(bars(GOOD, **{column: [10.0, 0.0, 12.0, 11.0, 10.0]}))
    assert (defect.code, defect.row) == ("NOT_POSITIVE", 1)
    assert defect.sentence == f"{column} of bar 1 (2024-01-03) was 0.0; prices are above 0."


def test_a_high_below_its_low_is_told():
    (defect,) = find_defects(bars(GOOD, high=[10.0, 8.0, 12, 11, 10], low=[10.0, 9.0, 12, 11, 10]))
    assert (defect.code, defect.row, defect.value, defect.severity) == ("HIGH_BELOW_LOW", 1, 8.0, "note")


def test_a_session_that_is_missing_is_a_gap_but_a_weekend_or_a_holiday_is_not():
    days = ["2024-01-11", "2024-01-12", "2024-01-16", "2024-01-18", "2024-01-19"]  # the 15th is a holiday
    (gap,) = find_defects(bars(GOOD, days), calendar="XNYS")
    assert (gap.code, gap.row, gap.value, gap.severity) == ("GAP", 3, 1, "note")
    assert gap.sentence == "1 bar missing before bar 3 (2024-01-18) by the calendar XNYS."


def test_the_same_days_lack_weekends_where_trading_never_stops():
    assert [
        d.value
        for d in find_defects(bars(GOOD, ["2024-01-04", *DAYS[3:], "2024-01-09", "2024-01-10"]), calendar="24/7")
    ] == [2]


def test_a_jump_of_the_size_of_a_split_is_told_and_a_common_move_is_not():
    calm = 100 + np.tile([0.0, 1.0], 50)
    split = np.r_[calm[:60], calm[60:] / 4]
    days = np.arange("2024-01-01", "2024-04-10", dtype="datetime64[D]")
    assert find_defects(bars(calm, days)) == []
    (jump,) = find_defects(bars(split, days))
    assert (jump.code, jump.row, jump.value, jump.severity) == ("SPLIT_LIKE_JUMP", 60, 25.0, "note")


def test_in_a_wild_series_a_doubling_is_no_news():
    wild = np.tile([1.0, 2.0], 20)
    assert find_defects(bars(wild, np.arange("2024-01-01", "2024-02-10", dtype="datetime64[D]"))) == []


def test_a_bar_ahead_of_the_clock_is_refused_beyond_the_tolerance():
    frame = bars([10.0, 11.0], ["2024-01-02T12:00", "2024-01-02T12:05"])
    with frozen_at(datetime(2024, 1, 2, 12, 4, tzinfo=UTC)):
        assert find_defects(frame, clock_skew_tolerance_s=60) == []
        (defect,) = find_defects(frame, clock_skew_tolerance_s=59)
    assert (defect.code, defect.row, defect.value) == ("IN_THE_FUTURE", 1, "2024-01-02T12:05:00Z")


def test_the_list_is_bounded():
    count = DEFECTS_PER_CODE_MAX + 5
    frame = bars(np.zeros(count), np.datetime64("2010-01-01") + np.arange(count))
    assert len(find_defects(frame)) == DEFECTS_PER_CODE_MAX
