"""The portfolios that follow a model: their drift now, who joins, who leaves, and the button that rebalances one."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from steelyard.core.errors import SteelyardError
from steelyard.dashboard import figures
from steelyard.dashboard.shell import badge, card, cell, tell, words
from steelyard.dashboard.visit import Visit
from steelyard.models import changes, service
from steelyard.models.document import Model
from steelyard.models.drift import PortfolioDrift, find_drift
from steelyard.models.rebalancing import gather
from steelyard.models.valuation import Failure, Portfolio

PAGE_PORTFOLIOS = 25

_COLUMNS = (("Portfolio", ""), ("Now", ""), ("Value", "num"), ("", ""))


class Followers:
    """A page of a model's portfolios."""

    def __init__(
        self,
        visit: Visit,
        model: Model,
        *,
        changed: Callable[[Model], None],
        rebalance: Callable[[str], Awaitable[None]],
    ) -> None:
        self._visit = visit
        self._model = model
        self._changed = changed
        self._rebalance = rebalance
        self._first = 0
        self._may_write = visit.principal.may("models:write")

    def draw(self) -> None:
        """Lay the list out; how far the portfolios drifted comes once the browser is connected."""
        with card(
            "Portfolios", "Drift at the newest prices and holdings; nothing is traded to see it.", classes="follow"
        ):
            if self._may_write:
                self._draw_joining()
            self._place = ui.element("div").classes("stack")
        self._list()
        ui.timer(0, self._look, once=True)

    def adopt(self, model: Model) -> None:
        """Show the drift against a newer version."""
        self._model = model
        self._list()
        ui.timer(0, self._look, once=True)

    def _draw_joining(self) -> None:
        with ui.element("div").classes("row"):
            self._joining = ui.input(placeholder="Portfolio ids, by commas or spaces")
            self._joining.props('outlined dense hide-bottom-space aria-label="Portfolio ids"').classes("grow")
            add = words("button", "Add portfolios").classes("quiet").props("type=button")
            add.on("click", self._join)

    def _list(self) -> None:
        self._states: dict[str, tuple[ui.element, Any]] = {}
        self._place.clear()
        ids = self._shown()
        with self._place:
            if not ids:
                ui.label("No portfolio follows this model yet.").classes("empty")
                return
            with (
                ui.element("div").classes("scroll"),
                ui.element("table").classes("table cards compact").mark("portfolios"),
            ):
                with ui.element("thead"), ui.element("tr"):
                    for name, kind in _COLUMNS:
                        words("th", name).classes(kind)
                with ui.element("tbody"):
                    for portfolio_id in ids:
                        self._row(portfolio_id)
            self._pager()

    def _row(self, portfolio_id: str) -> None:
        with ui.element("tr"):
            with cell(""):
                name = ui.label(portfolio_id).classes("strong")
            with cell("Now").classes("wrap"):
                state = ui.element("div").classes("row")
                with state:
                    badge("looking", "busy")
            value = cell("Value", is_number=True)
            with cell(""), ui.element("div").classes("row"):
                if self._may_write:
                    go = words("button", "Rebalance").classes("quiet").props("type=button")
                    go.props["aria-label"] = f"Rebalance {portfolio_id}"
                    go.on("click", lambda: self._rebalance(portfolio_id))
                    leave = words("button", "Remove").classes("quiet").props("type=button")
                    leave.props["aria-label"] = f"Remove {portfolio_id}"
                    leave.on("click", lambda: self._leave(portfolio_id))
        self._states[portfolio_id] = (state, (name, value))

    def _pager(self) -> None:
        count = len(self._model.portfolios)
        if count <= PAGE_PORTFOLIOS:
            return
        with ui.element("div").classes("row"):
            for text, first in (("Back", self._first - PAGE_PORTFOLIOS), ("More", self._first + PAGE_PORTFOLIOS)):
                if 0 <= first < count:
                    step = words("button", text).classes("quiet").props("type=button")
                    step.on("click", lambda _, first=first: self._turn(first))
            last = min(self._first + PAGE_PORTFOLIOS, count)
            badge(f"{self._first + 1:,} to {last:,} of {count:,}")

    async def _turn(self, first: int) -> None:
        self._first = first
        self._list()
        await self._look()

    def _shown(self) -> tuple[str, ...]:
        self._first = min(self._first, max(len(self._model.portfolios) - 1, 0) // PAGE_PORTFOLIOS * PAGE_PORTFOLIOS)
        return self._model.portfolios[self._first : self._first + PAGE_PORTFOLIOS]

    async def _look(self) -> None:
        """Value the portfolios shown; a failure concerns one of them, an outage all."""
        ids, model, states = self._shown(), self._model, self._states
        if not ids:
            return
        try:
            parts, tenant = self._visit.models, self._visit.principal.tenant
            (portfolios, prices), names = await asyncio.gather(
                gather(parts, tenant, [model], ids), parts.providers.names.names(tenant, ids)
            )
            known = [one for one in portfolios.values() if isinstance(one, Portfolio)]
            found = {one.portfolio_id: one for one in await asyncio.to_thread(find_drift, model, known, prices)}
        except SteelyardError as refused:
            for state, _ in states.values():
                _say(state, refused)
            return
        except Exception as defect:  # noqa: BLE001 - a timer has no caller to tell
            tell(defect)
            return
        if states is not self._states:
            return  # the list was drawn anew meanwhile
        for portfolio_id in ids:
            state, (label, value) = states[portfolio_id]
            given = portfolios[portfolio_id]
            drift = given if isinstance(given, SteelyardError) else found[portfolio_id]
            _say(state, drift)
            if portfolio_id in names:
                label.set_text(f"{portfolio_id}, {names[portfolio_id]}")
            if isinstance(drift, PortfolioDrift):
                value.set_text(f"{drift.market_value:,.2f}")

    async def _join(self) -> None:
        ids = [one for one in re.split(r"[\s,;]+", self._joining.value or "") if one]
        self._joining.error = None
        if not ids:
            self._joining.error = "Give at least one portfolio id."
            return
        try:
            await self._change(lambda model: changes.add_portfolios(model, ids))
        except SteelyardError as refused:
            if refused.http_status >= 500:
                raise
            self._joining.error = refused.message
        else:
            self._joining.value = ""

    async def _leave(self, portfolio_id: str) -> None:
        await self._change(lambda model: changes.remove_portfolios(model, [portfolio_id]))

    async def _change(self, change: Callable[[Model], Model]) -> None:
        principal = await self._visit.still("models:write")
        stored = await service.change_model(self._visit.models.store, principal, self._model.model_id, change)
        self._model = stored
        self._list()
        self._changed(stored)
        await self._look()


def _say(state: ui.element, found: PortfolioDrift | Failure | SteelyardError) -> None:
    state.clear()
    with state:
        if isinstance(found, PortfolioDrift):
            if not found.positions:
                badge("within its bands", "good")
                return
            badge(f"{len(found.positions):,} outside", "doubtful")
            ui.label(f"the worst by {figures.share(float(found.worst), 2)}").classes("soft")
            return
        badge(found.code, "bad")
        ui.label(found.message).classes("note")
