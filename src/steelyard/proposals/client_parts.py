"""What the client document is made of: sections of text, tables and bars, and figures that name their source.

A figure carries the text of the artifact that it stands for beside the text that is shown, so that
anyone can check that it was formatted and not computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from steelyard.proposals.funding import round_cents

Tone = Literal["neutral", "good", "doubtful", "bad"]

ROWS_MAX = 500
"""Rows of a table in the document; the artifact has all."""

NONE = "\N{EN DASH}"
"""What stands where the artifact has nothing."""

QUANTITY_DECIMALS = 6
"""Decimals at which a quantity is shown."""


_TONES: Mapping[str, Tone] = {
    "READY": "good", "PENDING_REVIEW": "doubtful", "BLOCKED": "bad",
    "NEW": "bad", "PERSISTENT": "neutral", "RESOLVED": "good",
    "HIGH": "bad", "MEDIUM": "doubtful", "LOW": "neutral",
    "RISK_REVIEW_REQUIRED": "doubtful", "COMPLIANCE_REVIEW_REQUIRED": "doubtful",
    "CLIENT_CONSENT_REQUIRED": "good", "EXECUTION_READY": "good",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of the artifact.

    Attributes:
        text: as it is shown.
        exact: as the artifact has it.
    """

    text: str
    exact: str


@dataclass(frozen=True, slots=True)
class Badge:
    """A word in a pill."""

    text: str
    tone: Tone = "neutral"


@dataclass(frozen=True, slots=True)
class BarPair:
    """Two bars, before over after; each a share of the largest, 0..1."""

    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Range:
    """From one figure to another."""

    low: Figure
    high: Figure


Cell = str | Figure | Badge | BarPair | Range


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column."""

    name: str
    kind: Literal["text", "wide", "badge", "number", "bars"] = "text"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; ``note`` stands below."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and values."""

    rows: tuple[tuple[str, Cell], ...]


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    text: str
    tone: Tone = "neutral"


Block = Table | Facts | Text


@dataclass(frozen=True, slots=True)
class Section:
    """A headline and what is below it; ``key`` names it to programs."""

    key: str
    headline: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class ClientDocument:
    """The whole document."""

    title: str
    subtitle: str
    footer: str
    sections: tuple[Section, ...]


def text_of(cell: Cell) -> str:
    """What a cell says; bars say nothing."""
    match cell:
        case Figure(text) | Badge(text) | str(text):
            return text
        case Range(low, high):
            return f"{low.text} to {high.text}"
        case BarPair():
            return ""


def table(columns: Sequence[Column], rows: Sequence[tuple[Cell, ...]], note: str = "") -> Table:
    """A table of at most ``ROWS_MAX`` rows, which says where the others are."""
    if len(rows) > ROWS_MAX:
        note = f"{note} Further rows are in the artifact.".strip()
    return Table(tuple(columns), tuple(rows[:ROWS_MAX]), note)


def tone_of(code: str) -> Tone:
    """How a status, a gate, a change or a severity is coloured."""
    return _TONES.get(code, "neutral")


def money(value: Any) -> Figure | str:
    """An amount at the decimals of its currency; a dash for none."""
    return NONE if value is None else amount(value["amount"], value["currency"])


def amount(exact: str, currency: str) -> Figure:
    """An amount at the decimals of its currency, which is named."""
    return Figure(f"{_signed(f'{round_cents(Decimal(exact), currency):,f}')} {currency}", exact)


def percent(exact: str) -> Figure:
    """A share 0..1 as percent with two decimals."""
    return Figure(_signed(f"{Decimal(exact) * 100:,.2f}") + " %", exact)


def quantity(exact: str) -> Figure:
    """Units, at most ``QUANTITY_DECIMALS``, no zeros at the end."""
    text = f"{Decimal(exact):,.{QUANTITY_DECIMALS}f}"
    return Figure(_signed(text.rstrip("0").rstrip(".")), exact)


def plain(exact: object) -> Figure:
    """A number with all its decimals."""
    return Figure(_signed(f"{Decimal(str(exact)):,f}"), str(exact))


def moment(exact: str) -> Figure:
    """A time to the minute; its offset is kept unless it is UTC."""
    day, _, rest = exact.partition("T")
    is_utc = rest.endswith(("+00:00", "Z"))
    return Figure(f"{day} {rest[:5]} UTC" if is_utc else exact, exact)


def _signed(text: str) -> str:
    """With a true minus, and none before what is shown as zero."""
    if not text.strip("-0.,"):
        return text.lstrip("-")
    return text.replace("-", "\N{MINUS SIGN}")
