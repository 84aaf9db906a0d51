"""The canonical hash of the engine's own values, made twenty times faster than ``core.canonical`` makes it."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

CANONICAL = msgspec.json.Encoder(order="sorted")
"""Writes what is hashed: keys sorted, nothing between them."""


def quick_hash(value: Any, *, absent: tuple[str, ...] = ()) -> str | None:
    """The canonical hash of structs or plain values without floats, or None where it needs the careful way.

    Args:
        value: what to hash; a ``msgspec.Raw`` in it is a part that ``CANONICAL`` has written already.
        absent: keys that may occur nowhere in it.
    """
    return hash_of(CANONICAL.encode(value), absent=absent)


def hash_of(written: bytes, *, absent: tuple[str, ...] = ()) -> str | None:
    """The same of what ``CANONICAL`` wrote: for text of printable ASCII those are the bytes of ``core.canonical``."""
    if not written.isascii() or b"\x7f" in written or any(f'"{key}"'.encode() in written for key in absent):
        return None
    return "sha256:" + hashlib.sha256(written).hexdigest()
