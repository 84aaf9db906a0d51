"""What a part of a book came to, as columns in one compressed value: Arrow's IPC stream with zstd.

An entry is one security of one portfolio: what is held, what is traded and why.  For portfolios
that were rebalanced as values only their trades are here; their positions are kept beside them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_OPTIONS = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", compression_level=1), use_threads=False)


@dataclass(frozen=True, slots=True, eq=False)
class OrderColumns:
    """``E`` entries of one part of a book.

    Attributes:
        portfolio: ``(E,)``, rows of the part.
        security: ``(E,)``, places in the part's list of securities.
        held: ``(E,)``, whole units before.
        decimals: ``(E,)``, how many zeros ``held`` has after its point.
        change: ``(E,)``, units to buy or, negative, to sell.
        reason: ``(E,)`` of :class:`steelyard.models.explain.Reason`.
    """

    portfolio: npt.NDArray[np.int32]
    security: npt.NDArray[np.int32]
    held: npt.NDArray[np.int64]
    decimals: npt.NDArray[np.int8]
    change: npt.NDArray[np.int64]
    reason: npt.NDArray[np.int8]

    def of(self, portfolio: int) -> OrderColumns:
        """The entries of one row."""
        return self._where(self.portfolio == portfolio)

    def trades(self) -> OrderColumns:
        """The entries that trade."""
        return self._where(self.change != 0)

    def with_portfolios(self, portfolio: npt.NDArray[np.int32]) -> OrderColumns:
        """The same entries of other rows."""
        return replace(self, portfolio=portfolio)

    def _where(self, mask: npt.NDArray[np.bool_]) -> OrderColumns:
        return OrderColumns(*(getattr(self, field.name)[mask] for field in fields(self)))

    def to_bytes(self) -> bytes:
        """The columns in one value."""
        return to_bytes({field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def from_bytes(cls, data: bytes) -> OrderColumns:
        """The inverse of :meth:`to_bytes`."""
        return cls(**from_bytes(data))


def join_columns(parts: Iterable[OrderColumns]) -> OrderColumns:
    """The entries of several, one after the other."""
    listed = [_EMPTY, *parts]
    joined = {field.name: np.concatenate([getattr(one, field.name) for one in listed]) for field in fields(_EMPTY)}
    return OrderColumns(**joined)


_EMPTY = OrderColumns(
    portfolio=np.zeros(0, np.int32),
    security=np.zeros(0, np.int32),
    held=np.zeros(0, np.int64),
    decimals=np.zeros(0, np.int8),
    change=np.zeros(0, np.int64),
    reason=np.zeros(0, np.int8),
)


def to_bytes(columns: dict[str, npt.NDArray[Any]]) -> bytes:
    """Columns of one length in one compressed value."""
    batch = pa.RecordBatch.from_arrays([pa.array(column) for column in columns.values()], names=list(columns))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=_OPTIONS) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def from_bytes(data: bytes) -> dict[str, npt.NDArray[Any]]:
    """The inverse of :func:`to_bytes`."""
    with pa.ipc.open_stream(data) as reader:
        batch = reader.read_next_batch()
    return {name: batch.column(name).to_numpy(zero_copy_only=False) for name in batch.schema.names}
