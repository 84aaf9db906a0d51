"""Identifiers: a prefix that says what it names, then text that sorts by time and cannot be guessed."""

from __future__ import annotations

import secrets
from datetime import datetime

from steelyard.core import clock

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32 in lower case: no letter that reads as a digit."""


def new_id(prefix: str) -> str:
    """``prefix``, an underscore, 9 characters of time (milliseconds) and 13 of chance (65 bits)."""
    milliseconds = int(clock.now().timestamp() * 1000)
    return f"{prefix}_{_base32(milliseconds, 9)}{_base32(secrets.randbits(65), 13)}"


def new_hex_id(at: datetime | None = None) -> str:
    """24 hex digits, the form of a MongoDB id: 14 of time (now unless given; microseconds), then 10 of chance."""
    microseconds = int((at or clock.now()).timestamp() * 1_000_000)
    return f"{microseconds:014x}{secrets.randbits(40):010x}"


def _base32(number: int, length: int) -> str:
    return "".join(_ALPHABET[(number >> (5 * place)) & 31] for place in reversed(range(length)))
