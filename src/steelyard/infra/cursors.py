"""Cursors of lists that are sorted by time, newest first: opaque to the client, a time and an id to us."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime

from steelyard.core.errors import InvalidInputError


def cursor_after(at: datetime, row_id: str) -> str:
    """The cursor that goes on behind the row of this time and id."""
    return base64.urlsafe_b64encode(f"{at.isoformat()} {row_id}".encode()).decode()


def position_of(cursor: str) -> tuple[datetime, str]:
    """The time and the id behind which a cursor goes on.

    Raises:
        InvalidInputError: INVALID_CURSOR.
    """
    try:
        at, _, row_id = base64.urlsafe_b64decode(cursor.encode()).decode().partition(" ")
        position = datetime.fromisoformat(at)
        if position.tzinfo is None:
            raise ValueError
    except (binascii.Error, ValueError):
        message = f"`cursor` was {cursor[:100]!r}; give the `next_cursor` of the page before"
        raise InvalidInputError(message, code="INVALID_CURSOR") from None
    return position, row_id
