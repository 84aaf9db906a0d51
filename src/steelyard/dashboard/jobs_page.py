"""`/jobs` and `/jobs/{id}`: what is being worked on, as it happens, and how to stop it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import Request
from nicegui import background_tasks, ui
from starlette.responses import Response

from steelyard.dashboard import figures
from steelyard.dashboard.dpm_books_page import book_url
from steelyard.dashboard.progress import ProgressBar, StatusBadge, follow
from steelyard.dashboard.shell import card, cell, facts, shell, title, words
from steelyard.dashboard.visit import Visit, arrive, to_login
from steelyard.infra.audit import record
from steelyard.infra.jobs import Job, JobEvent
from steelyard.models.book_job import BOOK
from steelyard.rebalance.book_job import DPM_BOOK

PAGE_JOBS = 50
NEWCOMERS_S = 3.0
"""How often the list looks for jobs that were not there; those it shows are followed by push."""
EVENTS_SHOWN = 200

_COLUMNS = ("What", "State", "Progress", "", "Created (UTC)", "Job")


def register() -> None:
    """Serve the pages."""
    ui.page("/jobs", title="Jobs · Steelyard")(_jobs)
    ui.page("/jobs/{job_id}", title="Job · Steelyard")(_job)


async def _jobs(request: Request) -> Response | None:
    visit = await arrive(request)
    if visit is None:
        return to_login(request)
    jobs = await _read(visit)
    with shell(visit, "/jobs"):
        title("Jobs", "What runs, what waits and what has ended. Progress is pushed as it happens.")
        with card():
            place = ui.element("div")
            with place:
                _table(visit, jobs)

    async def refresh_with_newcomers() -> None:
        nonlocal jobs
        found = await _read(visit)
        if [job.id for job in found] != [job.id for job in jobs]:
            jobs = found
            place.clear()
            with place:
                _table(visit, jobs)

    ui.timer(NEWCOMERS_S, refresh_with_newcomers)
    return None


async def _read(visit: Visit) -> tuple[Job, ...]:
    async with visit.database.reading() as session:
        return (await visit.jobs.list(session, tenant=visit.principal.tenant, limit=PAGE_JOBS)).jobs


def _table(visit: Visit, jobs: tuple[Job, ...]) -> None:
    if not jobs:
        ui.label("No job yet. A new sweep is one.").classes("empty")
        return
    with ui.element("div").classes("scroll"), ui.element("table").classes("table cards"):
        with ui.element("thead"), ui.element("tr"):
            for name in _COLUMNS:
                words("th", name)
        with ui.element("tbody"):
            for job in jobs:
                _row(visit, job)


def _row(visit: Visit, job: Job) -> None:
    with ui.element("tr"):
        with cell(""):
            ui.link(_what(job), f"/jobs/{job.id}").classes("strong")
        with cell("State"):
            status = StatusBadge(job.status)
        with cell("Progress"):
            bar = ProgressBar(job.status, job.progress)
        outcome = cell("", _outcome(job)).classes("wrap soft")
        cell("Created (UTC)", figures.moment(job.created_at)).classes("soft")
        cell("Job", job.id).classes("mono soft")

    def show(event: JobEvent) -> None:
        status.show(event.status)
        bar.show(event.status, event.percent)
        outcome.set_text(event.message)

    if not job.status.is_final:
        _in_background(follow(visit, job.id, show), job)


async def _job(request: Request, job_id: str) -> Response | None:
    visit = await arrive(request)
    if visit is None:
        return to_login(request)
    async with visit.database.reading() as session:
        job = await visit.jobs.get(session, job_id, tenant=visit.principal.tenant)
    with shell(visit, "/jobs"):
        title(_what(job), f"Job {job.id}")
        with ui.element("div").classes("two"):
            _progress(visit, job)
            with card("Parameters"):
                facts([(name, _plain(value)) for name, value in job.parameters.items() if value is not None])
    return None


def _progress(visit: Visit, job: Job) -> None:
    with card("Progress"):
        with ui.element("div").classes("row"):
            status = StatusBadge(job.status)
            percent = ui.label(f"{job.progress} %").classes("strong")
        bar = ProgressBar(job.status, job.progress)
        ending = ui.element("div").classes("stack")
        with ending:
            _ending(visit, job)
        events = ui.element("div").classes("events").props("role=log aria-label=Events tabindex=0")

    def show(event: JobEvent) -> None:
        status.show(event.status)
        bar.show(event.status, event.percent)
        percent.set_text(f"{event.percent} %")
        with events:
            ui.label(f"{event.at:%H:%M:%S.%f}"[:-3] + f"  {event.percent:3d} %  {event.message}")
        if len(shown := events.default_slot.children) > EVENTS_SHOWN:
            events.remove(shown[0])

    async def to_the_end() -> None:
        await follow(visit, job.id, show)
        async with visit.database.reading() as session:
            ended = await visit.jobs.get(session, job.id, tenant=job.tenant)
        ending.clear()
        with ending:
            _ending(visit, ended)

    _in_background(to_the_end(), job)


def _ending(visit: Visit, job: Job) -> None:
    """What is left to do about a job: open its result, read its error, or cancel it."""
    if run_id := (job.result_data or {}).get("sweep_run_id"):
        with ui.element("div").classes("row"):
            ui.link("Open the sweep", f"/sweeps/{run_id}").classes("primary")
    if job.kind in (BOOK, DPM_BOOK):
        with ui.element("div").classes("row"):
            target = f"/books/{job.id}" if job.kind == BOOK else book_url(job.id)
            ui.link("Open the book", target).classes("primary")
    if job.error_message:
        with ui.element("div").classes("banner is-bad").props("role=alert"):
            ui.label(job.error_code or "FAILED").classes("mono")
            ui.label(job.error_message)
    facts(
        [
            ("Created", figures.moment(job.created_at)),
            ("Started", figures.moment(job.started_at)),
            ("Ended", figures.moment(job.completed_at)),
            ("Took", _took(job)),
            ("Asked for by", job.created_by),
        ]
    )
    if not job.status.is_final and visit.principal.may(visit.jobs.write_scope(job.kind)):
        with ui.element("div").classes("row"):
            button = words("button", "Cancel the job").classes("quiet danger").props("type=button")
            button.on("click", _canceller(visit, job))


def _canceller(visit: Visit, job: Job) -> Callable[[], Any]:
    async def cancel() -> None:
        principal = await visit.still(visit.jobs.write_scope(job.kind))
        async with visit.database.transaction() as session:
            await visit.jobs.cancel(session, job.id, tenant=principal.tenant)
            record(session, principal, "job.cancel", job.id)
        ui.notify("Cancelling", position="top")

    return cancel


def _in_background(work: Any, job: Job) -> None:
    background_tasks.create(work, name=f"follow {job.id}", context=ui.context.client)


def _what(job: Job) -> str:
    parameters = job.parameters
    if job.kind == "sweep":
        return f"Sweep of {parameters['ticker']}, {parameters['strategy_type']}"
    if job.kind in (BOOK, DPM_BOOK):
        return f"Rebalance of {figures.counted(parameters['portfolios'], 'portfolio')}"
    return job.kind


def _outcome(job: Job) -> str:
    return job.error_message or ("" if job.completed_at is None else _took(job))


def _took(job: Job) -> str:
    if job.started_at is None or job.completed_at is None:
        return figures.UNDEFINED
    return figures.duration((job.completed_at - job.started_at).total_seconds())


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return " to ".join(str(item) for item in value)
    return str(value)
