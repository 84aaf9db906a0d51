"""The portfolios of a book that got no orders: code and words of each, and the facts behind them on demand."""

from __future__ import annotations

from collections.abc import Sequence

from nicegui import ui

from steelyard.dashboard import figures
from steelyard.dashboard.failures import show_failure
from steelyard.dashboard.model_page import tickers_of
from steelyard.dashboard.shell import badge, card, cell, words
from steelyard.dashboard.visit import Visit
from steelyard.models import book_store
from steelyard.models.book_store import StoredResult

PAGE_FAILURES = 50

_COLUMNS = ("Portfolio", "Code", "Why", "")


async def draw_failures(visit: Visit, book_id: str) -> None:
    """A card with the first of them, and a button that appends more."""
    last = -1

    async def more() -> None:
        nonlocal last
        async with visit.database.reading() as session:
            found = await book_store.list_results(session, book_id, is_failed=True, after=last, limit=PAGE_FAILURES + 1)
        with body:
            for result in found[:PAGE_FAILURES]:
                _row(visit, result)
        last = found[:PAGE_FAILURES][-1].place if found else last
        foot.set_visibility(len(found) > PAGE_FAILURES)

    with card("Without orders", "Nothing is ordered for these portfolios; the others are not touched by it."):
        with ui.element("div").classes("scroll tall"), ui.element("table").classes("table cards").mark("failures"):
            with ui.element("thead"), ui.element("tr"):
                for name in _COLUMNS:
                    words("th", name)
            body = ui.element("tbody")
        with ui.element("div").classes("row") as foot:
            button = words("button", f"Show {figures.count(PAGE_FAILURES)} more").classes("quiet")
            button.props("type=button").on("click", more)
    await more()


def _row(visit: Visit, result: StoredResult) -> None:
    error = dict(result.error or {})

    async def show() -> None:
        tickers = await tickers_of(visit, _securities(error["details"].get("nearest", ())))
        with ui.dialog(value=True) as dialog, ui.card().classes("form"):
            words("h2", result.portfolio_id)
            show_failure(error, tickers)
            with ui.element("div").classes("row"):
                words("button", "Close").classes("quiet").props("type=button").on("click", dialog.close)

    with ui.element("tr"):
        cell("", result.portfolio_id).classes("strong")
        with cell("Code"):
            badge(error["code"], "bad")
        cell("Why", error["message"]).classes("wrap soft wrap-any")
        with cell(""):
            details = words("button", "Details").classes("quiet").props("type=button")
            details.props["aria-label"] = f"Details of {result.portfolio_id}"
            details.on("click", show)


def _securities(named: Sequence[str]) -> list[str]:
    return [str(one) for one in named]
