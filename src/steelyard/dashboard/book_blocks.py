"""The block orders of a book: one per security and side, its allocations on demand, and files to take away."""

from __future__ import annotations

from collections.abc import Mapping

from nicegui import ui

from steelyard.dashboard import figures
from steelyard.dashboard.model_page import tickers_of
from steelyard.dashboard.outcome import security_cell, side_badge
from steelyard.dashboard.shell import card, cell, words
from steelyard.dashboard.visit import Visit
from steelyard.models import book_service
from steelyard.models.book_service import BookStatus
from steelyard.models.book_store import BlockHead

BLOCKS_MAX = 500
"""Blocks sent to the browser; the files have all."""
ALLOCATIONS_MAX = 200
"""Likewise, portfolios of one block."""

_COLUMNS = (("Side", ""), ("Security", ""), ("Units", "num"), ("Portfolios", "num"), ("", ""))


async def draw_blocks(visit: Visit, status: BookStatus) -> None:
    """A card with the blocks of a completed book."""
    book_id = status.book.book_id
    async with visit.database.reading() as session:
        heads = await book_service.require_blocks(session, status)
    tickers = await tickers_of(visit, [head.security_id for head in heads[:BLOCKS_MAX]])
    note = "Sells first. The allocations of a block add up to it exactly."
    if len(heads) > BLOCKS_MAX:
        note = f"The first {BLOCKS_MAX:,} of {len(heads):,}; the files have all. {note}"
    with card(classes="blocks"):
        with ui.element("div").classes("card-head"):
            with ui.element("div"):
                words("h2", "Block orders")
                ui.label(note).classes("note")
            with ui.element("div").classes("row"):
                for name, kind in (("CSV", "csv"), ("FIX", "fix")):
                    ui.link(name, f"/books/{book_id}/blocks/{kind}").classes("quiet").props("download")
        if heads:
            _table(visit, book_id, heads[:BLOCKS_MAX], tickers)
        else:
            ui.label("No block: no portfolio has to trade.").classes("empty")


def _table(visit: Visit, book_id: str, heads: list[BlockHead], tickers: Mapping[str, str]) -> None:
    with ui.element("div").classes("scroll"), ui.element("table").classes("table cards compact").mark("blocks"):
        with ui.element("thead"), ui.element("tr"):
            for name, kind in _COLUMNS:
                words("th", name).classes(kind)
        with ui.element("tbody"):
            for head in heads:
                _row(visit, book_id, head, tickers)


def _row(visit: Visit, book_id: str, head: BlockHead, tickers: Mapping[str, str]) -> None:
    async def show() -> None:
        await _show_allocations(visit, book_id, head, tickers)

    with ui.element("tr"):
        with cell(""):
            side_badge(head.side.value)
        security_cell(head.security_id, tickers)
        cell("Units", figures.count(head.quantity), is_number=True)
        cell("Portfolios", figures.count(head.portfolios), is_number=True)
        with cell("").classes("num"):
            button = words("button", "Allocations").classes("quiet").props("type=button")
            button.props["aria-label"] = f"Allocations of {head.side.value} {head.security_id}"
            button.on("click", show)


async def _show_allocations(visit: Visit, book_id: str, head: BlockHead, tickers: Mapping[str, str]) -> None:
    async with visit.database.reading() as session:
        block = await book_service.get_block(session, book_id, head.side, head.security_id)
    shown = block.allocations[:ALLOCATIONS_MAX]
    with ui.dialog(value=True) as dialog, ui.card().classes("form"):
        words("h2", f"{head.side.value} {block.quantity:,} {tickers.get(head.security_id, head.security_id)}")
        if len(block.allocations) > len(shown):
            ui.label(f"The first {len(shown):,} of {len(block.allocations):,} portfolios; the files have all.").classes(
                "note"
            )
        with ui.element("div").classes("tall"), ui.element("table").classes("table compact").mark("allocations"):
            with ui.element("thead"), ui.element("tr"):
                words("th", "Portfolio")
                words("th", "Units").classes("num")
            with ui.element("tbody"):
                for one in shown:
                    with ui.element("tr"):
                        cell("Portfolio", one.portfolio_id)
                        cell("Units", figures.count(one.quantity), is_number=True)
        with ui.element("div").classes("row"):
            words("button", "Close").classes("quiet").props("type=button").on("click", dialog.close)
