"""Trading calendars: which bars a series should have, and how many of them make a year.

The days and hours come from ``exchange_calendars``, named by their market codes (``XNYS``, ``24/7``).
A year has 365 trading days where trading never stops and 252 on an exchange, so that figures of
different years and exchanges compare; intraday, times the bars of a usual session.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from steelyard.core.errors import InvalidInputError
from steelyard.market.bars import Floats, Times

if TYPE_CHECKING:
    import pandas as pd

ALWAYS_OPEN = "24/7"
TRADING_DAYS = {ALWAYS_OPEN: 365.0}
EXCHANGE_TRADING_DAYS = 252.0
DAY_S = 86_400.0
_LONGER_SPACINGS = ((6.0, 8.0, 52.0), (27.0, 32.0, 12.0), (85.0, 95.0, 4.0), (350.0, 380.0, 1.0))
"""Bars of several days: from, to (days between them), periods per year."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Bars that the calendar expects and the series lacks.

    Attributes:
        row: the bar after the gap.
        missing: how many are.
    """

    row: int
    missing: int


def bar_spacing_s(times: Times) -> float:
    """The commonest time between neighbouring bars, seconds; a day where there are not two bars.

    Args:
        times: strictly increasing, shape (T,).
    """
    if len(times) < 2:
        return DAY_S
    spacings, counts = np.unique(np.diff(times), return_counts=True)
    return float(spacings[counts.argmax()] / np.timedelta64(1, "s"))


def periods_per_year(calendar: str, times: Times) -> float:
    """Bars in a year of this calendar at the spacing of these times.

    Raises:
        InvalidInputError: UNKNOWN_CALENDAR.
    """
    spacing_s = bar_spacing_s(times)
    check_calendar(calendar)
    days = TRADING_DAYS.get(calendar, EXCHANGE_TRADING_DAYS)
    if spacing_s == DAY_S:
        return days
    if spacing_s < DAY_S:
        return days * math.ceil(_usual_session_s(calendar, times) / spacing_s)
    for least, most, periods in _LONGER_SPACINGS:
        if least <= spacing_s / DAY_S <= most:
            return periods
    return 365.25 * DAY_S / spacing_s


def find_gaps(times: Times, calendar: str) -> Iterator[Gap]:
    """Gaps between neighbouring bars, oldest first.

    Daily bars are compared with the calendar's sessions, shorter ones with its trading time (closed
    hours and lunch breaks do not count); bars of several days have no gaps.

    Args:
        times: strictly increasing, shape (T,).
        calendar: its name.
    """
    if len(times) < 2 or (spacing_s := bar_spacing_s(times)) > DAY_S:
        return
    schedule = _schedule(calendar, times)
    if spacing_s == DAY_S:
        steps = np.diff(np.searchsorted(schedule.index.to_numpy("datetime64[D]"), times.astype("datetime64[D]")))
    else:
        steps = np.floor(np.diff(_trading_time_s(schedule, times)) / spacing_s + 1e-9).astype(np.int64)
    for row in np.flatnonzero(steps > 1):
        yield Gap(int(row) + 1, int(steps[row]) - 1)


def bar_times(calendar: str, first: np.datetime64, last: np.datetime64, spacing_s: float) -> Times:
    """When a series without gaps has bars, from the day ``first`` to the day ``last``, both included.

    Daily bars carry the session's date, shorter ones start with each stretch of trading.
    """
    days = np.array([first, last], dtype="datetime64[ns]")
    schedule = _schedule(calendar, days)
    schedule = schedule[schedule.index.to_series().between(str(first), str(last)).to_numpy()]
    if spacing_s == DAY_S:
        return schedule.index.to_numpy("datetime64[ns]")
    step = np.timedelta64(round(spacing_s * 1e9), "ns")
    stretches = zip(*_intervals(schedule), strict=True)
    return np.concatenate([np.arange(start, end, step) for start, end in stretches] or [days[:0]])


def check_calendar(calendar: str) -> None:
    """Refuse a name that no calendar has.

    Raises:
        InvalidInputError: UNKNOWN_CALENDAR, with the nearest names.
    """
    if calendar not in (names := _names()):
        near = ", ".join(get_close_matches(calendar.upper(), names, 3, 0.3)) or "XNYS, 24/7"
        raise InvalidInputError(
            f"`calendar` was {calendar!r}; known ones are named by market code, as {near}.", code="UNKNOWN_CALENDAR"
        )


@lru_cache(maxsize=64)
def calendar_zone(calendar: str) -> tzinfo:
    """The time zone in which a calendar's days begin and end.

    Raises:
        InvalidInputError: UNKNOWN_CALENDAR.
    """
    import exchange_calendars  # noqa: PLC0415

    check_calendar(calendar)
    # Any days will do for the zone; decades of them take two seconds.
    zone: tzinfo = exchange_calendars.get_calendar(calendar, start="2020-01-02", end="2020-01-31").tz
    return zone


@lru_cache(maxsize=1)
def _names() -> tuple[str, ...]:
    import exchange_calendars  # noqa: PLC0415 - brings pandas along, which reading a stored series does not need

    return tuple(exchange_calendars.get_calendar_names())


def _schedule(calendar: str, times: Times) -> pd.DataFrame:
    """Open, break and close of each session from the first bar's day to the last one's, UTC."""
    import exchange_calendars  # noqa: PLC0415

    check_calendar(calendar)
    first, last = times[0].astype("datetime64[D]"), times[-1].astype("datetime64[D]")
    try:  # the week before: a calendar has at least one session, and a night session opens the day before
        start, end = str(first - np.timedelta64(7, "D")), str(last + np.timedelta64(1, "D"))
        hours = exchange_calendars.get_calendar(calendar, start=start, end=end)
    except ValueError as error:
        raise InvalidInputError(
            f"the calendar {calendar} does not cover {first} to {last}: {error}", code="CALENDAR_RANGE"
        ) from error
    schedule: pd.DataFrame = hours.schedule
    return schedule


def _intervals(schedule: pd.DataFrame) -> tuple[Times, Times]:
    """Starts and ends of uninterrupted trading, UTC; a lunch break cuts a session in two."""
    opens, closes, break_starts, break_ends = (
        schedule[name].dt.tz_localize(None).to_numpy("datetime64[ns]")
        for name in ("open", "close", "break_start", "break_end")
    )
    broken = ~np.isnat(break_starts)
    starts = np.sort(np.concatenate([opens, break_ends[broken]]))
    ends = np.sort(np.concatenate([closes, break_starts[broken]]))
    return starts, ends


def _trading_time_s(schedule: pd.DataFrame, times: Times) -> Floats:
    """Seconds of trading before each time, counted from the schedule's start."""
    starts, ends = _intervals(schedule)
    lengths = (ends - starts) / np.timedelta64(1, "s")
    before = np.concatenate([[0.0], np.cumsum(lengths)])
    last = np.searchsorted(starts, times, side="right") - 1
    into = (times - starts[last]) / np.timedelta64(1, "s")
    elapsed: Floats = before[last] + np.minimum(into, lengths[last])
    return elapsed


def _usual_session_s(calendar: str, times: Times) -> float:
    schedule = _schedule(calendar, times)
    starts, ends = _intervals(schedule)
    session = np.searchsorted(
        np.sort(schedule["open"].dt.tz_localize(None).to_numpy("datetime64[ns]")), starts, "right"
    )
    return float(np.median(np.bincount(session, weights=(ends - starts) / np.timedelta64(1, "s"))[1:]))
