"""Bells: how a watcher in this process learns at once that there is something new about a job."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress


async def is_set_within(event: asyncio.Event, seconds: float) -> bool:
    """Whether ``event`` is set, after waiting for it at most ``seconds``.

    Not ``asyncio.wait_for``: in Python 3.11 that loses a cancellation which comes together with the event.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


class Bells:
    """The watchers of each job, for one event loop."""

    def __init__(self) -> None:
        self._listening: dict[str, set[asyncio.Event]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._listening.values()))

    @contextmanager
    def listening(self, job_id: str) -> Iterator[asyncio.Event]:
        """A bell that rings for ``job_id`` until the block ends."""
        bell = asyncio.Event()
        self._listening.setdefault(job_id, set()).add(bell)
        try:
            yield bell
        finally:
            self._listening[job_id].discard(bell)
            if not self._listening[job_id]:
                del self._listening[job_id]

    def ring(self, job_id: str) -> None:
        """Wake the watchers of ``job_id``; on the event loop."""
        for bell in self._listening.get(job_id, ()):
            bell.set()
