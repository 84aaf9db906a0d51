"""Live progress of a job: pushed by the job port, shown by whoever draws it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import aclosing

from nicegui import ui

from steelyard.dashboard.shell import Tone, badge
from steelyard.dashboard.visit import Visit
from steelyard.infra.jobs import JobEvent, JobStatus

TONES: Mapping[JobStatus, Tone] = {
    JobStatus.QUEUED: "neutral",
    JobStatus.RUNNING: "busy",
    JobStatus.COMPLETED: "good",
    JobStatus.FAILED: "bad",
    JobStatus.CANCELLED: "neutral",
}


class ProgressBar:
    """A bar from 0 to 100 %, coloured by the state of its job."""

    def __init__(self, status: JobStatus, percent: int) -> None:
        self._bar = ui.element("div").classes("bar").props('role=progressbar aria-valuemin="0" aria-valuemax="100"')
        with self._bar:
            self._fill = ui.element("div").classes("bar-fill")
        self.show(status, percent)

    def show(self, status: JobStatus, percent: int) -> None:
        """Move the bar."""
        self._fill.style(replace=f"width: {percent}%")
        self._bar.classes(replace=f"bar is-{TONES[status]}").props(f'aria-valuenow="{percent}"')


class StatusBadge:
    """The state of a job in a pill."""

    def __init__(self, status: JobStatus) -> None:
        self._label = badge(status.value, TONES[status])

    def show(self, status: JobStatus) -> None:
        """Change to another state."""
        self._label.set_text(status.value)
        self._label.classes(replace=f"badge tone-{TONES[status]}")


async def follow(visit: Visit, job_id: str, show: Callable[[JobEvent], None], *, after: int = 0) -> None:
    """Show every event of a job as it happens, to the last one or until the page is closed."""
    client = ui.context.client
    async with aclosing(visit.jobs.watch(job_id, after)) as events:  # type: ignore[type-var]
        async for event in events:
            if client.is_deleted:
                return
            show(event)
