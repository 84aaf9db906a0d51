"""Let DBOS run on an SQLite older than 3.42.

DBOS takes for granted that a Python from 3.12 on comes with an SQLite whose ``unixepoch('subsec')``
counts milliseconds.  Debian 12 and others pair such a Python with SQLite 3.40, where it is NULL and
DBOS's first insert fails.  DBOS makes engines of its own, so the function is given to every one.
"""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from sqlalchemy import Engine, event

_KNOWS_SUBSEC = (3, 42)


def install_subsec(connection: Any) -> None:
    """Give an SQLite connection ``unixepoch('subsec')``; other databases' are left alone."""
    if hasattr(connection, "create_function"):
        connection.create_function("unixepoch", 1, _unixepoch)


def _unixepoch(modifier: str) -> float | None:
    return time.time() if modifier == "subsec" else None


if sqlite3.sqlite_version_info < _KNOWS_SUBSEC:
    event.listen(Engine, "connect", lambda connection, _record: install_subsec(connection))
