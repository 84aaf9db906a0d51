"""The card of a long job on its own page: how far it is, the way to stop it, and to go on where it stopped."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from nicegui import background_tasks, ui
from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.dashboard import figures
from steelyard.dashboard.progress import ProgressBar, StatusBadge
from steelyard.dashboard.shell import card, facts, words
from steelyard.dashboard.visit import Visit
from steelyard.infra.jobs import Job, JobEvent, Jobs, JobStatus
from steelyard.infra.principal import Principal

Act = Callable[[AsyncSession, Jobs, Principal, str], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Acts:
    """What may be done to a job, and the scope that it takes."""

    scope: str
    cancel: Act
    resume: Act


class JobCard:
    """A job as it is worked on.

    Args:
        visit: who looks.
        job: as it was read for the page.
        acts: what may be done to it.
        look: reads it anew and shows what it came to so far.
    """

    def __init__(self, visit: Visit, job: Job, acts: Acts, look: Callable[[], Awaitable[Job]]) -> None:
        self._visit, self._job, self._acts, self._look = visit, job, acts, look
        self._may_write = visit.principal.may(acts.scope)

    def draw(self) -> None:
        """Lay the card out."""
        job = self._job
        with card("Progress"):
            with ui.element("div").classes("row"):
                self._state = StatusBadge(job.status)
                self._percent = ui.label(f"{job.progress} %").classes("strong")
                self._message = ui.label().classes("note").props("role=status")
            self._bar = ProgressBar(job.status, job.progress)
            self._ending = ui.element("div").classes("stack")
            with self._ending:
                if self._may_write:
                    self._button("Cancel the book", self._acts.cancel, "quiet danger")

    async def then(self, draw_end: Callable[[], Awaitable[None]]) -> None:
        """Call ``draw_end`` once the job has ended, which may be now; until then the card follows it."""
        if self._job.status.is_final:
            self._show_end()
            await draw_end()
            return
        client, job_id = ui.context.client, self._job.id

        async def to_the_end() -> None:
            async with aclosing(self._visit.jobs.watch(job_id)) as events:  # type: ignore[type-var]
                async for event in events:
                    if client.is_deleted:
                        return
                    self._show(event)
                    await self._look()
            self._job = await self._look()
            self._show_end()
            await draw_end()

        background_tasks.create(to_the_end(), name=f"follow {job_id}", context=client)

    def _show(self, event: JobEvent) -> None:
        self._state.show(event.status)
        self._bar.show(event.status, event.percent)
        self._percent.set_text(f"{event.percent} %")
        self._message.set_text(event.message)

    def _show_end(self) -> None:
        job = self._job
        self._ending.clear()
        with self._ending:
            if job.error_message:
                with ui.element("div").classes("banner is-bad").props("role=alert"):
                    ui.label(job.error_code or "FAILED").classes("mono")
                    ui.label(job.error_message)
            if job.started_at is not None and job.completed_at is not None:
                took = figures.duration((job.completed_at - job.started_at).total_seconds())
                facts([("Took", took), ("Asked for by", job.created_by)])
            if job.status in (JobStatus.FAILED, JobStatus.CANCELLED) and self._may_write:
                self._button("Go on where it stopped", self._acts.resume, "primary")

    def _button(self, text: str, act: Act, classes: str) -> None:
        async def go() -> None:
            principal = await self._visit.still(self._acts.scope)
            async with self._visit.database.transaction() as session:
                await act(session, self._visit.jobs, principal, self._job.id)
            if act is self._acts.resume:
                ui.navigate.reload()

        with ui.element("div").classes("row"):
            words("button", text).classes(classes).props("type=button").on("click", go)
