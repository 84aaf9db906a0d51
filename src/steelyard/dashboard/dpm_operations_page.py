"""`/rebalances/operations`: analyses that were handed in to be run later, how far they are, and running one now."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Request
from nicegui import ui
from starlette.responses import Response

from steelyard.core.errors import SteelyardError
from steelyard.dashboard import figures
from steelyard.dashboard.dpm_operation_results import open_results
from steelyard.dashboard.dpm_tabs import OPERATIONS, show_tabs
from steelyard.dashboard.dpm_words import spoken
from steelyard.dashboard.shell import Tone, badge, card, cell, shell, tell, title, words
from steelyard.dashboard.visit import Visit, arrive, to_login
from steelyard.rebalance.operations import is_executable
from steelyard.rebalance.runs import Period
from steelyard.rebalance.tables import OperationRow
from steelyard.rebalance.toggles import Toggles, require_enabled

PAGE_OPERATIONS = 25
REFRESH_S = 1.0
"""How often the page looks at operations that have not ended."""

_COLUMNS = ("Operation", "State", "Handed in (UTC)", "Took", "Correlation id", "By", "")
_STATES: dict[str, tuple[str, Tone]] = {
    "PENDING": ("Waits", "doubtful"),
    "RUNNING": ("Runs", "busy"),
    "SUCCEEDED": ("Done", "good"),
    "FAILED": ("Failed", "bad"),
}


def register() -> None:
    """Serve the page."""
    ui.page("/rebalances/operations", title="Operations · Steelyard")(_operations)


async def _operations(request: Request, cursor: str = "") -> Response | None:
    visit = await arrive(request, scope="rebalance:read")
    if visit is None:
        return to_login(request)
    service = visit.rebalancing
    service.require_store(service.stores.runs)
    require_enabled("DPM_SUPPORT_APIS", enabled=service.toggles.support_apis)
    require_enabled("DPM_ASYNC_OPERATIONS", enabled=service.toggles.async_operations)
    with shell(visit, "/rebalances"):
        title("Operations", _note(service.toggles))
        await show_tabs(visit, OPERATIONS)
        page = _Page(visit, cursor or None)
        await page.draw()
    ui.timer(REFRESH_S, page.refresh)
    return None


def _note(toggles: Toggles) -> str:
    if toggles.async_execution_mode == "ACCEPT_ONLY":
        return "What-if analyses that were handed in. Each waits until somebody has it run."
    return "What-if analyses that were handed in. Each is run as soon as it comes."


class _Page:
    def __init__(self, visit: Visit, cursor: str | None) -> None:
        self._visit, self._cursor = visit, cursor
        self._shown: list[tuple[str, str, bool]] = []

    async def draw(self) -> None:
        rows, older = await self._read()
        with card():
            self._place = ui.element("div")
            if self._cursor or older:
                with ui.element("div").classes("row"):
                    if self._cursor:
                        ui.link("Newest", OPERATIONS).classes("quiet")
                    if older:
                        ui.link("Older", f"{OPERATIONS}?cursor={older}").classes("quiet")
        self._fill(rows)

    async def refresh(self) -> None:
        """Draw anew where something has changed."""
        rows, _ = await self._read()
        if _states(rows) != self._shown:
            self._fill(rows)

    async def _read(self) -> tuple[Sequence[OperationRow], str | None]:
        visit = self._visit
        async with visit.database.reading() as session:
            return await visit.rebalance_operations.page(
                session, visit.principal.tenant, period=Period(), limit=PAGE_OPERATIONS, cursor=self._cursor
            )

    def _fill(self, rows: Sequence[OperationRow]) -> None:
        self._shown = _states(rows)
        self._place.clear()
        with self._place:
            if not rows:
                ui.label("No analysis was handed in. Programs do it with POST /rebalance/analyze/async.").classes(
                    "empty"
                )
                return
            with ui.element("div").classes("scroll"), ui.element("table").classes("table cards").mark("operations"):
                with ui.element("thead"), ui.element("tr"):
                    for name in _COLUMNS:
                        words("th", name)
                with ui.element("tbody"):
                    for row in rows:
                        self._draw_row(row)

    def _draw_row(self, row: OperationRow) -> None:
        with ui.element("tr"):
            with cell(""):
                ui.label(row.id).classes("mono strong")
                if row.error_code:
                    ui.label(row.error_message or spoken(row.error_code)).classes("error wrap-any")
            with cell("State"):
                badge(*_STATES.get(row.status, (spoken(row.status), "neutral")))
            cell("Handed in (UTC)", figures.moment(row.created_at)).classes("soft")
            cell("Took", _took(row)).classes("soft")
            cell("Correlation id", row.correlation_id).classes("mono soft clip").props["title"] = row.correlation_id
            cell("By", row.created_by).classes("soft wrap-any")
            with cell(""):
                if is_executable(row) and self._may_execute():
                    button = words("button", "Run now").classes("quiet").props("type=button")
                    button.on("click", lambda: self._execute(row.id))
                elif row.status == "SUCCEEDED":
                    button = words("button", "Results").classes("quiet").props("type=button")
                    button.on("click", lambda: open_results(self._visit, row.id))

    def _may_execute(self) -> bool:
        visit = self._visit
        return visit.rebalancing.toggles.async_manual_execution and visit.principal.may("rebalance:write")

    async def _execute(self, operation_id: str) -> None:
        try:
            principal = await self._visit.still("rebalance:write")
            async with self._visit.database.transaction() as session:
                await self._visit.rebalance_operations.submit_waiting(session, principal.tenant, operation_id)
        except SteelyardError as refused:
            tell(refused)
        await self.refresh()


def _states(rows: Sequence[OperationRow]) -> list[tuple[str, str, bool]]:
    return [(row.id, row.status, row.is_submitted) for row in rows]


def _took(row: OperationRow) -> str:
    if row.started_at is None or row.finished_at is None:
        return figures.UNDEFINED
    return figures.duration((row.finished_at - row.started_at).total_seconds())
