"""Long lists of a rebalance as AG Grid options: a table of a few dozen rows is laid out, a longer one is a grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nicegui import ui

from steelyard.dashboard import figures
from steelyard.dashboard.grids import PAGE_ROWS, Options, number_column, plain_grid

LAID_OUT_MAX = 60
"""Rows of a table that is laid out; every cell of it costs the server a third of a millisecond."""
GRID_ROWS_MAX = 5_000
"""Rows sent to the browser; the artifact has all."""

Columns = Sequence[tuple[str, str, int]]
"""Field, headline and width of texts; a negative width is that of a column of numbers with two decimals."""


def is_long(rows: Sequence[Any]) -> bool:
    """Whether a list is better shown as a grid."""
    return len(rows) > LAID_OUT_MAX


def show_grid(columns: Columns, rows: Sequence[Mapping[str, Any]]) -> None:
    """Draw a grid in pages, and say so where it does not have all rows."""
    ui.aggrid(long_grid(columns, rows), auto_size_columns=False).classes("long")
    if len(rows) > GRID_ROWS_MAX:
        ui.label(f"The first {figures.count(GRID_ROWS_MAX)} of {len(rows):,}; the artifact has all.").classes("note")


def long_grid(columns: Columns, rows: Sequence[Mapping[str, Any]]) -> Options:
    """The grid of the first ``GRID_ROWS_MAX`` rows; the last column takes what width is left."""
    definitions = [
        number_column(field, headline, 2, width=-width)
        if width < 0
        else {"field": field, "headerName": headline, "width": width, "filter": "agTextColumnFilter"}
        for field, headline, width in columns
    ]
    definitions[-1] |= {"flex": 1, "minWidth": definitions[-1]["width"]}
    fields = [field for field, _, _ in columns]
    shown = [{field: row[field] for field in fields} for row in rows[:GRID_ROWS_MAX]]
    return plain_grid(definitions, shown) | {
        "pagination": True,
        "paginationPageSize": PAGE_ROWS,
        "paginationPageSizeSelector": [PAGE_ROWS, 100, 500],
    }
