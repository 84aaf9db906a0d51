"""`/rebalances/reviews`: the runs that wait for somebody, the longest first, why they do, and deciding them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import Request
from nicegui import ui
from sqlalchemy import select
from starlette.responses import Response

from steelyard.dashboard.dpm_outline import outline, why
from steelyard.dashboard.dpm_review import draw_decision
from steelyard.dashboard.dpm_review_item import ReviewItem
from steelyard.dashboard.dpm_run_page import run_url
from steelyard.dashboard.dpm_tabs import HISTORY, REVIEWS, show_tabs, waiting_text
from steelyard.dashboard.dpm_words import words_of
from steelyard.dashboard.shell import card, cell, shell, title, words
from steelyard.dashboard.visit import Visit, arrive, to_login
from steelyard.rebalance import review_queue, reviews
from steelyard.rebalance.runs import Period
from steelyard.rebalance.tables import DecisionRow, RunRow
from steelyard.rebalance.toggles import REVIEWED_STATUSES_VARIABLE, Toggles, require_enabled

PAGE_RUNS = 15
DECISIONS_SHOWN = 10
NEWCOMERS_S = 5.0
"""How often the page looks whether the queue has changed; it says so, and moves nothing under a reader's hands."""

_COLUMNS = ("Run", "When (UTC)", "Decision", "By", "Reason", "Comment")


def register() -> None:
    """Serve the page."""
    ui.page("/rebalances/reviews", title="Reviews · Steelyard", response_timeout=30)(_reviews)


@dataclass(frozen=True, slots=True)
class _Queue:
    """A page of the queue.

    Attributes:
        why, latest: reasons and latest decision by run.
        waiting: how many wait in all.
        lately: the decisions made last, newest first.
    """

    runs: Sequence[RunRow]
    next_cursor: str | None
    why: Mapping[str, list[str]]
    latest: Mapping[str, DecisionRow]
    waiting: int
    lately: Sequence[DecisionRow]


async def _reviews(request: Request, cursor: str = "") -> Response | None:
    visit = await arrive(request, scope="rebalance:read")
    if visit is None:
        return to_login(request)
    service = visit.rebalancing
    service.require_store(service.stores.runs)
    require_enabled("DPM_SUPPORT_APIS", enabled=service.toggles.support_apis)
    queue = await _read(visit, cursor or None) if service.toggles.workflow else None
    with shell(visit, "/rebalances"):
        title("Reviews", _note(service.toggles))
        await show_tabs(visit, REVIEWS)
        if queue is None:
            _draw_off(service.toggles)
            return None
        _draw_queue(visit, queue, cursor)
        if queue.lately:
            _draw_lately(queue.lately)
    return None


async def _read(visit: Visit, cursor: str | None) -> _Queue:
    shelf, toggles = visit.rebalancing.shelf(visit.principal), visit.rebalancing.toggles
    async with visit.database.reading() as session:
        runs, next_cursor = await review_queue.page_of_waiting(session, shelf, toggles, limit=PAGE_RUNS, cursor=cursor)
        waiting = await review_queue.count_waiting(session, shelf, toggles)
        ids = [run.id for run in runs]
        results = dict((await session.execute(select(RunRow.id, RunRow.result).where(RunRow.id.in_(ids)))).all())
        latest = await review_queue.latest_decisions(session, ids)
        lately, _ = await reviews.page_of_decisions(session, shelf, period=Period(), limit=DECISIONS_SHOWN, cursor=None)

    def read_reasons() -> dict[str, list[str]]:
        return {run_id: why(outline(result)) for run_id, result in results.items()}

    return _Queue(runs, next_cursor, await asyncio.to_thread(read_reasons), latest, waiting, lately)


def _note(toggles: Toggles) -> str:
    if not toggles.workflow:
        return "Runs that somebody should look at before their orders are executed."
    named = " or ".join(f"“{words_of(status).short}”" for status in sorted(toggles.workflow_statuses))
    if not named:
        return f"No outcome is reviewed: {REVIEWED_STATUSES_VARIABLE} names none."
    return f"Runs that came out as {named} wait here until somebody decides."


def _draw_off(toggles: Toggles) -> None:
    with card("Reviews are switched off"):
        ui.label("Runs are recorded, and nobody is asked to approve them. To switch reviews on, set")
        statuses = ",".join(sorted(toggles.workflow_statuses))
        words("pre", f"DPM_WORKFLOW_ENABLED=true\n{REVIEWED_STATUSES_VARIABLE}={statuses}").classes("mono code")
        ui.label(
            "in the environment of the server and start it again. The second line says which outcomes are reviewed: "
            "READY, PENDING_REVIEW or BLOCKED, separated by commas. Runs that are recorded already join the queue."
        ).classes("note")


def _draw_queue(visit: Visit, queue: _Queue, cursor: str) -> None:
    with card(classes="queue"):
        with ui.element("div").classes("card-head"):
            words("h2", _headline(queue.waiting))
            with ui.element("div").props("role=status"):
                changed = ui.link("The queue has changed: show it", REVIEWS).classes("quiet")
                changed.set_visibility(False)
        if not queue.runs:
            with ui.element("div").classes("empty stack"):
                ui.label("No more runs wait beyond these." if cursor else "Nothing waits for a review.")
                ui.link("To the first" if cursor else "To the runs", REVIEWS if cursor else HISTORY)
        for run in queue.runs:
            ReviewItem(visit, run, queue.why.get(run.id, [])).draw(queue.latest.get(run.id))
        if cursor or queue.next_cursor:
            with ui.element("div").classes("row"):
                if cursor:
                    ui.link("First", REVIEWS).classes("quiet")
                if queue.next_cursor:
                    ui.link("Later ones", f"{REVIEWS}?cursor={queue.next_cursor}").classes("quiet")
    _watch(visit, queue.waiting, changed)


def _headline(waiting: int) -> str:
    if not waiting:
        return "The queue is empty"
    return f"{waiting_text(waiting)} {'run waits' if waiting == 1 else 'runs wait'}, the longest first"


def _watch(visit: Visit, shown: int, changed: ui.link) -> None:
    service = visit.rebalancing

    async def look() -> None:
        async with visit.database.reading() as session:
            now = await review_queue.count_waiting(session, service.shelf(visit.principal), service.toggles)
        changed.set_visibility(now != shown)

    ui.timer(NEWCOMERS_S, look)


def _draw_lately(decisions: Sequence[DecisionRow]) -> None:
    with (
        card("Decided lately"),
        ui.element("div").classes("scroll"),
        ui.element("table").classes("table cards compact").mark("lately"),
    ):
        with ui.element("thead"), ui.element("tr"):
            for name in _COLUMNS:
                words("th", name)
        with ui.element("tbody"):
            for decision in decisions:
                with ui.element("tr"):
                    with cell(""):
                        ui.link(decision.run_id, run_url(decision.run_id)).classes("mono")
                    draw_decision(decision)
