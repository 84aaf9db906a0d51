"""Rows as CSV that a spreadsheet reads as what they are."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

_FORMULA_STARTS = tuple("=+-@\t\r")


def csv_lines(rows: Iterable[Iterable[object]]) -> str:
    """Rows as lines that end with CR LF, as RFC 4180 has it.

    Text that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    text = io.StringIO()
    csv.writer(text).writerows(map(_defused, row) for row in rows)
    return text.getvalue()


def _defused(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value
