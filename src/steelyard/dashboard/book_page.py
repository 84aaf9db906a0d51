"""`/books/{id}`: one book as it is worked on, what failed and why, and its block orders."""

from __future__ import annotations

from fastapi import Request
from nicegui import ui
from starlette.responses import Response

from steelyard.core.errors import SteelyardError
from steelyard.dashboard import figures
from steelyard.dashboard.book_blocks import draw_blocks
from steelyard.dashboard.book_failures import draw_failures
from steelyard.dashboard.job_card import Acts, JobCard
from steelyard.dashboard.model_page import tickers_of
from steelyard.dashboard.outcome import securities_of, show_portfolio
from steelyard.dashboard.shell import card, facts, shell, tile, title, words
from steelyard.dashboard.visit import Visit, arrive, to_login
from steelyard.infra.jobs import Job, JobStatus
from steelyard.models import book_service
from steelyard.models.book_service import BookStatus
from steelyard.models.stores import RebalanceRecord

MODELS_SHOWN = 20
_ACTS = Acts("models:write", book_service.cancel_book, book_service.resume_book)


def register() -> None:
    """Serve the page."""
    ui.page("/books/{book_id}", title="Book · Steelyard", response_timeout=30)(_book)


async def _book(request: Request, book_id: str) -> Response | None:
    visit = await arrive(request, scope="models:read")
    if visit is None:
        return to_login(request)
    status = await _read(visit, book_id)
    with shell(visit, "/books"):
        title(f"Book for {status.book.trade_date}", f"{book_id}, submitted {figures.moment(status.job.created_at)} UTC")
        page = _Page(visit, status)
        await page.draw()
    return None


async def _read(visit: Visit, book_id: str) -> BookStatus:
    async with visit.database.reading() as session:
        return await book_service.get_book(session, visit.jobs, visit.principal.tenant, book_id)


class _Page:
    def __init__(self, visit: Visit, status: BookStatus) -> None:
        self._visit = visit
        self._status = status

    async def draw(self) -> None:
        progress = JobCard(self._visit, self._status.job, _ACTS, self._look)
        with ui.element("div").classes("two wide-left"):
            progress.draw()
            self._draw_models()
        with ui.element("div").classes("tiles").props('aria-label="Portfolios"'):
            self._rebalanced = tile("Rebalanced", "", "portfolios with an answer", "good")
            self._failed = tile("Failed", "", "portfolios without one; nothing is ordered for them")
            self._waiting = tile("Waiting", "", "portfolios that are still to be worked on")
            self._blocks = tile("Blocks", "", "orders per security and side, over all portfolios")
        self._show_counts()
        self._results = ui.element("div").classes("parts")
        await progress.then(self._draw_results)

    async def _look(self) -> Job:
        self._status = await _read(self._visit, self._status.book.book_id)
        self._show_counts()
        return self._status.job

    def _draw_models(self) -> None:
        book = self._status.book
        pairs = [
            (model.name, f"version {model.version}, {figures.counted(count, 'portfolio')}")
            for model, count in zip(book.models, book.counts, strict=True)
        ]
        more = len(pairs) - MODELS_SHOWN
        with card("Models", "As they were when the book was submitted."):
            facts(pairs[:MODELS_SHOWN] + ([("and more", f"{more:,} models")] if more > 0 else []))

    def _show_counts(self) -> None:
        book, counts = self._status.book, self._status.counts
        self._rebalanced.set_text(figures.count(counts.rebalanced))
        self._failed.set_text(figures.count(counts.failed))
        self._failed.classes(replace=f"tile-value ink-{'bad' if counts.failed else 'neutral'}")
        self._waiting.set_text(figures.count(book.portfolios - counts.rebalanced - counts.failed))
        self._blocks.set_text(figures.count((self._status.job.result_data or {}).get("blocks")))

    async def _draw_results(self) -> None:
        status, visit = self._status, self._visit
        with self._results:
            if status.counts.failed:
                await draw_failures(visit, status.book.book_id)
            if status.job.status is JobStatus.COMPLETED:
                await draw_blocks(visit, status)
            if status.counts.rebalanced:
                self._draw_search()

    def _draw_search(self) -> None:
        """Orders of one portfolio, asked for by its id."""

        async def show() -> None:
            place.clear()
            wanted.error = None
            try:
                async with self._visit.database.reading() as session:
                    result = await book_service.portfolio_of_book(session, book, (wanted.value or "").strip())
            except SteelyardError as refused:
                if refused.http_status == 500:
                    raise
                wanted.error = refused.message
                return
            tickers = await tickers_of(self._visit, securities_of([result]))
            with place:
                show_portfolio(record, result, tickers, mode=self._visit.mode)

        book = self._status.book
        record = RebalanceRecord(book.book_id, "", "", book.created_at, book.trade_date, book.portfolios)
        with (
            card("One portfolio of this book", "Its drift before and after, its orders, and the reasons."),
            ui.element("div").classes("row"),
        ):
            wanted = ui.input(placeholder="Portfolio id").classes("grow").on("keydown.enter", show)
            wanted.props('outlined dense hide-bottom-space aria-label="Portfolio id"')
            words("button", "Show").classes("quiet").props("type=button").on("click", show)
        place = ui.element("div").classes("parts")
