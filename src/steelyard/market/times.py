"""Times of a file's column as UTC instants; the rules are in :mod:`steelyard.market.importing`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from steelyard.core.errors import InvalidInputError
from steelyard.market.bars import Times

if TYPE_CHECKING:
    import pandas as pd

_OFFSET = r"(?:Z|[+-]\d{2}:?\d{2})$"
_MIDNIGHT = r"^\d{4}-\d{2}-\d{2}[T ]00:00(?::00(?:\.0+)?)?(?:Z|[+-]\d{2}:?\d{2})?$"
_EPOCH_UNITS = ((10**11, "s"), (10**14, "ms"), (10**17, "us"), (2**63, "ns"))
"""Whole numbers below the first are seconds (until the year 5138), and so on."""


def utc_times(column: Any, timezone: str) -> Times:
    """The column's times, shape (T,), ``datetime64[ns]``; NaT where there is none.

    Raises:
        InvalidInputError: UNREADABLE_TIME with the bar and its text; UNKNOWN_TIMEZONE.
    """
    import pandas as pd  # noqa: PLC0415 - as in importing

    kind = column.type
    if pa.types.is_date(kind):
        return _plain(column.cast(pa.timestamp("s")).to_pandas())
    if pa.types.is_timestamp(kind):
        times = column.cast(pa.timestamp("ns", tz=kind.tz)).to_pandas()
        if (times.dropna() == times.dropna().dt.normalize()).all():  # sessions, whatever their zone
            return _plain(times.dt.tz_localize(None))
        return _plain(times.dt.tz_convert(None)) if kind.tz else _localized(times, timezone)
    if pa.types.is_integer(kind):
        return _from_numbers(column.to_pandas())
    texts = column.cast(pa.string()).to_pandas().fillna("").str.strip()
    digits = texts.str.fullmatch(r"\d{8,18}|[1-8]\d{18}")
    if digits.all():
        return _from_numbers(texts.astype("int64"))
    return _from_texts(pd.Series(texts), timezone)


def _from_texts(texts: pd.Series[str], timezone: str) -> Times:
    import pandas as pd  # noqa: PLC0415

    midnight = texts.str.fullmatch(_MIDNIGHT)
    if (midnight | texts.str.fullmatch(r"\d{4}-\d{2}-\d{2}") | (texts == "")).all():
        texts = texts.str[:10]
    times = pd.to_datetime(texts, format="ISO8601", utc=True, errors="coerce").dt.tz_localize(None)
    for row in np.flatnonzero(times.isna() & (texts != "")):
        _refuse_time(texts, int(row), "write ISO 8601, as 2024-01-31 or 2024-01-31T09:30:00-05:00")
    offset = texts.str.contains(_OFFSET)
    timed = texts.str.len() > 10
    if (offset | ~timed).all():
        return _plain(times)
    for row in np.flatnonzero(offset):
        _refuse_time(texts, int(row), "others have no offset: give all of them one, or none")
    return _localized(times, timezone) if timed.any() else _plain(times)


def _from_numbers(numbers: pd.Series[int]) -> Times:
    values = numbers.to_numpy(np.int64)
    largest = int(np.abs(values).max(initial=0))
    if int(values.min(initial=19_000_101)) >= 19_000_101 and largest <= 99_991_231:
        import pandas as pd  # noqa: PLC0415

        return _plain(pd.to_datetime(numbers.astype(str), format="%Y%m%d", errors="coerce"))
    unit = next(unit for limit, unit in _EPOCH_UNITS if largest < limit)
    return values.astype(f"datetime64[{unit}]").astype("datetime64[ns]")


def _localized(times: pd.Series[pd.Timestamp], timezone: str) -> Times:
    """Wall clock times in ``timezone`` as UTC."""
    try:
        return _plain(times.dt.tz_localize(timezone, ambiguous="infer").dt.tz_convert(None))
    except KeyError as error:
        message = f"`timezone` was {timezone[:64]!r}; give an IANA name, as America/New_York."
        raise InvalidInputError(message, code="UNKNOWN_TIMEZONE") from error
    except ValueError as error:  # an hour that a change of the clocks skips or repeats
        message = f"a time is none of {timezone} or two of it: {error}; give each time its offset."
        raise InvalidInputError(message, code="UNREADABLE_TIME") from error


def _refuse_time(texts: pd.Series[str], row: int, remedy: str) -> None:
    message = f"the time of bar {row} was {texts.iloc[row][:40]!r}; {remedy}."
    raise InvalidInputError(message, code="UNREADABLE_TIME", details={"bar": row})


def _plain(times: Any) -> Times:
    return np.asarray(times.to_numpy("datetime64[ns]"))
