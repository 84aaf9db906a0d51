"""`/rebalances/new`: a request pasted, uploaded or picked, and run as `POST /rebalance/simulate` runs it."""

from __future__ import annotations

import asyncio
import secrets

import msgspec
from fastapi import Request
from nicegui import ui
from starlette.responses import Response

from steelyard.core.errors import SteelyardError
from steelyard.dashboard.dpm_editor import RequestEditor
from steelyard.dashboard.dpm_result import show_result
from steelyard.dashboard.dpm_run_page import run_url
from steelyard.dashboard.dpm_tabs import show_tabs
from steelyard.dashboard.shell import card, shell, tell, title, words
from steelyard.dashboard.visit import Visit, arrive, to_login
from steelyard.rebalance.catalogue import Selectors
from steelyard.rebalance.demo import DEMOS, demo_named
from steelyard.rebalance.limits import HEADER_CHARACTERS_MAX
from steelyard.rebalance.service import Asked
from steelyard.rebalance.wire import MalformedBodyError, read_request

_FIELD = f"outlined dense hide-bottom-space maxlength={HEADER_CHARACTERS_MAX}"


def register() -> None:
    """Serve the page."""
    ui.page("/rebalances/new", title="New rebalance · Steelyard", response_timeout=30)(_new)


async def _new(request: Request, demo: str | None = None) -> Response | None:
    visit = await arrive(request, scope="rebalance:write")
    if visit is None:
        return to_login(request)
    with shell(visit, "/rebalances"):
        with ui.element("div").classes("title-row"):
            title("New rebalance", "Bring one portfolio to its model: check the request, run it, read what came of it.")
            with ui.element("div").classes("row"):
                ui.link("Compare scenarios", "/rebalances/what-if").classes("quiet")
        await show_tabs(visit)
        _Page(visit).draw(demo)
    return None


def new_key() -> str:
    """An idempotency key that nobody used yet."""
    return f"page-{secrets.token_hex(8)}"


class _Page:
    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._editor = RequestEditor(visit)

    def draw(self, demo: str | None) -> None:
        with ui.element("div").classes("two wide-left"):
            self._editor.draw(note="The JSON of POST /rebalance/simulate: paste it, upload a file or take an example.")
            with ui.element("div").classes("parts"):
                self._draw_run()
                self._editor.place_faults()
                self._editor.draw_examples()
        self._outcome = ui.element("div").classes("parts").props("id=outcome")
        self._editor.fill_with((demo_named(demo) if demo else None) or DEMOS[0])

    def _draw_run(self) -> None:
        with card("Run", "It is computed, recorded and shown; the same key with the same request gives the same run."):
            self._key = ui.input("Idempotency key", value=new_key()).props(_FIELD).classes("mono-input")
            with ui.expansion("More").classes("more").props("dense dense-toggle"), ui.element("div").classes("stack"):
                self._correlation = ui.input("Correlation id, if you have one").props(_FIELD)
                self._pack = ui.input("Policy pack, if one is to count").props(_FIELD)
                self._pack.set_visibility(self._visit.rebalancing.toggles.policy_packs)
            with ui.element("div").classes("row"):
                self._go = words("button", "Run it").classes("primary").props("type=button").on("click", self._run)
                words("button", "New key").classes("quiet").props("type=button").on(
                    "click", lambda: self._key.set_value(new_key())
                )

    async def _run(self) -> None:
        self._go.props("disabled").set_text("Running")
        self._editor.clear_faults()
        try:
            answer = await self._simulate()
        except MalformedBodyError as refused:
            await self._editor.show_faults(refused.errors)
        except SteelyardError as refused:
            tell(refused)
        else:
            self._show(answer)
        finally:
            self._go.props(remove="disabled").set_text("Run it")

    def _show(self, answer: bytes) -> None:
        """Go to the run; who may run but not read what was run is shown the answer here."""
        if self._visit.principal.may("rebalance:read"):
            ui.navigate.to(run_url(msgspec.json.decode(answer, type=_Answer).rebalance_run_id))
            return
        self._outcome.clear()
        with self._outcome:
            show_result(msgspec.json.decode(answer))
        ui.run_javascript("document.getElementById('outcome').scrollIntoView({behavior: 'smooth'})")

    async def _simulate(self) -> bytes:
        principal = await self._visit.still("rebalance:write")
        service = self._visit.rebalancing
        service.require_store(service.stores.runs)
        request = await asyncio.to_thread(read_request, self._editor.body())
        key = (self._key.value or "").strip() or new_key()
        asked = Asked(principal, _text(self._correlation), Selectors(pack_id=_text(self._pack)))
        return await service.simulate(asked, request, key)


class _Answer(msgspec.Struct):
    rebalance_run_id: str


def _text(field: ui.input) -> str | None:
    return (field.value or "").strip() or None
