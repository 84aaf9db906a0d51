"""The ledger of runs: many requests, one transaction.

A commit costs more than a rebalance, so requests that end at the same time are written together:
while one transaction is under way the next ones gather.  Each request hears of its own outcome only,
and only once it is committed.  A request that cannot be written with the others is tried alone.

A key of idempotency is claimed where its run is written: of all requests with one key, in however
many processes, one has its run stored, and the others are given that run's answer.

Source: contract dpm, sections 10 and 16 (14).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.core.errors import ConflictError, UnavailableError
from steelyard.infra.database import Database
from steelyard.rebalance import replays
from steelyard.rebalance.runs import Run, insert_runs

BATCH_MAX = 64
"""Requests written in one transaction."""

WAITING_MAX = 5_000
"""Requests that wait to be written; one more is refused."""


class RunIdTakenError(Exception):
    """Another run has the id already; draw a new one and compute again."""


@dataclass(slots=True, eq=False)
class _Entry:
    runs: Sequence[Run]
    may_replay: bool
    done: asyncio.Future[bytes]


class Ledger:
    """Writes runs, for one event loop."""

    def __init__(self, database: Database, *, keys_max: int, kept_since: replays.KeptSince) -> None:
        self._database = database
        self._keys_max = keys_max
        self._kept_since = kept_since
        self._waiting: list[_Entry] = []
        self._writer: asyncio.Task[None] | None = None

    async def record(self, run: Run, *, may_replay: bool) -> bytes:
        """Store ``run`` and return the bytes to answer with: its own, or those its key was answered with before.

        Raises:
            ConflictError: the key came before with another request.
            RunIdTakenError: nothing was stored.
        """
        return await self._written((run,), may_replay=may_replay)

    async def record_all(self, runs: Sequence[Run]) -> None:
        """Store ``runs`` in one transaction.

        Raises:
            RunIdTakenError: nothing was stored.
        """
        if runs:
            await self._written(runs, may_replay=False)

    async def _written(self, runs: Sequence[Run], *, may_replay: bool) -> bytes:
        if len(self._waiting) >= WAITING_MAX:
            raise UnavailableError(f"{WAITING_MAX} rebalances wait to be stored; try again later", code="LEDGER_FULL")
        entry = _Entry(runs, may_replay, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_waiting())
        return await entry.done

    async def _write_waiting(self) -> None:
        try:
            while self._waiting:
                await self._gather()
                batch, self._waiting = self._waiting[:BATCH_MAX], self._waiting[BATCH_MAX:]
                await self._write(batch)
        finally:
            self._writer = None

    async def _gather(self) -> None:
        """Let requests that are being computed now come along: a transaction costs as much as several of them."""
        size = 0
        while size < len(self._waiting) < BATCH_MAX:
            size = len(self._waiting)
            await asyncio.sleep(0)

    async def _write(self, batch: list[_Entry]) -> None:
        try:
            async with self._database.transaction() as session:
                outcomes = await self._store(session, batch)
        except (IntegrityError, DataError) as failure:
            if len(batch) > 1:  # one of them is at fault
                for entry in batch:
                    await self._write([entry])
                return
            outcomes = [RunIdTakenError() if isinstance(failure, IntegrityError) else failure]
        except Exception as failure:  # noqa: BLE001 - it is the requests' to hear of
            outcomes = [failure] * len(batch)
        for entry, outcome in zip(batch, outcomes, strict=True):
            if entry.done.done():  # its client has gone
                continue
            if isinstance(outcome, Exception):
                entry.done.set_exception(outcome)
            else:
                entry.done.set_result(outcome)

    async def _store(self, session: AsyncSession, batch: list[_Entry]) -> list[bytes | Exception]:
        keyed = [entry.runs[0] for entry in batch if entry.may_replay]
        answers = await replays.claim(session, keyed, kept_since=self._kept_since(), keys_max=self._keys_max)
        new, outcomes = list[Run](), list[bytes | Exception]()
        for entry in batch:
            first = entry.runs[0]
            answer = answers[(first.tenant, first.idempotency_key)] if entry.may_replay else None
            if answer is None or answer.run_id == first.id:
                new.extend(entry.runs)
                outcomes.append(first.result)
            elif answer.request_hash == first.request_hash:
                outcomes.append(answer.result)
            else:
                message = f"the key {first.idempotency_key!r} was used before with another request; use a new key"
                details = {"reason": "request hash mismatch"}
                outcomes.append(ConflictError(message, code="IDEMPOTENCY_KEY_CONFLICT", details=details))
        await insert_runs(session, new)
        return outcomes
