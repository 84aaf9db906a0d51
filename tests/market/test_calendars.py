"""Calendars: bars in a year, the spacing of bars, and gaps."""

import exchange_calendars
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.core.errors import InvalidInputError
from steelyard.market.calendars import bar_spacing_s, find_gaps, periods_per_year


def every(step, start, stop):
    return np.arange(start, stop, np.timedelta64(*step), dtype="datetime64[ns]")


def session_minutes(calendar, first, last, minutes=1):
    """Bars of an exchange stamped by their start, as the calendar library itself lists them."""
    hours = exchange_calendars.get_calendar(calendar, start=first, end=last, side="left")
    bars = [
        hours.session_minutes(day)[::minutes].tz_localize(None).to_numpy("datetime64[ns]") for day in hours.sessions
    ]
    return np.concatenate(bars)


@pytest.mark.parametrize(
    ("calendar", "times", "expected"),
    [
        ("24/7", every((1, "D"), "2023-01-01", "2024-01-01"), 365),
        ("24/7", every((1, "h"), "2023-01-01", "2023-02-01"), 8_760),
        ("24/7", every((1, "m"), "2023-01-01", "2023-01-08"), 525_600),
        ("24/7", every((7, "D"), "2020-01-01", "2023-01-01"), 52),
        ("XNYS", every((1, "D"), "2023-01-02", "2023-01-07"), 252),
        ("XNYS", every((7, "D"), "2020-01-03", "2023-01-01"), 52),
        ("XNYS", np.arange("2010-01", "2020-01", dtype="datetime64[M]").astype("datetime64[ns]"), 12),
        ("XNYS", np.arange("1980", "2020", dtype="datetime64[Y]").astype("datetime64[ns]"), 1),
    ],
)
def test_a_year_has_the_bars_of_its_calendar(calendar, times, expected):
    assert periods_per_year(calendar, times) == expected


@pytest.mark.parametrize(
    ("calendar", "minutes", "per_session"), [("XNYS", 1, 390), ("XNYS", 60, 7), ("XHKG", 1, 330), ("XLON", 30, 17)]
)
def test_intraday_bars_of_an_exchange_are_those_of_a_usual_session(calendar, minutes, per_session):
    times = session_minutes(calendar, "2023-11-01", "2023-12-29", minutes)  # short sessions among them
    assert periods_per_year(calendar, times) == 252 * per_session


def test_the_spacing_is_the_commonest_one_whatever_is_missing():
    times = every((1, "h"), "2023-01-01", "2023-01-03")
    assert bar_spacing_s(np.delete(times, [3, 9, 10])) == 3_600
    assert bar_spacing_s(times[:1]) == 86_400


@pytest.mark.parametrize("calendar", ["XNYS", "XHKG", "24/7"])
@pytest.mark.parametrize("minutes", [1, 30])
def test_a_complete_series_has_no_gaps_over_nights_weekends_lunches_and_short_sessions(calendar, minutes):
    assert list(find_gaps(session_minutes(calendar, "2023-12-15", "2024-01-10", minutes), calendar)) == []


@pytest.mark.parametrize("calendar", ["XNYS", "XHKG", "24/7"])
@given(first=st.integers(1, 1_000), count=st.integers(1, 400))
def test_minutes_taken_out_anywhere_are_counted_to_the_bar(calendar, first, count):
    times = MINUTES[calendar]
    (gap,) = find_gaps(np.delete(times, slice(first, first + count)), calendar)
    assert (gap.row, gap.missing) == (first, count)


MINUTES = {name: session_minutes(name, "2024-01-02", "2024-01-09") for name in ("XNYS", "XHKG", "24/7")}


@given(st.sets(st.integers(1, 250), min_size=1, max_size=20))
def test_sessions_taken_out_are_counted_to_the_day(missing):
    days = DAYS[np.isin(np.arange(len(DAYS)), list(missing), invert=True)]
    gaps = list(find_gaps(days, "XNYS"))
    assert sum(gap.missing for gap in gaps) == len(missing)
    assert all(
        days[gap.row - 1] < DAYS[row]
        for gap in gaps
        for row in missing
        if days[gap.row] > DAYS[row] > days[gap.row - 1]
    )


DAYS = exchange_calendars.get_calendar("XNYS", start="2022-01-01", end="2023-12-31").sessions.to_numpy("datetime64[ns]")


def test_monthly_bars_have_no_gaps():
    assert (
        list(find_gaps(np.arange("2010-01", "2012-01", dtype="datetime64[M]").astype("datetime64[ns]"), "XNYS")) == []
    )


def test_an_unknown_calendar_is_refused_with_its_neighbours():
    with pytest.raises(InvalidInputError, match=r"`calendar` was 'XNYC'; .*XNYS") as refusal:
        periods_per_year("XNYC", DAYS)
    assert refusal.value.code == "UNKNOWN_CALENDAR"


def test_years_that_a_calendar_does_not_cover_are_refused():
    with pytest.raises(InvalidInputError, match="does not cover 1870-01-01") as refusal:
        list(find_gaps(np.arange("1870-01-01", "1870-01-10", dtype="datetime64[D]").astype("datetime64[ns]"), "XBOM"))
    assert refusal.value.code == "CALENDAR_RANGE"
