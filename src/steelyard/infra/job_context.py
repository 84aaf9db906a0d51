"""What a handler holds while it works: its way to report, to hear that it should stop, and to save."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import wait
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.core.errors import CancelledError
from steelyard.infra.jobs_store import Job

Answer = TypeVar("Answer")
Save = Callable[[AsyncSession], Awaitable[None]]

REPORT_INTERVAL_S = 0.02
"""Reports that follow the last one sooner are left out: nobody reads 50 a second."""
STOP_CHECK_S = 0.1
"""How often a handler that waits for another machine looks whether it should stop, in seconds."""


class JobContext:
    """One attempt at one job, used by the thread that runs its handler."""

    def __init__(
        self,
        job: Job,
        loop: asyncio.AbstractEventLoop,
        write_report: Callable[[int, str, Save | None], Coroutine[Any, Any, bool | None]],
    ) -> None:
        self.job = job
        self.saves: list[Save] = []
        self.is_stopping = False
        self._loop = loop
        self._write_report = write_report
        self._stop = threading.Event()
        self._reported_s = float("-inf")

    def report(self, percent: float, message: str = "") -> None:
        """Tell the watchers how far the job is, 0..100.

        Raises:
            CancelledError: the job was cancelled.
        """
        self.raise_if_cancelled()
        if time.monotonic() - self._reported_s < REPORT_INTERVAL_S:
            return
        self._write(percent, message, None)

    def save_now(self, save: Save, percent: float, message: str = "") -> None:
        """Have ``save(session)`` write rows that a later attempt finds, in one transaction with a report.

        Nothing is written by an attempt that has lost its say, so no part of a job is saved twice.

        Raises:
            CancelledError: the job was cancelled; the rows stay.
        """
        self.raise_if_cancelled()
        self._write(percent, message, save)

    def raise_if_cancelled(self) -> None:
        """Stop here if the job was cancelled or its worker is to stop; cheap enough for an inner loop.

        Raises:
            CancelledError: which the handler lets pass.
        """
        if self._stop.is_set():
            raise CancelledError(f"the job {self.job.id} was cancelled", code="JOB_CANCELLED")

    def pause(self, seconds: float) -> None:
        """Wait, but no longer than until the job is cancelled.

        Raises:
            CancelledError: the job was cancelled.
        """
        self._stop.wait(seconds)
        self.raise_if_cancelled()

    def save_at_completion(self, save: Save) -> None:
        """Have ``save(session)`` write its rows in the very transaction that completes the job.

        So the rows are there exactly if the job is completed, however often it was begun.
        """
        self.saves.append(save)

    def _write(self, percent: float, message: str, save: Save | None) -> None:
        cancelled = self.wait_for(self._write_report(min(100, max(0, int(percent))), message, save))
        self._reported_s = time.monotonic()
        if cancelled or cancelled is None:
            self.stop()
            self.raise_if_cancelled()

    def wait_or_stop(self, coroutine: Coroutine[Any, Any, Answer]) -> Answer:
        """As :meth:`wait_for`, but no longer than until the job is cancelled: for calls to other machines.

        Raises:
            CancelledError: the job was cancelled, and ``coroutine`` with it.
        """
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        while not wait([future], timeout=STOP_CHECK_S).done:
            if self._stop.is_set():
                future.cancel()
                self.raise_if_cancelled()
        return future.result()

    def wait_for(self, coroutine: Coroutine[Any, Any, Answer]) -> Answer:
        """Run ``coroutine`` on the worker's event loop and wait for its answer."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def stop(self, *, worker_stops: bool = False) -> None:
        """Ask the handler to stop; from any thread."""
        self.is_stopping = self.is_stopping or worker_stops
        self._stop.set()
