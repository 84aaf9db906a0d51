"""`/books`: rebalances of whole books, newest first, and how to begin one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import Request
from nicegui import background_tasks, ui
from pydantic import ValidationError
from starlette.responses import Response

from steelyard.core.errors import SteelyardError
from steelyard.dashboard import figures
from steelyard.dashboard.progress import ProgressBar, StatusBadge, follow
from steelyard.dashboard.shell import card, cell, shell, title, words
from steelyard.dashboard.visit import Visit, arrive, to_login
from steelyard.infra.jobs import Job, JobEvent
from steelyard.models import book_service
from steelyard.models.book_schemas import BatchPost
from steelyard.models.book_service import BookStatus

PAGE_BOOKS = 30
MODELS_OFFERED = 1_000
"""Models that the form lists; all of them can be chosen at once however many there are."""

_COLUMNS = (
    ("Book", ""), ("State", ""), ("Progress", ""), ("Models", ""), ("Portfolios", "num"), ("Failed", "num"),
    ("Trade date", "num"), ("Created (UTC)", "num"),
)  # fmt: skip


def register() -> None:
    """Serve the page."""
    ui.page("/books", title="Books · Steelyard")(_books)


async def _books(request: Request, cursor: str | None = None) -> Response | None:
    visit = await arrive(request, scope="models:read")
    if visit is None:
        return to_login(request)
    async with visit.database.reading() as session:
        found, following = await book_service.list_books(
            session, visit.jobs, visit.principal.tenant, limit=PAGE_BOOKS, cursor=cursor, status=None
        )
    with shell(visit, "/books"):
        with ui.element("div").classes("title-row"):
            title("Books", "Every portfolio of many models at once, and the block orders that come of it.")
            if visit.principal.may("models:write"):
                _new_book_button(visit)
        with card():
            if found:
                _table(visit, found)
            else:
                ui.label("No book yet. Start one with Rebalance book.").classes("empty")
            if following:
                with ui.element("div").classes("row"):
                    ui.link("Older", f"/books?cursor={following}").classes("quiet")
    return None


def _table(visit: Visit, found: Sequence[BookStatus]) -> None:
    with ui.element("div").classes("scroll"), ui.element("table").classes("table cards").mark("books"):
        with ui.element("thead"), ui.element("tr"):
            for name, kind in _COLUMNS:
                words("th", name).classes(kind)
        with ui.element("tbody"):
            for status in found:
                _row(visit, status)


def _row(visit: Visit, status: BookStatus) -> None:
    book, job = status.book, status.job
    with ui.element("tr"):
        with cell(""):
            ui.link(book.book_id, f"/books/{book.book_id}").classes("mono")
        with cell("State"):
            state = StatusBadge(job.status)
        with cell("Progress"):
            bar = ProgressBar(job.status, job.progress)
        cell("Models", _named(status)).classes("wrap")
        cell("Portfolios", figures.count(book.portfolios), is_number=True)
        cell("Failed", figures.count(status.counts.failed), is_number=True)
        cell("Trade date", book.trade_date.isoformat(), is_number=True).classes("soft")
        cell("Created (UTC)", figures.moment(job.created_at), is_number=True).classes("soft")

    def show(event: JobEvent) -> None:
        state.show(event.status)
        bar.show(event.status, event.percent)

    if not job.status.is_final:
        background_tasks.create(follow(visit, job.id, show), name=f"follow {job.id}", context=ui.context.client)


def _named(status: BookStatus) -> str:
    models = status.book.models
    more = f" and {len(models) - 2:,} more" if len(models) > 2 else ""
    return ", ".join(model.name for model in models[:2]) + more


def _new_book_button(visit: Visit) -> None:
    async def open_form() -> None:
        models = await visit.models.store.list_models(visit.principal.tenant, limit=MODELS_OFFERED, sort_by=("name",))
        names = {model.model_id: f"{model.name} ({len(model.portfolios):,})" for model in models}
        with ui.dialog(value=True) as dialog, ui.card().classes("form"):
            _draw_form(visit, names, dialog)

    words("button", "Rebalance book").classes("primary").props("type=button").on("click", open_form)


def _draw_form(visit: Visit, names: dict[str, str], dialog: ui.dialog) -> None:
    style = "outlined dense hide-bottom-space"
    words("h2", "Rebalance book")
    every = ui.checkbox("All models", value=True)
    chosen = ui.select(names, multiple=True, value=[], label="Models").props(f"{style} use-chips")
    chosen.bind_visibility_from(every, "value", value=False)
    day = ui.input("Trade date, today if left out").props(f"{style} type=date stack-label")
    refusal = ui.label().classes("error").props("role=alert")

    async def go() -> None:
        button.props("disabled")
        refusal.set_text("")
        try:
            job = await _submit(visit, {"all": True} if every.value else {"modelIds": chosen.value}, day.value)
        except ValidationError as refused:
            refusal.set_text("; ".join(error["msg"].removeprefix("Value error, ") for error in refused.errors()))
        except SteelyardError as refused:
            if refused.http_status == 500:
                raise
            refusal.set_text(refused.message)
        else:
            ui.navigate.to(f"/books/{job.id}")
        finally:
            button.props(remove="disabled")

    with ui.element("div").classes("row"):
        button = words("button", "Rebalance").classes("primary").props("type=button")
        button.on("click", go)
        words("button", "Cancel").classes("quiet").props("type=button").on("click", dialog.close)


async def _submit(visit: Visit, which: dict[str, Any], day: str | None) -> Job:
    """Check, plan and queue, as the API does."""
    principal = await visit.still("models:write")
    body = BatchPost.model_validate(which | {"tradeDate": day or None})
    ids = None if body.all else body.model_ids
    plan = await book_service.plan_of(visit.models, principal.tenant, ids, body.trade_date, body.options_of)
    async with visit.database.transaction() as session:
        return await book_service.submit_book(session, visit.jobs, principal, plan)
