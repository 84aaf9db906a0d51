"""Sections of a proposal's document as cards: the same sections that the client's document is printed from."""

from __future__ import annotations

from nicegui import ui

from steelyard.dashboard.shell import badge, card, words
from steelyard.proposals.client_parts import (
    Badge,
    BarPair,
    Block,
    Cell,
    Column,
    Facts,
    Figure,
    Range,
    Section,
    Table,
    Text,
    text_of,
)

ROWS_UNSCROLLED_MAX = 14
"""Rows of a table that are shown at once; a longer one scrolls in its frame."""

_CLASSES = {"text": "wrap", "wide": "wrap", "badge": "", "number": "num", "bars": "pair-cell"}


def draw_section(section: Section) -> None:
    """Draw a section as a card."""
    with card(section.headline):
        for block in section.blocks:
            draw_block(block)


def draw_block(block: Block) -> None:
    """Draw a paragraph, facts or a table."""
    match block:
        case Text(text, "neutral"):
            ui.label(text).classes("note")
        case Text(text, tone):
            ui.label(text).classes(f"lead tone-{tone}")
        case Facts(rows):
            _facts(rows)
        case Table():
            _table(block)


def _facts(rows: tuple[tuple[str, Cell], ...]) -> None:
    with ui.element("dl").classes("facts"):
        for name, cell in rows:
            words("dt", name)
            _exact(words("dd", text_of(cell)), cell)


def _table(table: Table) -> None:
    scroll = "scroll tall" if len(table.rows) > ROWS_UNSCROLLED_MAX else "scroll"
    with ui.element("div").classes(scroll), ui.element("table").classes("table cards compact"):
        with ui.element("thead"), ui.element("tr"):
            for column in table.columns:
                words("th", column.name).classes("num" if column.kind == "number" else "")
        with ui.element("tbody"):
            for row in table.rows:
                with ui.element("tr"):
                    for place, (column, cell) in enumerate(zip(table.columns, row, strict=True)):
                        _cell(column, cell, is_first=place == 0)
    if table.note:
        ui.label(table.note).classes("note")


def _cell(column: Column, cell: Cell, *, is_first: bool) -> None:
    is_drawn = isinstance(cell, Badge | BarPair)
    element = words("td", "" if is_drawn else text_of(cell)).classes(_CLASSES[column.kind])
    element.props["data-name"] = column.name
    if is_first:
        element.classes("strong")
    _exact(element, cell)
    match cell:
        case Badge(text, tone):
            with element:
                badge(text, tone)
        case BarPair(before, after):
            with element, ui.element("div").classes("pair").props('aria-hidden="true"'):
                ui.element("div").classes("pair-before").style(f"width: {before:.2%}")
                ui.element("div").classes("pair-after").style(f"width: {after:.2%}")


def _exact(element: ui.element, cell: Cell) -> None:
    """A pointer that rests on a figure is told the number in full."""
    match cell:
        case Figure(_, exact):
            element.props["title"] = exact
        case Range(low, high):
            element.props["title"] = f"{low.exact} to {high.exact}"
        case _:
            pass
