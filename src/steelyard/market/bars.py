"""A series of prices of one instrument, with what its figures need to be read rightly.

Times are UTC without a zone, ``datetime64[ns]``; a daily bar carries the midnight of its session's
date.  Arrays are read-only, so a series can be shared by threads and never changes under a result.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steelyard.core.errors import InvalidInputError

Floats = NDArray[np.float64]
Times = NDArray[np.datetime64]


@dataclass(frozen=True, slots=True, eq=False)
class PriceSeries:
    """Bars of one instrument, T of them, oldest first.

    Attributes:
        close: closing prices, shape (T,).
        timestamps: when each bar is, shape (T,), UTC; None where nobody knows.
        open: opening prices, shape (T,); None where there are closes only.
        periods_per_year: bars in a year, for annualising.
        calendar: name of the trading calendar, as ``XNYS`` or ``24/7``.
        tick: the step of which every price is a multiple, None where there is none.
        source: where the prices come from, in words.
        synthetic: True where a generator made them.
        manifest_hash: of the dataset's manifest, None for prices from memory.
    """

    symbol: str
    close: Floats
    timestamps: Times | None = None
    open: Floats | None = None
    periods_per_year: float = 252.0
    calendar: str | None = None
    tick: float | None = None
    source: str = "an array in memory"
    synthetic: bool = False
    manifest_hash: str | None = None

    def __post_init__(self) -> None:
        if not (np.isfinite(self.periods_per_year) and self.periods_per_year > 0):
            raise InvalidInputError(f"`periods_per_year` was {self.periods_per_year}; it must be a positive number.")
        object.__setattr__(self, "close", _column("close", self.close, np.float64))
        for name, kind in (("open", np.float64), ("timestamps", "datetime64[ns]")):
            if (values := getattr(self, name)) is None:
                continue
            column = _column(name, values, kind)
            if len(column) != len(self.close):
                raise InvalidInputError(
                    f"`{name}` of {self.symbol} has {len(column)} values, `close` has {len(self.close)}; "
                    "every bar needs one of each.",
                    code="LENGTH_MISMATCH",
                )
            object.__setattr__(self, name, column)

    def __len__(self) -> int:
        return len(self.close)

    @classmethod
    def from_array(cls, close: ArrayLike, symbol: str = "series", periods_per_year: float = 252.0) -> Self:
        """A series from closing prices, shape (T,); a pandas Series brings its DatetimeIndex along as times.

        Raises:
            InvalidInputError: not one-dimensional, or not numbers.
        """
        index = getattr(close, "index", None)
        times = _utc_times(index) if str(getattr(index, "dtype", "")).startswith("datetime64") else None
        return cls(symbol, np.asarray(close), times, periods_per_year=periods_per_year)

    def rows(self, first: int, last: int) -> Self:
        """Bars ``[first, last)`` as a series of their own, sharing memory."""
        part = slice(first, last)
        return replace(
            self,
            close=self.close[part],
            timestamps=None if self.timestamps is None else self.timestamps[part],
            open=None if self.open is None else self.open[part],
        )


def _column(name: str, values: Any, kind: Any) -> Any:
    try:
        column = np.ascontiguousarray(values, dtype=kind)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"`{name}` must hold numbers or times: {error}.", code="NOT_A_NUMBER") from error
    if np.ndim(values) != 1:
        raise InvalidInputError(
            f"`{name}` had shape {np.shape(values)}; one dimension is needed, one value per bar.",
            code="NOT_ONE_DIMENSIONAL",
        )
    view = column.view()
    view.flags.writeable = False
    return view


def _utc_times(index: Any) -> Times:
    utc = index.tz_convert("UTC").tz_localize(None) if getattr(index, "tz", None) is not None else index
    return np.asarray(utc, dtype="datetime64[ns]")
