"""Bars as Parquet bytes and back, to the bit; one file per symbol, or per year of a long series."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from steelyard.core.errors import DataIntegrityError
from steelyard.market.bars import Floats, Times
from steelyard.market.manifest import DataFile, Manifest
from steelyard.market.quality import time_text

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("ts", "open", "high", "low", "close", "volume")
ROWS_UNDIVIDED_MAX = 100_000
"""A longer series is cut by year, so that a window of it reads and hashes little."""
_TIME = pa.timestamp("ns", tz="UTC")


@dataclass(frozen=True, slots=True)
class EncodedFile:
    """A file that is still to be written, and its entry in the manifest."""

    entry: DataFile
    content: bytes


def schema_of(frame: pd.DataFrame) -> dict[str, str]:
    """Columns and their types, in the order in which they are stored."""
    return {name: str(_type(name)) for name in COLUMNS if name in frame}


def encode(frame: pd.DataFrame, *, folder: str, labels: Mapping[str, str]) -> list[EncodedFile]:
    """Bars, oldest first, as files named by period and content below ``folder``.

    Args:
        frame: ``ts`` and any other of ``COLUMNS``; strictly increasing in time, at least one row.
        folder: of the symbol, below the data folder.
        labels: written into each file's metadata, so that it says what it is on its own.
    """
    columns = {name: frame[name].to_numpy() for name in COLUMNS if name in frame}
    years = columns["ts"].astype("datetime64[Y]")
    starts = [0] if len(frame) <= ROWS_UNDIVIDED_MAX else [0, *(np.flatnonzero(years[1:] != years[:-1]) + 1)]
    parts = zip(starts, [*starts[1:], len(frame)], strict=True)
    return [
        _encode_part(
            {name: values[first:last] for name, values in columns.items()},
            stem=f"{folder}/{years[first] if len(starts) > 1 else 'all'}",
            labels=labels,
        )
        for first, last in parts
    ]


def decode(root: Path, entry: DataFile, columns: list[str], manifest: Manifest) -> dict[str, Times | Floats]:
    """The columns that are there of ``columns``, from a file whose bytes are checked first.

    Raises:
        DataIntegrityError: DATA_FILE_MISSING or DATA_FILE_CHANGED.
    """
    content = checked_content(root, entry, manifest)
    file = pq.ParquetFile(pa.BufferReader(content))
    wanted = [name for name in columns if name in file.schema_arrow.names]
    table = file.read(wanted, use_threads=False)
    return {name: _values(table[name]) for name in wanted}


def checked_content(root: Path, entry: DataFile, manifest: Manifest) -> bytes:
    """The bytes of a file, which are those that the manifest promises.

    Raises:
        DataIntegrityError: DATA_FILE_MISSING or DATA_FILE_CHANGED, with both hashes and the remedy.
    """
    remedy = (
        f"Bring it in again with `{manifest.source.refresh}`, put the file back from a backup, "
        f"or use an older version of {manifest.dataset} (`steelyard data show {manifest.dataset}` lists them)."
    )
    try:
        content = (root / entry.path).read_bytes()
    except FileNotFoundError:
        details = {"file": entry.path, "expected": entry.sha256, "found": None}
        message = f"{entry.path} is missing; expected a file with {entry.sha256}. {remedy}"
        raise DataIntegrityError(message, code="DATA_FILE_MISSING", details=details) from None
    if (found := _sha256(content)) != entry.sha256:
        raise DataIntegrityError(
            f"{entry.path} was changed: expected {entry.sha256}, found {found}. {remedy}",
            code="DATA_FILE_CHANGED",
            details={"file": entry.path, "expected": entry.sha256, "found": found},
        )
    return content


def _encode_part(columns: dict[str, Any], *, stem: str, labels: Mapping[str, str]) -> EncodedFile:
    arrays = {name: pa.array(values).cast(_type(name)) for name, values in columns.items()}
    table = pa.table(arrays).replace_schema_metadata(dict(labels))
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd", use_dictionary=False, column_encoding=_encodings(columns))
    content = buffer.getvalue()
    sha256 = _sha256(content)
    times = columns["ts"]
    path = f"{stem}-{sha256.removeprefix('sha256:')[:16]}.parquet"
    return EncodedFile(DataFile(path, sha256, len(times), time_text(times[0]), time_text(times[-1])), content)


def _encodings(columns: dict[str, Any]) -> dict[str, str]:
    return {name: "DELTA_BINARY_PACKED" if name == "ts" else "BYTE_STREAM_SPLIT" for name in columns}


def _type(name: str) -> Any:
    return _TIME if name == "ts" else pa.float64()


def _values(column: Any) -> Any:
    # pyarrow's own to_numpy loads pandas, half a second; DLPack hands over the same memory without it.
    if pa.types.is_timestamp(column.type):
        return np.from_dlpack(column.cast(pa.int64()).combine_chunks()).view("datetime64[ns]")
    return np.from_dlpack(column.combine_chunks())


def _sha256(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()
