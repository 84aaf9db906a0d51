"""`/rebalances/books/new`: a book pasted, uploaded or made up, queued as `POST /rebalance/book` queues it."""

from __future__ import annotations

import json
import secrets

from fastapi import Request
from nicegui import ui
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from steelyard.core.errors import SteelyardError
from steelyard.dashboard.dpm_books_page import book_url
from steelyard.dashboard.dpm_editor import RequestEditor
from steelyard.dashboard.dpm_tabs import BOOKS, show_tabs
from steelyard.dashboard.shell import card, shell, tell, title, words
from steelyard.dashboard.visit import Visit, arrive, to_login
from steelyard.rebalance import book_service
from steelyard.rebalance.catalogue import Selectors
from steelyard.rebalance.demo import demo_book
from steelyard.rebalance.service import Asked
from steelyard.rebalance.wire import MalformedBodyError


def register() -> None:
    """Serve the page."""
    ui.page(f"{BOOKS}/new", title="New book · Steelyard", response_timeout=30)(_new)


async def _new(request: Request) -> Response | None:
    visit = await arrive(request, scope="rebalance:write")
    if visit is None:
        return to_login(request)
    with shell(visit, "/rebalances"):
        title("New book", "Many portfolios against the same prices, shelf and models, worked on in the background.")
        await show_tabs(visit, BOOKS)
        _Page(visit).draw()
    return None


class _Page:
    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._editor = RequestEditor(visit, bytes_max=visit.settings.book_body_bytes_max)

    def draw(self) -> None:
        with ui.element("div").classes("two wide-left"):
            self._editor.draw(note="The JSON of POST /rebalance/book; portfolios may be names of stored snapshots.")
            with ui.element("div").classes("parts"):
                with card("Run", "The book is kept and worked on to its end, whatever happens to this page."):
                    self._go = words("button", "Run the book").classes("primary").props("type=button")
                    self._go.on("click", self._run)
                self._editor.place_faults()
                with card("Example", "The made-up portfolios of the examples as one book."):
                    words("button", "Put it into the text").classes("quiet").props("type=button").on(
                        "click", self._fill
                    )
        self._fill()

    def _fill(self) -> None:
        self._editor.fill(json.dumps(demo_book(), indent=2))

    async def _run(self) -> None:
        self._go.props("disabled").set_text("Queueing")
        self._editor.clear_faults()
        try:
            book_id = await self._submit()
        except MalformedBodyError as refused:
            await self._editor.show_faults(refused.errors)
        except SteelyardError as refused:
            tell(refused)
        else:
            ui.navigate.to(book_url(book_id))
        finally:
            self._go.props(remove="disabled").set_text("Run the book")

    async def _submit(self) -> str:
        principal = await self._visit.still("rebalance:write")
        service = self._visit.rebalancing
        service.require_store(service.stores.runs)
        pack = await service.pack_for(Asked(principal, None, Selectors()))
        correlation_id = f"corr_{secrets.token_hex(6)}"
        submission = await run_in_threadpool(book_service.read_submission, self._editor.body(), pack, correlation_id)
        async with self._visit.database.transaction() as session:
            status = await book_service.submit_book(session, self._visit.jobs, principal, submission)
        return status.book.book_id
