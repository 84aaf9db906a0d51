"""`/rebalances/books/{id}`: one book as it is worked on, its accounts side by side, and its block orders."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import msgspec
from fastapi import Request
from nicegui import ui
from starlette.responses import Response

from steelyard.dashboard import figures
from steelyard.dashboard.dpm_book_accounts import AccountList
from steelyard.dashboard.dpm_book_blocks import draw_blocks
from steelyard.dashboard.dpm_books_page import book_url
from steelyard.dashboard.dpm_result import show_result, status_badge
from steelyard.dashboard.dpm_tabs import BOOKS, show_tabs
from steelyard.dashboard.dpm_words import words_of
from steelyard.dashboard.job_card import Acts, JobCard
from steelyard.dashboard.shell import card, facts, shell, tile, title
from steelyard.dashboard.visit import Visit, arrive, to_login
from steelyard.infra.jobs import Job, JobStatus
from steelyard.rebalance import book_service
from steelyard.rebalance.book_rows import STATUSES
from steelyard.rebalance.book_service import BookStatus

_ACTS = Acts("rebalance:write", book_service.cancel_book, book_service.resume_book)
_EXPLAINED = {
    "READY": "accounts whose orders may go",
    "PENDING_REVIEW": "accounts that somebody has to look at; in no block",
    "BLOCKED": "accounts that may not trade",
    "FAILED": "accounts without a result",
}


def register() -> None:
    """Serve the pages of a book and of its accounts."""
    ui.page(f"{BOOKS}/{{book_id}}", title="Book of rebalances · Steelyard", response_timeout=30)(_book)
    ui.page(f"{BOOKS}/{{book_id}}/accounts/{{portfolio_id:path}}", title="Account · Steelyard", response_timeout=30)(
        _account
    )


async def _book(request: Request, book_id: str) -> Response | None:
    visit = await arrive(request, scope="rebalance:read")
    if visit is None:
        return to_login(request)
    status = await _read(visit, book_id)
    with shell(visit, "/rebalances"):
        made = f"{book_id}, submitted {figures.moment(status.job.created_at)} UTC"
        title(f"Book of {figures.counted(status.book.accounts, 'portfolio')}", made)
        await show_tabs(visit, BOOKS)
        await _Page(visit, status).draw()
    return None


async def _account(request: Request, book_id: str, portfolio_id: str) -> Response | None:
    visit = await arrive(request, scope="rebalance:read")
    if visit is None:
        return to_login(request)
    await _read(visit, book_id)
    async with visit.database.reading() as session:
        stored = await book_service.get_result(session, book_id, portfolio_id)
    result: dict[str, Any] = await asyncio.to_thread(msgspec.json.decode, stored)
    ui.page_title(f"{portfolio_id} · Steelyard")
    with shell(visit, "/rebalances"):
        with ui.element("div").classes("title-row"):
            title(f"Portfolio {portfolio_id}", f"{result['rebalance_run_id']}, an account of the book {book_id}")
            with ui.element("div").classes("row"):
                status_badge(result)
                ui.link("To the book", book_url(book_id)).classes("quiet")
                whole = f"/rebalance/book/{book_id}/accounts/{quote(portfolio_id, safe='')}"
                ui.link("As JSON", whole).classes("quiet")
        show_result(result)
    return None


async def _read(visit: Visit, book_id: str) -> BookStatus:
    async with visit.database.reading() as session:
        return await book_service.get_book(session, visit.jobs, visit.principal.tenant, book_id)


class _Page:
    def __init__(self, visit: Visit, status: BookStatus) -> None:
        self._visit, self._status = visit, status

    async def draw(self) -> None:
        book = self._status.book
        progress = JobCard(self._visit, self._status.job, _ACTS, self._look)
        with ui.element("div").classes("two wide-left"):
            progress.draw()
            with card(
                "Where this comes from", "Prices, shelf, models and portfolios as they were when it was submitted."
            ):
                facts(
                    [
                        ("Correlation id", book.correlation_id),
                        ("Policy pack", book.policy_pack_id or "none"),
                        ("Hash of the request", book.request_hash),
                    ]
                )
        with ui.element("div").classes("tiles").props('aria-label="Accounts"'):
            self._tiles = {status: tile(words_of(status).short, "", _EXPLAINED[status]) for status in STATUSES}
            self._waiting = tile("Waiting", "", "accounts that are still to be worked on")
        self._show_counts()
        self._results = ui.element("div").classes("parts")
        await progress.then(self._draw_results)

    async def _look(self) -> Job:
        self._status = await _read(self._visit, self._status.book.book_id)
        self._show_counts()
        return self._status.job

    def _show_counts(self) -> None:
        counts = self._status.counts
        for status, figure in self._tiles.items():
            tone = words_of(status).tone if counts[status] else "neutral"
            figure.set_text(figures.count(counts[status])).classes(replace=f"tile-value ink-{tone}")
        self._waiting.set_text(figures.count(self._status.book.accounts - sum(counts.values())))

    async def _draw_results(self) -> None:
        status = self._status
        with self._results:
            if status.job.status is JobStatus.COMPLETED:
                await draw_blocks(self._visit, status)
            if any(status.counts.values()):
                await AccountList(self._visit, status.book.book_id).draw()
