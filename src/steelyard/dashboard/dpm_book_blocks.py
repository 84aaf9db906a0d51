"""The block orders of a DPM book: what its ready accounts trade together, and who has how much of it."""

from __future__ import annotations

from nicegui import ui

from steelyard.dashboard import figures
from steelyard.dashboard.dpm_books_page import book_url
from steelyard.dashboard.dpm_figures import amount, quantity
from steelyard.dashboard.outcome import side_badge
from steelyard.dashboard.shell import card, cell, words
from steelyard.dashboard.visit import Visit
from steelyard.rebalance import book_service
from steelyard.rebalance.book_blocks import BlockOrder, NetOrder, net_orders
from steelyard.rebalance.book_service import BookStatus

BLOCKS_MAX = 500
"""Blocks sent to the browser; the file has all."""
ALLOCATIONS_MAX = 200
"""Likewise, accounts of one block."""

_COLUMNS = (
    ("Side", ""), ("Instrument", ""), ("Units", "num"), ("Notional", "num"), ("Accounts", "num"), ("Net", ""), ("", ""),
)  # fmt: skip


async def draw_blocks(visit: Visit, status: BookStatus) -> None:
    """A card with the blocks of a completed book."""
    book_id = status.book.book_id
    async with visit.database.reading() as session:
        blocks = await book_service.require_blocks(session, status)
    note = "What the ready accounts trade; the allocations of a block add up to it exactly."
    if len(blocks) > BLOCKS_MAX:
        note = f"The first {BLOCKS_MAX:,} of {len(blocks):,}; the file has all. {note}"
    with card(classes="blocks"):
        with ui.element("div").classes("card-head"):
            with ui.element("div"):
                words("h2", "Block orders")
                ui.label(note).classes("note")
            ui.link("CSV", f"{book_url(book_id)}/blocks.csv").classes("quiet").props("download")
        if blocks:
            _table(visit, book_id, blocks[:BLOCKS_MAX], {net.instrument_id: net for net in net_orders(blocks)})
        else:
            ui.label("No block: no ready account has to trade.").classes("empty")


def _table(visit: Visit, book_id: str, blocks: list[BlockOrder], nets: dict[str, NetOrder]) -> None:
    with ui.element("div").classes("scroll"), ui.element("table").classes("table cards compact").mark("blocks"):
        with ui.element("thead"), ui.element("tr"):
            for name, kind in _COLUMNS:
                words("th", name).classes(kind)
        with ui.element("tbody"):
            for block in blocks:
                _row(visit, book_id, block, nets[block.instrument_id])


def _row(visit: Visit, book_id: str, block: BlockOrder, net: NetOrder) -> None:
    async def show() -> None:
        await _show_allocations(visit, book_id, block)

    with ui.element("tr"):
        with cell(""):
            side_badge(block.side)
        cell("Instrument", block.instrument_id).classes("strong wrap-any")
        cell("Units", quantity(block.quantity), is_number=True)
        cell("Notional", f"{amount(block.notional.amount)} {block.notional.currency}", is_number=True)
        cell("Accounts", figures.count(block.account_count), is_number=True)
        cell("Net", f"{net.side.lower()} {quantity(net.quantity)}" if net.side else "nothing").classes("soft")
        with cell("").classes("num"):
            button = words("button", "Allocations").classes("quiet").props("type=button")
            button.props["aria-label"] = f"Allocations of {block.side} {block.instrument_id}"
            button.on("click", show)


async def _show_allocations(visit: Visit, book_id: str, block: BlockOrder) -> None:
    async with visit.database.reading() as session:
        whole = await book_service.get_block(session, book_id, block.side, block.instrument_id)
    shares = whole.shares()
    with ui.dialog(value=True) as dialog, ui.card().classes("form"):
        words("h2", f"{block.side} {quantity(block.quantity)} {block.instrument_id}")
        if len(shares) > ALLOCATIONS_MAX:
            note = f"The first {ALLOCATIONS_MAX:,} of {len(shares):,} accounts; the file has all."
            ui.label(note).classes("note")
        with ui.element("div").classes("tall"), ui.element("table").classes("table compact").mark("allocations"):
            with ui.element("thead"), ui.element("tr"):
                words("th", "Portfolio")
                words("th", "Units").classes("num")
                words("th", f"Notional, {block.notional.currency}").classes("num")
            with ui.element("tbody"):
                for one in shares[:ALLOCATIONS_MAX]:
                    with ui.element("tr"):
                        cell("Portfolio", one.portfolio_id)
                        cell("Units", quantity(one.quantity), is_number=True)
                        cell("Notional", amount(one.notional), is_number=True)
        with ui.element("div").classes("row"):
            words("button", "Close").classes("quiet").props("type=button").on("click", dialog.close)
