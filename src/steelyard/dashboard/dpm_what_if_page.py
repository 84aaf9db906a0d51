"""`/rebalances/what-if`: one portfolio under several options, run as `POST /rebalance/analyze` runs them."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any

import msgspec
from fastapi import Request
from nicegui import ui
from starlette.responses import Response

from steelyard.core.errors import InvalidInputError, SteelyardError
from steelyard.dashboard.dpm_compare import show_comparison
from steelyard.dashboard.dpm_editor import RequestEditor
from steelyard.dashboard.dpm_scenarios import ScenarioList
from steelyard.dashboard.dpm_tabs import show_tabs
from steelyard.dashboard.shell import shell, tell, title, words
from steelyard.dashboard.visit import Visit, arrive, to_login
from steelyard.rebalance.catalogue import Selectors
from steelyard.rebalance.demo import SCENARIO_BASE, SCENARIOS, Demo, demo_named
from steelyard.rebalance.service import Asked
from steelyard.rebalance.values import BatchRebalanceRequest
from steelyard.rebalance.wire import MalformedBodyError, read_batch


def register() -> None:
    """Serve the page."""
    ui.page("/rebalances/what-if", title="What if · Steelyard", response_timeout=30)(_what_if)


async def _what_if(request: Request, demo: str | None = None) -> Response | None:
    visit = await arrive(request, scope="rebalance:write")
    if visit is None:
        return to_login(request)
    with shell(visit, "/rebalances"):
        await _Page(visit).draw((demo_named(demo) if demo else None) or SCENARIO_BASE)
    return None


class _Page:
    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._editor = RequestEditor(visit)
        self._scenarios = ScenarioList()

    async def draw(self, demo: Demo) -> None:
        with ui.element("div").classes("title-row"):
            title("What if", "One portfolio under several options, side by side.")
            with ui.element("div").classes("row"):
                ui.link("Run one request", "/rebalances/new").classes("quiet")
                self._go = words("button", "Run the scenarios").classes("primary").props("type=button")
                self._go.on("click", self._run)
        await show_tabs(self._visit)
        self._editor.place_faults()
        with ui.element("div").classes("two top-aligned"):
            self._scenarios.draw(take=self._take)
            self._editor.draw(
                note="Portfolio, prices, model and shelf. Its options play no part: each scenario has its own.",
                is_beside=True,
            )
        self._outcome = ui.element("div").classes("parts").props("id=outcome")
        self._editor.fill_with(demo)
        self._scenarios.fill(SCENARIOS)

    async def _run(self) -> None:
        self._go.props("disabled").set_text("Running")
        self._editor.clear_faults()
        try:
            scenarios = self._scenarios.read()
            if scenarios is not None:
                batch = await self._analyze(scenarios)
                self._show(batch, list(scenarios))
        except MalformedBodyError as refused:
            await self._editor.show_faults(refused.errors)
        except SteelyardError as refused:
            tell(refused)
        finally:
            self._go.props(remove="disabled").set_text("Run the scenarios")

    async def _analyze(self, scenarios: dict[str, Any]) -> dict[str, Any]:
        principal = await self._visit.still("rebalance:write")
        service = self._visit.rebalancing
        service.require_store(service.stores.runs)
        request = await asyncio.to_thread(_batch, self._editor.body(), scenarios)
        answer = await service.analyze(Asked(principal, None, Selectors()), request)
        found: dict[str, Any] = await asyncio.to_thread(msgspec.json.decode, answer)
        return found

    def _show(self, batch: dict[str, Any], order: list[str]) -> None:
        self._outcome.clear()
        with self._outcome:
            show_comparison(batch, order=order, mode=self._visit.mode)
        ui.run_javascript("document.getElementById('outcome').scrollIntoView({behavior: 'smooth'})")

    def _take(self) -> None:
        """Show the scenarios of the text, or its options as one."""
        try:
            body = json.loads(self._editor.body() or b"{}")
        except (ValueError, RecursionError):
            body = None
        found = body.get("scenarios") if isinstance(body, dict) else None
        if found is None and isinstance(body, dict) and isinstance(body.get("options"), dict):
            found = {"as-in-the-text": {"options": body["options"]}}
        if not isinstance(found, dict) or not all(map(_is_scenario, found.values())):
            tell(InvalidInputError("the text has neither scenarios nor options; both are JSON objects"))
            return
        self._scenarios.fill(found)


def _is_scenario(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("options") or {}, dict)


def _batch(body: bytes, scenarios: dict[str, Any]) -> BatchRebalanceRequest:
    """The request of an analysis: the text's snapshots, model and shelf under the scenarios of the form."""
    try:
        snapshots = json.loads(body, parse_float=Decimal, parse_constant=str)  # digit for digit, NaN still refused
        whole = msgspec.json.encode(snapshots | {"scenarios": scenarios}) if isinstance(snapshots, dict) else body
    except (ValueError, RecursionError):
        whole = body  # what is wrong with it is said when it is read
    return read_batch(whole)
