"""Prices as a notebook has them, read into price series: arrays, pandas columns, series by name, several at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from steelyard.core.errors import InvalidInputError
from steelyard.market.bars import PriceSeries, Times
from steelyard.market.calendars import ALWAYS_OPEN, periods_per_year
from steelyard.market.quality import check_prices

Prices: TypeAlias = Any
"""A 1-D array or list of closes, a pandas Series, a PriceSeries; or several: a mapping by name, a list, a DataFrame."""

SERIES_MAX = 200
EXCHANGE = "XNYS"


def read_prices(close: Prices, *, bars_minimum: int, periods: float | None = None) -> PriceSeries | list[PriceSeries]:
    """The series that ``close`` holds, checked; a list where it holds several by its form.

    Args:
        close: one series or several.
        bars_minimum: what the caller's windows need.
        periods: per year, for all; None for each series' own (from its times where it has them, otherwise 252).

    Raises:
        InvalidInputError: a defect of the prices (see ``market.quality``), EMPTY_SERIES, TOO_MANY_SERIES or
            DUPLICATE_SYMBOL.
    """
    named = _several(close)
    if named is None:
        return _read(close, None, bars_minimum, periods)
    if not 1 <= len(named) <= SERIES_MAX:
        code = "TOO_MANY_SERIES" if named else "EMPTY_SERIES"
        raise InvalidInputError(f"`close` held {len(named)} series; give 1 to {SERIES_MAX}", code=code)
    series = [_read(value, name, bars_minimum, periods) for name, value in named]
    symbols = [one.symbol for one in series]
    if len(set(symbols)) < len(symbols):
        twice = next(symbol for symbol in symbols if symbols.count(symbol) > 1)
        raise InvalidInputError(f"`close` held {twice!r} more than once; name each series", code="DUPLICATE_SYMBOL")
    return series


def _several(close: Prices) -> list[tuple[str | None, Any]] | None:
    if isinstance(close, pd.DataFrame | Mapping):
        return [(str(name), close[name]) for name in close]
    if isinstance(close, Sequence) and not isinstance(close, str) and any(_is_series(item) for item in close):
        return [(_name_of(item) or f"series {place}", item) for place, item in enumerate(close, start=1)]
    return None


def _is_series(item: Any) -> bool:
    return isinstance(item, PriceSeries | pd.Series) or np.ndim(item) == 1


def _name_of(item: Any) -> str | None:
    if isinstance(item, PriceSeries):
        return item.symbol
    return str(item.name) if isinstance(item, pd.Series) and item.name is not None else None


def _read(value: Any, name: str | None, bars_minimum: int, periods: float | None) -> PriceSeries:
    if isinstance(value, PriceSeries):
        series = value if name is None else replace(value, symbol=name)
    else:
        series = PriceSeries.from_array(value, symbol=name or _name_of(value) or "series")
    check_prices(series.close, series.timestamps, symbol=series.symbol, bars_minimum=bars_minimum)
    if periods is not None:
        return replace(series, periods_per_year=periods)
    if not isinstance(value, PriceSeries) and series.timestamps is not None:
        return replace(series, periods_per_year=_usual_year(series.timestamps))
    return series


def _usual_year(times: Times) -> float:
    weekend = (times.astype("datetime64[D]").view(np.int64) + 3) % 7 >= 5  # day 0 of the epoch was a Thursday
    return periods_per_year(ALWAYS_OPEN if weekend.any() else EXCHANGE, times)
