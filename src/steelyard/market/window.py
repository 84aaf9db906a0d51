"""A window of time: which files it needs, and which bars of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, Self

import numpy as np

from steelyard.core.errors import InvalidInputError
from steelyard.market.bars import PriceSeries, Times
from steelyard.market.manifest import DataFile
from steelyard.market.quality import time_text

if TYPE_CHECKING:
    import pandas as pd

When = str | np.datetime64 | None
"""A time in ISO 8601, UTC; None is open."""


_ISO = re.compile(r"\d{4}(-\d\d(-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?Z?)?)?)?")


@dataclass(frozen=True, slots=True)
class Window:
    """From ``first`` to ``last``, both included, ``datetime64[ns]``; None is open."""

    first: np.datetime64 | None
    last: np.datetime64 | None

    @classmethod
    def of(cls, start: When, end: When) -> Self:
        """The window between two times; an end that is a date, month or year means all of it.

        Raises:
            InvalidInputError: INVALID_TIME.
        """
        first = None if start is None else parse_time("start", start)
        last = None if end is None else parse_time("end", end)
        unit: Any = "ns" if last is None else np.datetime_data(last)[0]
        if last is not None and unit in {"Y", "M", "W", "D"}:
            after = np.datetime64(int(last.astype(np.int64)) + 1, unit)
            last = after.astype("datetime64[ns]") - np.timedelta64(1, "ns")
        window = cls(*(time if time is None else time.astype("datetime64[ns]") for time in (first, last)))
        if window.first is not None and window.last is not None and window.first > window.last:
            raise InvalidInputError(f"`start` was {start} and `end` was {end}; turn them round.", code="INVALID_TIME")
        return window

    def files(self, symbol: str, files: Sequence[DataFile]) -> list[DataFile]:
        """Those of a symbol's files that have bars around here, at least one.

        Raises:
            InvalidInputError: EMPTY_SERIES.
        """
        return [file for file in files if self._touches(file)] or self._refuse(symbol, files[0].first, files[-1].last)

    def cut(self, series: PriceSeries) -> PriceSeries:
        """The bars of a series with times that are in here.

        Raises:
            InvalidInputError: EMPTY_SERIES.
        """
        times = np.asarray(series.timestamps)
        begin, stop = self._rows(times)
        if begin >= stop:
            self._refuse(series.symbol, time_text(times[0]), time_text(times[-1]))
        return series.rows(begin, stop)

    def cut_frame(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows of a frame, sorted by ``ts``, that are in here; maybe none."""
        begin, stop = self._rows(frame["ts"].to_numpy("datetime64[ns]"))
        return frame.iloc[begin:stop].reset_index(drop=True)

    def _rows(self, times: Times) -> tuple[int, int]:
        begin = 0 if self.first is None else int(np.searchsorted(times, self.first, "left"))
        stop = len(times) if self.last is None else int(np.searchsorted(times, self.last, "right"))
        return begin, stop

    def _touches(self, file: DataFile) -> bool:
        begins, ends = (np.datetime64(text.removesuffix("Z")) for text in (file.first, file.last))
        return (self.first is None or bool(ends >= self.first)) and (self.last is None or bool(begins <= self.last))

    def _refuse(self, symbol: str, first: str, last: str) -> NoReturn:
        start, end = ("any time" if time is None else time_text(time) for time in (self.first, self.last))
        raise InvalidInputError(
            f"{symbol} has no bars between {start} and {end}; those around are from {first} to {last}.",
            code="EMPTY_SERIES",
        )


def parse_time(name: str, when: str | np.datetime64) -> np.datetime64:
    """A time in the unit in which it was written; ``name`` is for the message.

    Raises:
        InvalidInputError: INVALID_TIME.
    """
    time = when if isinstance(when, np.datetime64) else np.datetime64("NaT", "ns")
    if isinstance(when, str) and _ISO.fullmatch(when):
        with suppress(ValueError):  # a 13th month
            time = np.datetime64(when.removesuffix("Z"))
    if np.isnat(time):
        message = f"`{name}` was {str(when)[:64]!r}; write ISO 8601 in UTC, as 2020-01-31 or 2020-01-31T14:30."
        raise InvalidInputError(message, code="INVALID_TIME")
    return time
