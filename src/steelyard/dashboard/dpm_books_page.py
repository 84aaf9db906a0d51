"""`/rebalances/books`: whole books of discretionary portfolios, newest first."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Request
from nicegui import background_tasks, ui
from starlette.responses import Response

from steelyard.dashboard import figures
from steelyard.dashboard.dpm_tabs import BOOKS, show_tabs
from steelyard.dashboard.dpm_words import words_of
from steelyard.dashboard.progress import ProgressBar, StatusBadge, follow
from steelyard.dashboard.shell import card, cell, shell, title, words
from steelyard.dashboard.visit import Visit, arrive, to_login
from steelyard.infra.jobs import JobEvent
from steelyard.rebalance import book_service
from steelyard.rebalance.book_rows import STATUSES
from steelyard.rebalance.book_service import BookStatus

PAGE_BOOKS = 30


def register() -> None:
    """Serve the page."""
    ui.page(BOOKS, title="Books of rebalances · Steelyard")(_books)


def book_url(book_id: str) -> str:
    """The address of a book's page; ids of books need no quoting."""
    return f"{BOOKS}/{book_id}"


async def _books(request: Request, cursor: str | None = None) -> Response | None:
    visit = await arrive(request, scope="rebalance:read")
    if visit is None:
        return to_login(request)
    async with visit.database.reading() as session:
        found, older = await book_service.list_books(
            session, visit.jobs, visit.principal.tenant, limit=PAGE_BOOKS, cursor=cursor, status=None
        )
    with shell(visit, "/rebalances"):
        with ui.element("div").classes("title-row"):
            title("Books of rebalances", "Many portfolios against the same prices, shelf and models, and their orders.")
            if visit.principal.may("rebalance:write"):
                ui.link("New book", f"{BOOKS}/new").classes("primary")
        await show_tabs(visit, BOOKS)
        with card():
            if found:
                _table(visit, found)
            else:
                ui.label("No book yet.").classes("empty")
            if older:
                with ui.element("div").classes("row"):
                    ui.link("Older", f"{BOOKS}?cursor={older}").classes("quiet")
    return None


def _table(visit: Visit, found: Sequence[BookStatus]) -> None:
    counted = [(words_of(status).short, "num") for status in STATUSES]
    columns = [("Book", ""), ("State", ""), ("Progress", ""), ("Portfolios", "num"), *counted, ("Made (UTC)", "num")]
    with ui.element("div").classes("scroll"), ui.element("table").classes("table cards").mark("books"):
        with ui.element("thead"), ui.element("tr"):
            for name, kind in columns:
                words("th", name).classes(kind)
        with ui.element("tbody"):
            for status in found:
                _row(visit, status)


def _row(visit: Visit, status: BookStatus) -> None:
    book, job = status.book, status.job
    with ui.element("tr"):
        with cell(""):
            ui.link(book.book_id, book_url(book.book_id)).classes("mono")
        with cell("State"):
            state = StatusBadge(job.status)
        with cell("Progress"):
            bar = ProgressBar(job.status, job.progress)
        cell("Portfolios", figures.count(book.accounts), is_number=True)
        for outcome in STATUSES:
            cell(words_of(outcome).short, figures.count(status.counts[outcome]), is_number=True)
        cell("Made (UTC)", figures.moment(job.created_at), is_number=True).classes("soft")

    def show(event: JobEvent) -> None:
        state.show(event.status)
        bar.show(event.status, event.percent)

    if not job.status.is_final:
        background_tasks.create(follow(visit, job.id, show), name=f"follow {job.id}", context=ui.context.client)
