"""The client document as a PDF on A4, with embedded fonts.

It depends on the document alone: the same artifact writes the same bytes, which is why reportlab is
asked to leave out the time and to take the file's id from its content.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Collection
from functools import partial
from html import escape
from typing import Any

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    HRFlowable,
    PageTemplate,
    Paragraph,
    Spacer,
)
from reportlab.platypus import Table as Grid

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

_FONT, _BOLD = "Vera", "VeraBd"  # they come with reportlab
_INK, _SOFT, _LINE = HexColor("#15212b"), HexColor("#4d5b67"), HexColor("#dfe4e6")
_STEEL, _BEFORE = HexColor("#1c5d88"), HexColor("#b9c3ca")
_TONES = {"neutral": "#4d5b67", "good": "#176b4e", "doubtful": "#8a5a0b", "bad": "#a3342c"}
_SIDE, _TOP, _BOTTOM = 15 * mm, 16 * mm, 20 * mm
_WIDTH = A4[0] - 2 * _SIDE
_ROOM = {"text": 1.0, "wide": 2.0, "badge": 0.2, "number": 0.6, "bars": 0.3}
"""Which columns get the room that a table leaves, in proportion."""
_NARROWEST = {"text": 60.0, "wide": 110.0, "badge": 44.0, "number": 44.0, "bars": 64.0}
"""Points that a column has at least; text in a narrower one is broken."""
_FACT_WIDTHS = (_WIDTH * 0.24, _WIDTH * 0.76)
_GAP = 7
"""Points between two columns."""

_BODY = ParagraphStyle("body", fontName=_FONT, fontSize=8.4, leading=11.6, textColor=_INK)
_NUMBER = ParagraphStyle("number", _BODY, alignment=TA_RIGHT)
_NAME = ParagraphStyle("name", _BODY, textColor=_SOFT)
_HEAD = ParagraphStyle("head", _NAME, fontSize=7.4, leading=9.6)
_HEAD_NUMBER = ParagraphStyle("head_number", _HEAD, alignment=TA_RIGHT)
_LEAD = ParagraphStyle("lead", _BODY, fontName=_BOLD, spaceAfter=6)
_NOTE = ParagraphStyle("note", _NAME, fontSize=7.6, leading=10.4, spaceBefore=2, spaceAfter=4)
_HEADLINE = ParagraphStyle("headline", _BODY, fontName=_BOLD, fontSize=11, leading=14, spaceBefore=13, spaceAfter=5)
_TITLE = ParagraphStyle("title", _BODY, fontName=_BOLD, fontSize=18, leading=22, spaceAfter=3)


_ONE_AT_A_TIME = threading.Lock()  # reportlab's fonts are shared and remember what they drew


def client_pdf(document: ClientDocument) -> bytes:
    """The whole file."""
    with _ONE_AT_A_TIME:
        return _drawn(document)


def _drawn(document: ClientDocument) -> bytes:
    glyphs = _glyphs()
    file = io.BytesIO()
    title = _printable(document.title, glyphs)
    template = BaseDocTemplate(file, pagesize=A4, title=title, lang="en", invariant=1, initialFontName=_FONT)
    frame = Frame(_SIDE, _BOTTOM, _WIDTH, A4[1] - _TOP - _BOTTOM, 0, 0, 0, 0)
    draw_footer = partial(_draw_footer, text=_printable(document.footer, glyphs))
    template.addPageTemplates([PageTemplate("page", [frame], onPage=draw_footer)])
    template.build(_Story(glyphs).of(document))
    return file.getvalue()


def _glyphs() -> Collection[int]:
    """The characters that the font can show."""
    for name in (_FONT, _BOLD):
        if name not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(name, f"{name}.ttf"))
    glyphs: Collection[int] = pdfmetrics.getFont(_FONT).face.charToGlyph
    return glyphs


def _printable(text: str, glyphs: Collection[int]) -> str:
    """``text`` with what the font cannot show as ``[U+4E2D]``: nothing is lost without a sign."""
    return "".join(one if ord(one) in glyphs and ord(one) >= 32 else f"[U+{ord(one):04X}]" for one in text)


def _draw_footer(canvas: Canvas, _: Any, *, text: str) -> None:
    canvas.saveState()
    canvas.setStrokeColor(_LINE)
    canvas.line(_SIDE, _BOTTOM - 5 * mm, A4[0] - _SIDE, _BOTTOM - 5 * mm)
    canvas.setFillColor(_SOFT)
    canvas.setFont(_FONT, 7)
    canvas.drawString(_SIDE, _BOTTOM - 9 * mm, _shortened(text, _WIDTH - 30 * mm))
    canvas.drawRightString(A4[0] - _SIDE, _BOTTOM - 9 * mm, f"Page {canvas.getPageNumber()}")
    canvas.restoreState()


def _shortened(text: str, width: float) -> str:
    if pdfmetrics.stringWidth(text, _FONT, 7) <= width:
        return text
    while text and pdfmetrics.stringWidth(f"{text}\u2026", _FONT, 7) > width:
        text = text[:-1]
    return f"{text}\u2026"


class _Story:
    """The document as what reportlab lays out, one piece after the other."""

    def __init__(self, glyphs: Collection[int]) -> None:
        self._glyphs = glyphs

    def of(self, document: ClientDocument) -> list[Flowable]:
        rule = HRFlowable(width="100%", thickness=2, color=_STEEL, spaceBefore=8, spaceAfter=0)
        story = [self._text(document.title, _TITLE), self._text(document.subtitle, _NAME), rule]
        for section in document.sections:
            story += self._section(section)
        return story

    def _section(self, section: Section) -> list[Flowable]:
        first, *others = section.blocks
        head = [CondPageBreak(45 * mm), self._text(section.headline, _HEADLINE)]
        return [*head, *self._block(first), *[piece for block in others for piece in self._block(block)]]

    def _block(self, block: Block) -> list[Flowable]:
        match block:
            case Text(text, "neutral"):
                return [self._text(text, _NOTE)]
            case Text(text, tone):
                return [self._text(text, ParagraphStyle(tone, _LEAD, textColor=HexColor(_TONES[tone])))]
            case Facts(rows):
                cells = [[self._text(name, _NAME), self._cell(cell, _BODY, _FACT_WIDTHS[1])] for name, cell in rows]
                return [Grid(cells, _FACT_WIDTHS, style=_FACTS), Spacer(1, 5)]
            case Table():
                return self._table(block)

    def _table(self, table: Table) -> list[Flowable]:
        widths = self._widths(table)
        head = [self._text(one.name, _HEAD_NUMBER if one.kind == "number" else _HEAD) for one in table.columns]
        styles = [_NUMBER if column.kind == "number" else _BODY for column in table.columns]
        rows = [
            [self._cell(cell, style, width - _GAP) for cell, style, width in zip(row, styles, widths, strict=True)]
            for row in table.rows
        ]
        grid = Grid([head, *rows], widths, repeatRows=1, style=_style(table.columns))
        return [grid, Spacer(1, 6), *([self._text(table.note, _NOTE)] if table.note else [])]

    def _widths(self, table: Table) -> list[float]:
        """As wide as what is in them; what is left is shared out, what is too much is taken from the widest."""
        kinds = [column.kind for column in table.columns]
        widths = [max(_NARROWEST[kind], self._natural(table, place)) for place, kind in enumerate(kinds)]
        excess = sum(widths) - _WIDTH
        if excess <= 0:
            total = sum(_ROOM[kind] for kind in kinds)
            return [width - excess * _ROOM[kind] / total for width, kind in zip(widths, kinds, strict=True)]
        slack = [width - _NARROWEST[kind] for width, kind in zip(widths, kinds, strict=True)]
        return [width - excess * more / sum(slack) for width, more in zip(widths, slack, strict=True)]

    def _natural(self, table: Table, place: int) -> float:
        texts = [_printable(text_of(row[place]), self._glyphs) for row in table.rows]
        widest = max((pdfmetrics.stringWidth(text, _FONT, _BODY.fontSize) for text in texts), default=0.0)
        head = pdfmetrics.stringWidth(table.columns[place].name, _FONT, _HEAD.fontSize)
        return float(max(widest, head)) + _GAP + 1

    def _cell(self, cell: Cell, style: ParagraphStyle, width: float) -> Flowable | str:
        match cell:
            case BarPair(before, after):
                return _Bars(before, after, width)
            case Badge(text, tone):
                return self._text(text, ParagraphStyle(tone, style, textColor=HexColor(_TONES[tone])))
            case _:
                return self._short(text_of(cell), style, width)

    def _short(self, text: str, style: ParagraphStyle, width: float) -> Flowable | str:
        """Text as it is where it fits in its line, which lays out ten times faster than a paragraph."""
        text = _printable(text, self._glyphs)
        is_short = pdfmetrics.stringWidth(text, style.fontName, style.fontSize) < width
        return text if is_short else Paragraph(escape(text, quote=False), style)

    def _text(self, text: str, style: ParagraphStyle) -> Flowable:
        return Paragraph(escape(_printable(text, self._glyphs), quote=False), style)


class _Bars(Flowable):  # type: ignore[misc]  # reportlab has no types
    """Before over after."""

    def __init__(self, before: float, after: float, width: float) -> None:
        super().__init__()
        self._pair, self.width, self.height = (before, after), width, 9.0

    def wrap(self, *_: float) -> tuple[float, float]:
        return self.width, self.height

    def draw(self) -> None:
        for share, colour, floor in zip(self._pair, (_BEFORE, _STEEL), (5.0, 0.5), strict=True):
            self.canv.setFillColor(colour)
            self.canv.rect(0, floor, max(share * self.width, 0.7), 3.6, stroke=0, fill=1)


_PLAIN: list[tuple[Any, ...]] = [
    ("FONT", (0, 0), (-1, -1), _BODY.fontName, _BODY.fontSize, _BODY.leading),
    ("TEXTCOLOR", (0, 0), (-1, -1), _INK),
    ("LEFTPADDING", (0, 0), (-1, -1), 0),
]
_FACTS = [
    *_PLAIN,
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ("TOPPADDING", (0, 0), (-1, -1), 1),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
]


def _style(columns: tuple[Column, ...]) -> list[tuple[Any, ...]]:
    numbers = [("ALIGN", (at, 0), (at, -1), "RIGHT") for at, one in enumerate(columns) if one.kind == "number"]
    return [
        *_PLAIN,
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("VALIGN", (0, 0), (-1, 0), "BOTTOM"),
        ("RIGHTPADDING", (0, 0), (-1, -1), _GAP),
        ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
        ("TOPPADDING", (0, 0), (-1, -1), 3),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
        ("LINEBELOW", (0, 0), (-1, -1), 0.5, _LINE),
        *numbers,
    ]
