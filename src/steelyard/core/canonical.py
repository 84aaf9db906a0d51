"""Canonical JSON and the hashes made of it: equal values, equal bytes, everywhere.

Keys sorted, no spaces, characters outside ASCII escaped, UTF-8 bytes; SHA-256 written with the
prefix ``sha256:``.  ``Decimal`` becomes its text as it is (``1.0`` and ``1.00`` differ: they are
different statements of precision); aware times become ISO 8601 with an offset.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

_CHUNK_BYTES = 1 << 20


def canonical_json(value: Any) -> bytes:
    """``value`` as canonical JSON bytes.

    Raises:
        ValueError: a NaN or an infinity.
        TypeError: a value of a type that has no JSON form.
    """
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False, default=json_form
    )
    return text.encode()


def canonical_hash(value: Any) -> str:
    """``sha256:`` and the hex SHA-256 of :func:`canonical_json`."""
    return "sha256:" + hashlib.sha256(canonical_json(value)).hexdigest()


def file_hash(path: Path) -> str:
    """``sha256:`` and the hex SHA-256 of a file's bytes, read in chunks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return "sha256:" + digest.hexdigest()


def json_form(value: Any) -> Any:
    """What :func:`json.dumps` is to write for a value that it does not know.

    Raises:
        ValueError: a NaN, an infinity, or a time without a zone.
        TypeError: a value of a type that has no JSON form.
    """
    match value:
        case Decimal():
            if not value.is_finite():
                raise ValueError(f"{value} has no JSON form")
            return str(value)
        case Enum():
            return value.value
        case datetime() if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        case date():  # and datetime
            return value.isoformat()
        case Mapping():
            return dict(value)
        case set() | frozenset():
            return sorted(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    raise TypeError(f"a {type(value).__name__} has no JSON form")
