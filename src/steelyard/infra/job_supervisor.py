"""Leases: each worker says every few seconds that it lives; the work of one that stops saying so is resumed.

On the machine of the dead worker that takes no waiting: a process that is gone is gone.  Elsewhere
its lease has to run out first.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import platform
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy import String, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from steelyard.core import clock
from steelyard.infra.columns import Base, UtcDateTime
from steelyard.infra.database import Database
from steelyard.infra.job_bells import is_set_within

log = structlog.get_logger(__name__)
_BEATS_PER_LEASE = 5
_BEATS_PER_TIDY = 10


class WorkerRow(Base):
    """A worker's lease."""

    __tablename__ = "job_workers"

    executor_id: Mapped[str] = mapped_column(String(100), primary_key=True)
    machine: Mapped[str] = mapped_column(String(200))
    pid: Mapped[int]
    lease_until: Mapped[datetime] = mapped_column(UtcDateTime)


class JobSupervisor:
    """Keeps this worker's lease and adopts the work of workers whose lease is over."""

    def __init__(
        self,
        database: Database,
        executor_id: str,
        lease_s: float,
        adopt: Callable[[str], Awaitable[int]],
        tidy: Callable[[], Awaitable[int]],
    ) -> None:
        self._database = database
        self._executor_id = executor_id
        self._lease_s = lease_s
        self._adopt = adopt
        self._tidy = tidy
        self._machine = _machine()

    async def run(self, stopping: asyncio.Event) -> None:
        """Beat and adopt until ``stopping``; a database that is away for a while changes nothing."""
        for beats in itertools.count():
            try:
                await self.beat()
                if beats % _BEATS_PER_TIDY == 0:
                    await self._tidy()
                for executor_id in await self._dead_workers():
                    adopted = await self._adopt(executor_id)
                    await self._forget(executor_id)
                    log.info("job_worker_gone", executor_id=executor_id, jobs_resumed=adopted)
            except Exception:
                log.exception("job_supervisor_failed")
            if await is_set_within(stopping, self._lease_s / _BEATS_PER_LEASE):
                return

    async def beat(self) -> None:
        """Renew our lease, or take it anew if another worker gave us up."""
        until = clock.now() + timedelta(seconds=self._lease_s)
        async with self._database.transaction() as session:
            row = await session.get(WorkerRow, self._executor_id, with_for_update=True)
            if row is None:
                row = WorkerRow(executor_id=self._executor_id)
                session.add(row)
            row.machine, row.pid, row.lease_until = self._machine, os.getpid(), until

    async def leave(self) -> None:
        """Let the lease run out now, so that whoever works next resumes what we may have left."""
        async with self._database.transaction() as session:
            ended = {"lease_until": clock.now() - timedelta(seconds=1), "machine": "", "pid": 0}
            await session.execute(update(WorkerRow).filter_by(executor_id=self._executor_id).values(**ended))

    async def _dead_workers(self) -> list[str]:
        now = clock.now()
        async with self._database.reading() as session:
            others = list(
                await session.scalars(
                    select(WorkerRow).where(
                        WorkerRow.executor_id != self._executor_id,
                        or_(WorkerRow.lease_until < now, WorkerRow.machine == self._machine),
                    )
                )
            )
        dead = [row for row in others if row.lease_until < now or not _is_alive(row.pid)]
        return [row.executor_id for row in dead if await self._is_ours_to_adopt(row)]

    async def _is_ours_to_adopt(self, row: WorkerRow) -> bool:
        # Several supervisors see the same death; the lease passes to the one whose update finds it unchanged.
        mine = clock.now() + timedelta(seconds=self._lease_s)
        async with self._database.transaction() as session:
            taken = await session.scalar(
                update(WorkerRow)
                .where(WorkerRow.executor_id == row.executor_id, WorkerRow.lease_until == row.lease_until)
                .values(lease_until=mine, machine="", pid=0)
                .returning(WorkerRow.executor_id)
            )
        return taken is not None

    async def _forget(self, executor_id: str) -> None:
        async with self._database.transaction() as session:
            await session.execute(delete(WorkerRow).where(WorkerRow.executor_id == executor_id))


async def has_live_worker(session: AsyncSession) -> bool:
    """Whether some worker, here or elsewhere, holds a lease that has not run out."""
    alive = select(WorkerRow.executor_id).where(WorkerRow.lease_until >= clock.now(), WorkerRow.pid != 0).limit(1)
    return await session.scalar(alive) is not None


def _machine() -> str:
    # Process ids mean something within one boot and one process namespace only.
    with suppress(OSError):
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()}/{Path('/proc/self/ns/pid').readlink()}"
    return f"{platform.node()}/{platform.system()}"


def _is_alive(pid: int) -> bool:
    if pid == os.getpid():
        return False  # another name than ours: a process before us that had our number
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
