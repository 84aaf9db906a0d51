"""Bells: how a watcher in this process learns at once that there is something new about a job."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


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
