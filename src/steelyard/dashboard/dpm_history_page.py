"""`/rebalances`: the runs that were recorded, newest first, and how to find one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from urllib.parse import urlencode

from fastapi import Request
from nicegui import ui
from starlette.responses import Response

from steelyard.dashboard import figures
from steelyard.dashboard.dpm_review import review_badge
from steelyard.dashboard.dpm_run_page import run_url
from steelyard.dashboard.dpm_tabs import HISTORY, show_tabs
from steelyard.dashboard.dpm_words import words_of
from steelyard.dashboard.shell import badge, card, cell, shell, title, words
from steelyard.dashboard.visit import Visit, arrive, to_login
from steelyard.rebalance.limits import HEADER_CHARACTERS_MAX
from steelyard.rebalance.review_queue import latest_decisions
from steelyard.rebalance.run_search import search_runs
from steelyard.rebalance.runs import Period
from steelyard.rebalance.service import NO_CORRELATION
from steelyard.rebalance.tables import DecisionRow, RunRow
from steelyard.rebalance.toggles import require_enabled

PAGE_RUNS = 25
STATUSES = ("READY", "PENDING_REVIEW", "BLOCKED")
_FIND_MAX = HEADER_CHARACTERS_MAX + 100  # the correlation id of a scenario is one of a header with its name


def register() -> None:
    """Serve the page."""
    ui.page("/rebalances", title="Rebalances · Steelyard", response_timeout=30)(_history)


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for, as the address has it; what cannot be a day or a status is none."""

    find: str = ""
    status: str = ""
    since: str = ""
    until: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether everything is wanted."""
        return self == Search()

    @property
    def period(self) -> Period:
        """From the beginning of the first day to the end of the last, UTC."""
        return Period(_moment(self.since, time.min), _moment(self.until, time.max))

    def problem(self) -> str | None:
        """What is wrong with the days, or None."""
        for text in (self.since, self.until):
            if text and _day(text) is None:
                return f"“{text[:40]}” is no day; write it like 2026-02-03."
        period = self.period
        if period.start is not None and period.end is not None and period.start > period.end:
            return f"{self.since} is after {self.until}."
        return None

    def address(self, cursor: str | None = None) -> str:
        """The page that shows it, from ``cursor`` on."""
        asked = {"find": self.find, "status": self.status, "since": self.since, "until": self.until, "cursor": cursor}
        query = urlencode({name: text for name, text in asked.items() if text})
        return f"{HISTORY}?{query}" if query else HISTORY


async def _history(
    *, request: Request, find: str = "", status: str = "", since: str = "", until: str = "", cursor: str = ""
) -> Response | None:
    visit = await arrive(request, scope="rebalance:read")
    if visit is None:
        return to_login(request)
    service = visit.rebalancing
    service.require_store(service.stores.runs)
    require_enabled("DPM_SUPPORT_APIS", enabled=service.toggles.support_apis)
    status = status if status in STATUSES else ""
    search = Search(find.strip()[:_FIND_MAX], status, since.strip(), until.strip())
    problem = search.problem()
    runs, older, latest = ([], None, {}) if problem else await _read(visit, search, cursor or None)
    with shell(visit, HISTORY):
        with ui.element("div").classes("title-row"):
            title("Rebalances", "Every run that was recorded, newest first.")
            _draw_ways_on(visit)
        await show_tabs(visit, HISTORY)
        with card():
            _draw_search(search, problem)
            if runs:
                _draw_table(visit, runs, latest)
                _draw_pager(search, older, is_first=not cursor)
            elif problem is None:
                _draw_nothing(visit, search, cursor)
    return None


async def _read(
    visit: Visit, search: Search, cursor: str | None
) -> tuple[Sequence[RunRow], str | None, Mapping[str, DecisionRow]]:
    shelf = visit.rebalancing.shelf(visit.principal)
    wanted = {"text": search.find or None, "status": search.status or None, "period": search.period}
    async with visit.database.reading() as session:
        runs, older = await search_runs(session, shelf, **wanted, limit=PAGE_RUNS, cursor=cursor)  # type: ignore[arg-type]
        latest = await latest_decisions(session, [run.id for run in runs]) if visit.rebalancing.toggles.workflow else {}
    return runs, older, latest


def _draw_ways_on(visit: Visit) -> None:
    if not visit.principal.may("rebalance:write"):
        return
    with ui.element("div").classes("row"):
        ui.link("Compare scenarios", "/rebalances/what-if").classes("quiet")
        ui.link("New rebalance", "/rebalances/new").classes("primary")


def _draw_search(search: Search, problem: str | None) -> None:
    with ui.element("form").classes("search").props(f'action={HISTORY} method=get role=search aria-label="Find runs"'):
        with _field("Find", "find", "grow"):
            _plain("input", "find", search.find).props(
                f'type=search maxlength={_FIND_MAX} placeholder="Portfolio, run, correlation id, key or request hash"'
            )
        with _field("Outcome", "status"), _plain("select", "status", ""):
            for value, text in (("", "Any"), *((one, words_of(one).short) for one in STATUSES)):
                option = words("option", text).props(f'value="{value}"')
                if value == search.status:
                    option.props("selected")
        for name, text, value in (("since", "From", search.since), ("until", "To", search.until)):
            with _field(text, name):
                _plain("input", name, value).props("type=date")
        with ui.element("div").classes("row"):
            words("button", "Search").classes("quiet").props("type=submit")
            if not search.is_empty:
                ui.link("Clear", HISTORY).classes("quiet")
    if problem:
        ui.label(problem).classes("error").props("role=alert")


def _field(text: str, name: str, classes: str = "") -> ui.element:
    field = ui.element("div").classes(f"field {classes}")
    with field:
        words("label", text).props(f"for=search-{name}")
    return field


def _plain(tag: str, name: str, value: str) -> ui.element:
    element = ui.element(tag).classes("plain").props(f"id=search-{name} name={name}")
    if value:
        element.props["value"] = value
    return element


def _draw_table(visit: Visit, runs: Sequence[RunRow], latest: Mapping[str, DecisionRow]) -> None:
    has_reviews = visit.rebalancing.toggles.workflow
    columns = [
        ("Portfolio", ""),
        ("Outcome", ""),
        ("Trades", "num"),
        *([("Review", "apart")] if has_reviews else []),
        ("Run (UTC)", ""),
        ("Run", ""),
        ("Correlation id", ""),
        ("Idempotency key", ""),
    ]
    with ui.element("div").classes("scroll"), ui.element("table").classes("table cards").mark("runs"):
        with ui.element("thead"), ui.element("tr"):
            for name, kind in columns:
                words("th", name).classes(kind)
        with ui.element("tbody"):
            for run in runs:
                _draw_row(visit, run, latest.get(run.id), has_reviews=has_reviews)


def _draw_row(visit: Visit, run: RunRow, latest: DecisionRow | None, *, has_reviews: bool) -> None:
    says = words_of(run.status)
    with ui.element("tr"):
        with cell("").classes("wrap"):
            ui.link(run.portfolio_id, run_url(run.id)).classes("strong wrap-any")
        with cell("Outcome"):
            badge(says.short, says.tone)
        cell("Trades", figures.count(run.trades), is_number=True)
        if has_reviews:
            with cell("Review").classes("apart"):
                review_badge(visit.rebalancing.toggles, run, latest)
        cell("Run (UTC)", figures.moment(run.created_at)).classes("soft")
        _draw_name("Run", run.id)
        _draw_name("Correlation id", "" if run.correlation_id == NO_CORRELATION else run.correlation_id)
        _draw_name("Idempotency key", run.idempotency_key or "")


def _draw_name(column: str, text: str) -> None:
    element = cell(column, text).classes("mono soft clip roomy")
    if text:
        element.props["title"] = text


def _draw_pager(search: Search, older: str | None, *, is_first: bool) -> None:
    if is_first and older is None:
        return
    with ui.element("div").classes("row"):
        if not is_first:
            ui.link("Newest", search.address()).classes("quiet")
        if older is not None:
            ui.link("Older", search.address(older)).classes("quiet")


def _draw_nothing(visit: Visit, search: Search, cursor: str) -> None:
    with ui.element("div").classes("empty stack"):
        if cursor:
            ui.label("There are no older runs.")
            ui.link("To the newest", search.address())
        elif not search.is_empty:
            ui.label("No run was found. A search is for the whole of a name, not for a part of it.")
            ui.link("Show all runs", HISTORY)
        else:
            ui.label("No rebalance yet.")
            if visit.principal.may("rebalance:write"):
                ui.link("Run the first one, with an example to start from", "/rebalances/new")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _moment(day: str, at: time) -> datetime | None:
    found = _day(day)
    return None if found is None else datetime.combine(found, at, UTC)
