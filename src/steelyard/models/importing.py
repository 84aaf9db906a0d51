"""Holdings and prices from CSV and Parquet files into values, all rows or none.

*Holdings*: columns ``portfolioId, securityId, quantity`` and, if wanted, ``name``; the row whose
securityId is ``CASH`` says how much cash the portfolio has, and each portfolio has one.
*Securities*: ``securityId, price`` and, if wanted, ``ticker``; an empty price says that there is none.

Names of columns are read in camelCase and in snake_case.  Text and whole numbers keep their digits;
a floating point number of a Parquet file is read as the shortest text that gives it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from steelyard.core.errors import InvalidInputError, TooLargeError
from steelyard.core.money import exact_decimal
from steelyard.models.built_in import Account, Security
from steelyard.models.validation import DIGITS_MAX, NAME_LENGTH_MAX, check_portfolio_ids, check_security_id
from steelyard.models.valuation import Portfolio

CASH = "CASH"
ROWS_MAX = 2_000_000
"""Rows of one file."""
TICKER_LENGTH_MAX = 64

Row = Mapping[str, Any]


def read_file(path: Path) -> list[Row]:
    """The rows of a .csv or .parquet file.

    Raises:
        InvalidInputError: no such file, another ending, or not what its ending says.
        TooLargeError: more than ``ROWS_MAX`` rows.
    """
    try:
        data = path.read_bytes()
    except OSError as failure:
        raise InvalidInputError(f"{path} cannot be read: {failure.strerror}", code="FILE_UNREADABLE") from None
    if path.suffix not in {".csv", ".parquet"}:
        raise InvalidInputError(f"the file was {path.name}; it ends in .csv or .parquet", code="FILE_KIND_UNKNOWN")
    return read_csv(data) if path.suffix == ".csv" else read_parquet(data)


def read_csv(data: bytes) -> list[Row]:
    """The rows of a CSV file in UTF-8, whose first line names the columns.

    Raises:
        InvalidInputError: not UTF-8, or a row of another length than the first line.
        TooLargeError: more than ``ROWS_MAX`` rows.
    """
    try:
        lines = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        names = [_plain_name(name) for name in next(lines, [])]
        rows: list[Row] = []
        for line in lines:
            if not line:
                continue
            if len(line) != len(names):
                msg = f"line {lines.line_num} had {len(line)} fields; the first line names {len(names)}"
                raise InvalidInputError(msg, code="ROW_MALFORMED")
            rows.append({name: value.strip() or None for name, value in zip(names, line, strict=True)})
            _check_count(len(rows))
    except (UnicodeDecodeError, csv.Error) as failure:
        raise InvalidInputError(f"the file is no CSV in UTF-8: {failure}", code="FILE_MALFORMED") from None
    return rows


def read_parquet(data: bytes) -> list[Row]:
    """The rows of a Parquet file.

    Raises:
        InvalidInputError: not a Parquet file.
        TooLargeError: more than ``ROWS_MAX`` rows.
    """
    import pyarrow as pa  # noqa: PLC0415 - takes a moment to import
    from pyarrow import parquet  # noqa: PLC0415

    try:
        file = parquet.ParquetFile(pa.BufferReader(data))
        _check_count(file.metadata.num_rows)
        table = file.read()
    except pa.ArrowException as failure:
        raise InvalidInputError(f"the file is no Parquet: {failure}", code="FILE_MALFORMED") from None
    rows: list[Row] = table.rename_columns([_plain_name(name) for name in table.column_names]).to_pylist()
    return rows


def accounts_from(rows: Iterable[Row]) -> list[Account]:
    """Accounts from rows of holdings.

    Raises:
        InvalidInputError: a column, an id or a number is missing or malformed, a holding or the cash of a
            portfolio comes twice, or its cash not at all; the row is named.
    """
    cash: dict[str, Decimal] = {}
    holdings: dict[str, dict[str, Decimal]] = {}
    names: dict[str, str] = {}
    for row, fields in _numbered(rows):
        portfolio_id, security_id = (_text(row, fields, name) for name in ("portfolio_id", "security_id"))
        quantity = _number(row, fields, "quantity")
        held = holdings.setdefault(portfolio_id, {})
        if portfolio_id in cash if security_id == CASH else security_id in held:
            msg = f"row {row}: {security_id} of portfolio {portfolio_id} came before; each comes once"
            raise InvalidInputError(msg, code="DUPLICATE_HOLDING")
        if security_id == CASH:
            cash[portfolio_id] = quantity
        else:
            _at_row(row, check_security_id, security_id)
            held[security_id] = quantity
        if fields.get("name") is not None:
            names[portfolio_id] = _text(row, fields, "name")[:NAME_LENGTH_MAX]
    if without := [portfolio_id for portfolio_id in holdings if portfolio_id not in cash]:
        msg = f"portfolio {without[0]} has no {CASH} row; add one, with quantity 0 if it has no cash"
        raise InvalidInputError(msg, code="CASH_MISSING", details={"portfolios": without[:100]})
    check_portfolio_ids(list(holdings))
    return [Account(Portfolio(one, cash[one], held), names.get(one)) for one, held in holdings.items()]


def securities_from(rows: Iterable[Row]) -> list[Security]:
    """Securities from rows.

    Raises:
        InvalidInputError: a column, an id or a number is missing or malformed, or a security comes twice.
    """
    found: dict[str, Security] = {}
    for row, fields in _numbered(rows):
        security_id = _text(row, fields, "security_id")
        _at_row(row, check_security_id, security_id)
        if security_id in found:
            raise InvalidInputError(f"row {row}: {security_id} came before; each comes once", code="DUPLICATE_SECURITY")
        price = None if fields.get("price") is None else _number(row, fields, "price")
        ticker = security_id if fields.get("ticker") is None else _text(row, fields, "ticker")
        found[security_id] = Security(security_id, ticker[:TICKER_LENGTH_MAX], price)
    return list(found.values())


def _numbered(rows: Iterable[Row]) -> Iterator[tuple[int, Row]]:
    """Rows with their numbers, 1 being the first below the names."""
    return enumerate(rows, start=1)


def _plain_name(name: str) -> str:
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name.strip())
    return snake.lstrip("_")


def _text(row: int, fields: Row, name: str) -> str:
    value = fields.get(name)
    if value is None or not str(value).strip():
        has = ", ".join(fields) or "no columns"
        raise InvalidInputError(
            f"row {row}: `{name}` was empty or is not a column; there are {has}", code="VALUE_MISSING"
        )
    return str(value).strip()


def _number(row: int, fields: Row, name: str) -> Decimal:
    value = fields.get(name)
    text = repr(value) if isinstance(value, float) else _text(row, fields, name)
    number: Decimal = _at_row(row, lambda: exact_decimal(text, name=name))
    if number and (number.adjusted() >= DIGITS_MAX or int(number.as_tuple().exponent) < -DIGITS_MAX):
        msg = f"row {row}: `{name}` was {text[:80]}; it has at most {DIGITS_MAX} digits before and after its point"
        raise InvalidInputError(msg, code="TOO_PRECISE")
    return number


def _at_row(row: int, check: Any, *arguments: Any) -> Any:
    """What ``check`` returns; its refusal says which row it was."""
    try:
        return check(*arguments)
    except InvalidInputError as refusal:
        raise InvalidInputError(f"row {row}: {refusal.message}", code=refusal.code) from None


def _check_count(rows: int) -> None:
    if rows > ROWS_MAX:
        raise TooLargeError(f"the file has more than {ROWS_MAX} rows; split it by portfolio", code="TOO_MANY_ROWS")
