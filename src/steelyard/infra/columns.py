"""What tables are made of: the shared base, and column types that mean the same on both engines.

SQLite keeps decimals through float and forgets time zones; these types do neither.
"""

from __future__ import annotations

import functools
import zlib
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import DateTime, LargeBinary, MetaData, Numeric, String
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator, TypeEngine

from steelyard.core.money import exact_decimal

if TYPE_CHECKING:
    import pyarrow as pa

_FASTEST = 1  # level 3 takes a third longer and, for the JSON of a result, even more room
_ZLIB = 0x78  # the first byte of what was stored before zstd was used


class Base(DeclarativeBase):
    """The base of every table; each capability declares its own in its ``store.py``."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class ExactDecimal(TypeDecorator[Decimal]):
    """A decimal that comes back digit for digit: NUMERIC on PostgreSQL, text on SQLite."""

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:  # noqa: D102
        return dialect.type_descriptor(String(64) if dialect.name == "sqlite" else Numeric())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:  # noqa: D102
        if value is None:
            return None
        exact = exact_decimal(value)
        return str(exact) if dialect.name == "sqlite" else exact

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:  # noqa: ARG002, D102
        return None if value is None else Decimal(value)


class PlainText(TypeDecorator[str]):
    """Text without NUL, which PostgreSQL cannot hold: it reads as U+FFFD, in rows and in comparisons alike."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002, D102
        return value and value.replace("\x00", "\ufffd")


class Compressed(TypeDecorator[bytes]):
    """Bytes kept in a fraction of their room, as a zstd frame: the JSON of a result shrinks to an eleventh.

    A result of 174 kB took zlib 595 us and 22.9 kB, zstd takes 121 us and 15.7 kB.  What zlib wrote is
    still read.
    """

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002, D102
        return None if value is None else _zstd().compress(value, asbytes=True)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002, D102
        return None if value is None else _decompressed(value)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant, aware and in UTC on both sides; a naive time is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002, D102
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002, D102
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


@functools.cache
def _zstd() -> pa.Codec:
    """One for all threads: it keeps no state between two calls."""
    import pyarrow as pa  # noqa: PLC0415 - takes a moment to import, and not every command compresses

    return pa.Codec("zstd", compression_level=_FASTEST)


def _decompressed(value: bytes) -> bytes:
    if value[:1] == bytes([_ZLIB]):
        return zlib.decompress(value)
    import pyarrow as pa  # noqa: PLC0415

    with pa.CompressedInputStream(pa.BufferReader(value), "zstd") as stream:
        data: bytes = stream.read()
    return data
