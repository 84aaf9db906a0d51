"""What a book keeps in its rows: zstd, which takes a quarter of zlib's time for half the room."""

from __future__ import annotations

from typing import Any

import msgspec
import pyarrow as pa

_CODEC = pa.Codec("zstd", compression_level=1)
_SIZE_BYTES = 8


def squeezed(data: bytes) -> bytes:
    """``data`` in a fraction of its room."""
    return len(data).to_bytes(_SIZE_BYTES, "little") + bytes(_CODEC.compress(data, asbytes=True))


def expanded(data: bytes) -> bytes:
    """The inverse of :func:`squeezed`."""
    size = int.from_bytes(data[:_SIZE_BYTES], "little")
    return bytes(_CODEC.decompress(data[_SIZE_BYTES:], decompressed_size=size, asbytes=True)) if size else b""


def packed(value: Any) -> bytes:
    """Values of structs, squeezed."""
    return squeezed(msgspec.msgpack.encode(value))
