"""Reading prices from CSV and Parquet files into frames of our columns, guessing nothing in silence.

Columns are found by their usual names in any case; a symbol column makes many series of one file.
Where a file has adjusted closes beside closes, all its prices are adjusted by their ratio.

Times: whole dates are sessions and stay as they are; a time of day with an offset becomes UTC; one
without is read in the given zone, UTC by default; whole numbers are epochs in s, ms, us or ns by their size,
or dates as 20240131.  Numbers have a decimal point: a decimal comma is refused, as it cannot be told
from a thousands separator.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from steelyard.core.errors import InvalidInputError, NotFoundError, TooLargeError
from steelyard.market.bars import Floats
from steelyard.market.times import utc_times

if TYPE_CHECKING:
    import pandas as pd

FILE_BYTES_MAX = 256 << 20
ROWS_MAX = 10_000_000

NAMES: Mapping[str, tuple[str, ...]] = {
    "ts": ("ts", "timestamp", "datetime", "date", "time", "date_time", "index_level_0", "unnamed:_0", ""),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c", "price", "last"),
    "adjusted": ("adj_close", "adjclose", "adjusted_close", "close_adj", "close_adjusted"),
    "volume": ("volume", "vol", "v"),
    "symbol": ("symbol", "ticker"),
}
_NUMBER = r"^-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_NOTHING = ("", "nan", "null", "none", "na", "n/a", "-")


def read_prices(path: Path, *, symbol: str | None = None, timezone: str = "UTC") -> dict[str, pd.DataFrame]:
    """Frames by symbol, their rows as they come in the file, not judged yet.

    Args:
        path: a ``.csv`` (or ``.txt``, ``.tsv``) or ``.parquet`` file.
        symbol: of the one series of a file without a symbol column; the file's name by default.
        timezone: of times of day that have no offset, an IANA name.

    Raises:
        NotFoundError: FILE_NOT_FOUND; UNKNOWN_TICKER where a symbol column lacks ``symbol``.
        InvalidInputError: UNKNOWN_FORMAT, UNREADABLE_FILE, MISSING_COLUMN, AMBIGUOUS_COLUMN, DECIMAL_COMMA,
            UNREADABLE_NUMBER, UNREADABLE_TIME, EMPTY_SERIES.
        TooLargeError: more than ``FILE_BYTES_MAX`` bytes or ``ROWS_MAX`` rows.
    """
    table = _read_table(path)
    columns = _find_columns(table.column_names, path.name)
    times = utc_times(table[columns.pop("ts")], timezone)
    names = _symbol_names(table, columns.pop("symbol", None))
    prices = {name: _numbers(table[column], column) for name, column in columns.items()}
    frame = _frame(times, _adjusted(prices))
    if names is None:
        return {symbol or path.stem: frame}
    if symbol is not None:
        if not (chosen := names == symbol).any():
            message = f"{path.name} has no {symbol}; it has {', '.join(sorted({*names}))[:200]}."
            raise NotFoundError(message, code="UNKNOWN_TICKER")
        return {symbol: frame[chosen].reset_index(drop=True)}
    return {str(name): part.reset_index(drop=True) for name, part in frame.groupby(names, sort=True)}


def _read_table(path: Path) -> Any:
    readers = {".csv": _read_csv, ".txt": _read_csv, ".tsv": _read_csv, ".parquet": _read_parquet}
    if (read := readers.get(path.suffix.lower())) is None:
        _refuse("UNKNOWN_FORMAT", f"{path.name} is neither .csv nor .parquet")
    try:
        if (size := path.stat().st_size) > FILE_BYTES_MAX:
            _refuse_size(f"{path.name} has {size} bytes; at most {FILE_BYTES_MAX} are read: cut it in parts")
        table = read(path)
    except FileNotFoundError:
        raise NotFoundError(f"there is no file {path.name} where it should be.", code="FILE_NOT_FOUND") from None
    except (pa.ArrowInvalid, UnicodeDecodeError, csv.Error, OSError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise InvalidInputError(f"{path.name} could not be read: {reason}", code="UNREADABLE_FILE") from error
    if table.num_rows > ROWS_MAX:
        _refuse_size(f"{path.name} has {table.num_rows} rows; at most {ROWS_MAX} are read: cut it in parts")
    if table.num_rows == 0:
        _refuse("EMPTY_SERIES", f"{path.name} has no rows")
    return table


def _read_csv(path: Path) -> Any:
    with path.open(encoding="utf-8-sig", newline="") as file:
        first_line = file.readline(1 << 16)
    if not first_line.strip():
        _refuse("EMPTY_SERIES", f"{path.name} is empty")
    delimiter = max((";", "\t", ","), key=first_line.count)
    header = next(csv.reader([first_line], delimiter=delimiter))
    if len(set(header)) < len(header):
        _refuse("AMBIGUOUS_COLUMN", f"{path.name} has two columns of one name: {', '.join(header)[:200]}")
    return pa_csv.read_csv(
        path,
        parse_options=pa_csv.ParseOptions(delimiter=delimiter),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False
        ),
    )


def _read_parquet(path: Path) -> Any:
    with pq.ParquetFile(path) as file:
        if (rows := file.metadata.num_rows) > ROWS_MAX:
            _refuse_size(f"{path.name} has {rows} rows; at most {ROWS_MAX} are read: cut it in parts")
        return file.read()


def _find_columns(names: list[str], file: str) -> dict[str, str]:
    """Which of the file's columns is which of ours."""
    usual = {name: re.sub(r"[\s_\-.]+", "_", name.strip().lower()).strip("_") for name in names}
    found: dict[str, str] = {}
    for ours, aliases in NAMES.items():
        candidates = [name for name in names if usual[name] in aliases]
        if len(candidates) > 1:
            _refuse("AMBIGUOUS_COLUMN", f"{file} has several columns for `{ours}`: {', '.join(candidates)}; keep one")
        if candidates:
            found[ours] = candidates[0]
    for ours in ("ts", "close"):
        if ours not in found and not (ours == "close" and "adjusted" in found):
            known = ", ".join(alias for alias in NAMES[ours] if alias)
            there = ", ".join(names)[:200]
            _refuse("MISSING_COLUMN", f"{file} has no column for `{ours}` (any of {known}); it has {there}")
    return found


