"""What can be wrong with prices, each defect with a name, a bar, a time, a value and a sentence.

Two severities: ``refuse`` makes figures wrong (a NaN, a zero, two bars of one time, bars out of
order), ``note`` may be true of the market and is told only (a gap against the trading calendar, a
jump of the size of a split).  Bars count from 0, in the order in which they came.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Literal, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steelyard.core.clock import now
from steelyard.core.errors import InvalidInputError
from steelyard.market.bars import Floats, PriceSeries, Times
from steelyard.market.calendars import find_gaps

if TYPE_CHECKING:
    import pandas as pd

Severity = Literal["refuse", "note"]

DEFECTS_PER_CODE_MAX = 1_000
"""Defects of one kind that are listed; a file with more is as bad as one with so many."""
PRICE_COLUMNS = ("open", "high", "low", "close")
SPLIT_RATIOS = (1.5, 2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 40, 50, 100)
SPLIT_TOLERANCE = 0.03
"""A jump looks like a split when its factor is this close to a usual ratio, relatively ..."""
SPLIT_MOVES_MIN = 8.0
"""... and larger than this many median moves of the series."""


@dataclass(frozen=True, slots=True)
class Defect:
    """One thing wrong with one bar.

    Attributes:
        row: the bar's place in the input, from 0.
        time: its time in ISO 8601, None where the input has no times.
        value: the price, time or count that is wrong.
        sentence: all of it for a person.
    """

    code: str
    severity: Severity
    row: int
    time: str | None
    value: float | str
    sentence: str


def check_prices(close: ArrayLike, timestamps: ArrayLike | None = None, *, symbol: str, bars_minimum: int) -> None:
    """Refuse a series whose figures would be wrong, naming the first bad bar.

    Args:
        close: prices, shape (T,).
        timestamps: UTC, shape (T,), strictly increasing.
        symbol: for the message.
        bars_minimum: bars that the caller's windows need.

    Raises:
        InvalidInputError: EMPTY_SERIES, NOT_A_NUMBER, NOT_POSITIVE, NOT_A_TIME, NOT_SORTED,
            DUPLICATE_TIMESTAMP or TOO_SHORT; ``details`` hold the bar, its time and its value.
    """
    times = None if timestamps is None else np.asarray(timestamps, dtype="datetime64[ns]")
    series = PriceSeries(symbol, np.asarray(close), times)  # checks dimensions and lengths
    if len(series) == 0:
        raise InvalidInputError(f"{symbol} has no prices; at least {bars_minimum} are needed.", code="EMPTY_SERIES")
    for defect in _refusals({"close": series.close}, series.timestamps):
        refuse(defect, symbol)
    if len(series) < bars_minimum:
        raise InvalidInputError(
            f"{symbol} has {len(series)} bars; at least {bars_minimum} are needed: load more or shorten the windows.",
            code="TOO_SHORT",
            details={"symbol": symbol, "bars": len(series), "bars_minimum": bars_minimum},
        )


def refuse(defect: Defect, symbol: str) -> NoReturn:
    """Raise the defect as an error."""
    raise InvalidInputError(
        f"{symbol}: {defect.sentence}",
        code=defect.code,
        details={"symbol": symbol, "bar": defect.row, "time": defect.time, "value": defect.value},
    )


def find_defects(
    frame: pd.DataFrame, *, calendar: str | None = None, clock_skew_tolerance_s: float = 300.0
) -> list[Defect]:
    """All defects of a frame; where some are refused, only those, as the rest means nothing beside them.

    Args:
        frame: columns ``ts`` (UTC), ``close`` and any of ``open, high, low``; one row per bar.
        calendar: compares the bars with the sessions that should be there; None leaves gaps unseen.
        clock_skew_tolerance_s: how far ahead of our clock a bar may be, seconds.

    Returns:
        At most ``DEFECTS_PER_CODE_MAX`` of each code.
    """
    times = frame["ts"].to_numpy(dtype="datetime64[ns]")
    prices = {name: frame[name].to_numpy(dtype=np.float64) for name in PRICE_COLUMNS if name in frame}
    refused = [*_refusals(prices, times), *_future(times, clock_skew_tolerance_s)]
    if refused:
        return refused
    noted = [*_contradictions(prices, times), *_split_like_jumps(prices["close"], times)]
    return noted if calendar is None else [*noted, *_gaps(times, calendar)]


def _refusals(prices: dict[str, Floats], times: Times | None) -> Iterator[Defect]:
    for name, values in prices.items():
        for row in _first(~np.isfinite(values)):
            text = str(values[row])  # JSON has no NaN
            yield _defect("NOT_A_NUMBER", row, times, text, f"{name} of {{bar}} was {text}; every bar needs a price")
        for row in _first(values <= 0):
            value = float(values[row])
            yield _defect("NOT_POSITIVE", row, times, value, f"{name} of {{bar}} was {value}; prices are above 0")
    if times is not None:
        yield from _bad_times(times)


def _bad_times(times: Times) -> Iterator[Defect]:
    missing = np.isnat(times)
    if not missing.any() and (times[1:] > times[:-1]).all():
        return
    for row in _first(missing):
        yield _defect("NOT_A_TIME", row, None, "NaT", f"the time of bar {row} is missing or unreadable")
    for row in _first(np.r_[False, times[1:] < times[:-1]]):
        words = f"{{bar}} comes after one of {time_text(times[row - 1])}; sort the bars by time"
        yield _defect("NOT_SORTED", row, times, time_text(times[row]), words)
    _, firsts = np.unique(times, return_index=True)
    repeated = ~missing
    repeated[firsts] = False
    for row in _first(repeated):
        yield _defect("DUPLICATE_TIMESTAMP", row, times, time_text(times[row]), "{bar} has the time of an earlier bar")


def _future(times: Times, tolerance_s: float) -> Iterator[Defect]:
    horizon = np.datetime64((now() + timedelta(seconds=tolerance_s)).replace(tzinfo=None), "ns")
    for row in _first(times > horizon):
        words = f"{{bar}} is later than our clock by more than {tolerance_s:g} s"
        yield _defect("IN_THE_FUTURE", row, times, time_text(times[row]), words)


def _contradictions(prices: dict[str, Floats], times: Times) -> Iterator[Defect]:
    if not {"high", "low"} <= prices.keys():
        return
    for row in _first(prices["high"] < prices["low"]):
        high, low = float(prices["high"][row]), float(prices["low"][row])
        yield _defect(
            "HIGH_BELOW_LOW", row, times, high, f"high of {{bar}} was {high}, below its low {low}", severity="note"
        )


def _split_like_jumps(close: Floats, times: Times) -> Iterator[Defect]:
    if len(close) < 2:
        return
    moves = np.abs(np.diff(np.log(close)))
    ratios = np.log(np.array(SPLIT_RATIOS))
    above = np.clip(np.searchsorted(ratios, moves), 1, len(ratios) - 1)
    nearest = np.minimum(np.abs(moves - ratios[above - 1]), np.abs(moves - ratios[above]))
    for row in _first(np.r_[False, (nearest < SPLIT_TOLERANCE) & (moves > SPLIT_MOVES_MIN * np.median(moves))]):
        before, after = float(close[row - 1]), float(close[row])
        words = f"close of {{bar}} went from {before} to {after}, as in a split; are the prices adjusted?"
        yield _defect("SPLIT_LIKE_JUMP", row, times, after, words, severity="note")


def _gaps(times: Times, calendar: str) -> Iterator[Defect]:
    for gap in islice(find_gaps(times, calendar), DEFECTS_PER_CODE_MAX):
        count = f"{gap.missing} bar{'s' * (gap.missing > 1)}"
        words = f"{count} missing before {{bar}} by the calendar {calendar}"
        yield _defect("GAP", gap.row, times, gap.missing, words, severity="note")


def _first(bad: NDArray[np.bool_]) -> list[int]:
    return [int(row) for row in np.flatnonzero(bad)[:DEFECTS_PER_CODE_MAX]]


def _defect(
    code: str, row: int, times: Times | None, value: float | str, words: str, *, severity: Severity = "refuse"
) -> Defect:
    time = None if times is None or np.isnat(times[row]) else time_text(times[row])
    bar = f"bar {row}" if time is None else f"bar {row} ({time})"
    return Defect(code, severity, row, time, value, f"{words.format(bar=bar)}.")


def time_text(time: np.datetime64) -> str:
    """``time`` in ISO 8601: the date alone at midnight, otherwise with a Z and as many digits as it has."""
    if np.isnat(time):
        return "NaT"
    if time == time.astype("datetime64[D]"):
        return str(np.datetime_as_string(time, unit="D"))
    unit: Literal["s", "ns"] = "s" if time == time.astype("datetime64[s]") else "ns"
    return f"{np.datetime_as_string(time, unit=unit)}Z"
