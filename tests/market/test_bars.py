"""A price series: what it holds, and what it refuses to hold."""

import numpy as np
import pandas as pd
import pytest

from steelyard.core.errors import InvalidInputError
from steelyard.market.bars import PriceSeries


def test_a_plain_array_becomes_a_series_of_daily_bars():
    series = PriceSeries.from_array([1, 2, 3])
    assert (series.symbol, len(series), series.periods_per_year) == ("series", 3, 252.0)
    assert series.close.dtype == np.float64
    assert series.timestamps is None


def test_a_pandas_series_brings_its_times_along_in_utc():
    index = pd.date_range("2024-03-08", periods=3, tz="America/New_York")
    series = PriceSeries.from_array(pd.Series([1.0, 2.0, 3.0], index))
    assert series.timestamps is not None
    assert series.timestamps.tolist() == index.tz_convert("UTC").tz_localize(None).to_numpy("datetime64[ns]").tolist()


def test_a_pandas_series_that_only_counts_has_no_times():
    assert PriceSeries.from_array(pd.Series([1.0, 2.0])).timestamps is None


def test_nobody_can_change_the_prices_of_a_series_and_the_given_array_stays_writeable():
    given = np.array([1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        PriceSeries.from_array(given).close[0] = 9
    given[0] = 9


def test_a_part_has_the_bars_asked_for_and_the_facts_of_the_whole():
    times = np.arange("2020-01-01", "2020-01-05", dtype="datetime64[D]")
    whole = PriceSeries("X", np.array([1.0, 2, 3, 4]), times, np.array([5.0, 6, 7, 8]), calendar="24/7", synthetic=True)
    part = whole.rows(1, 3)
    assert part.open is not None
    assert part.timestamps is not None
    assert (part.close.tolist(), part.open.tolist()) == ([2, 3], [6, 7])
    assert part.timestamps.astype("datetime64[D]").tolist() == times[1:3].tolist()
    assert (part.calendar, part.synthetic) == ("24/7", True)


@pytest.mark.parametrize(
    ("close", "code"),
    [([[1.0, 2.0]], "NOT_ONE_DIMENSIONAL"), (3.0, "NOT_ONE_DIMENSIONAL"), (["a", "b"], "NOT_A_NUMBER")],
)
def test_what_is_no_row_of_numbers_is_refused(close, code):
    with pytest.raises(InvalidInputError) as refusal:
        PriceSeries.from_array(close)
    assert refusal.value.code == code


def test_times_must_be_as_many_as_prices():
    with pytest.raises(InvalidInputError, match="`timestamps` of X has 1 values, `close` has 2"):
        PriceSeries("X", np.ones(2), np.array(["2020-01-01"], dtype="datetime64[D]"))


@pytest.mark.parametrize("periods", [0.0, -1.0, float("nan"), float("inf")])
def test_a_year_has_a_positive_number_of_bars(periods):
    with pytest.raises(InvalidInputError, match=f"was {periods}"):
        PriceSeries.from_array([1.0], periods_per_year=periods)