def _symbol_names(table: Any, column: str | None) -> Any:
    return None if column is None else np.asarray(table[column].cast(pa.string()).to_pylist(), dtype=object)


def _numbers(column: Any, name: str) -> Floats:
    """A column as float64, to the bit what its digits say; what is empty is NaN."""
    column = column.combine_chunks()
    if not pa.types.is_string(column.type) and not pa.types.is_large_string(column.type):
        if not (
            pa.types.is_floating(column.type) or pa.types.is_integer(column.type) or pa.types.is_decimal(column.type)
        ):
            _refuse("UNREADABLE_NUMBER", f"column {name} holds {column.type}, no numbers")
        return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))
    text = pc.utf8_trim_whitespace(column)
    nothing = pc.is_in(pc.utf8_lower(text), value_set=pa.array(_NOTHING))
    wrong = pc.invert(pc.or_(pc.match_substring_regex(text, _NUMBER), nothing))
    if (row := pc.index(wrong, True).as_py()) >= 0:
        _refuse_number(text[row].as_py(), row, name)
    return np.asarray(pc.if_else(nothing, None, text).cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)


def _refuse_number(text: str, row: int, name: str) -> NoReturn:
    if "," in text:
        _refuse(
            "DECIMAL_COMMA",
            f"{name} of bar {row} was {text[:40]!r}; write numbers with a decimal point and no thousands separator",
        )
    _refuse("UNREADABLE_NUMBER", f"{name} of bar {row} was {text[:40]!r}, no number")


def _adjusted(prices: dict[str, Floats]) -> dict[str, Floats]:
    if (adjusted := prices.pop("adjusted", None)) is None:
        return prices
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = adjusted / prices["close"] if "close" in prices else 1.0
        scaled: dict[str, Floats] = {name: prices[name] * factor for name in ("open", "high", "low") if name in prices}
    return {**prices, **scaled, "close": adjusted}


def _frame(times: Any, prices: Mapping[str, Floats]) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415 - half a second that reading a stored series does not need

    return pd.DataFrame({"ts": times, **prices})


def _refuse(code: str, words: str) -> NoReturn:
    raise InvalidInputError(f"{words}.", code=code)


def _refuse_size(words: str) -> NoReturn:
    raise TooLargeError(f"{words}.", code="FILE_TOO_LARGE")
