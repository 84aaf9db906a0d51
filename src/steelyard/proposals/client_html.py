"""The client document as one HTML file: no script, nothing fetched from elsewhere, prints on A4.

It depends on the document alone: the same artifact writes the same bytes.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from string import Template

from steelyard.proposals.client_parts import (
    Badge,
    BarPair,
    Block,
    Cell,
    ClientDocument,
    Column,
    Facts,
    Section,
    Table,
    Text,
    text_of,
)

_TEMPLATE = Path(__file__).with_name("client_document.html")
_CLASSES = {"text": "", "wide": ' class="long"', "badge": "", "number": ' class="num"', "bars": ' class="bars"'}


def client_html(document: ClientDocument) -> str:
    """The whole file; every text of the document is escaped."""
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=escape(document.title),
        subtitle=escape(document.subtitle),
        footer=escape(document.footer),
        sections="\n".join(map(_section, document.sections)),
    )


def _section(section: Section) -> str:
    return f"<section><h2>{escape(section.headline)}</h2>{''.join(map(_block, section.blocks))}</section>"


def _block(block: Block) -> str:
    match block:
        case Text(text, "neutral"):
            return f"<p>{escape(text)}</p>"
        case Text(text, tone):
            return f'<p class="lead {tone}">{escape(text)}</p>'
        case Facts(rows):
            return f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{_cell(cell)}</dd>' for name, cell in rows)}</dl>"
        case Table():
            return _table(block)


def _table(table: Table) -> str:
    head = "".join(f"<th{_CLASSES[column.kind]}>{escape(column.name)}</th>" for column in table.columns)
    body = "".join(_row(table.columns, row) for row in table.rows)
    note = f'<p class="small">{escape(table.note)}</p>' if table.note else ""
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{note}'


def _row(columns: tuple[Column, ...], row: tuple[Cell, ...]) -> str:
    cells = "".join(f"<td{_CLASSES[column.kind]}>{_cell(cell)}</td>" for column, cell in zip(columns, row, strict=True))
    return f"<tr>{cells}</tr>"


def _cell(cell: Cell) -> str:
    match cell:
        case BarPair(before, after):
            return _bar("bar before", before) + _bar("bar", after)
        case Badge(text, tone):
            return f'<span class="badge {tone}">{escape(text)}</span>'
        case _:
            return escape(text_of(cell))


def _bar(classes: str, share: float) -> str:
    return f'<span class="{classes}" style="width:{share:.2%}"></span>'
