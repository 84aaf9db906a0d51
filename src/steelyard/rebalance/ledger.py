"""The ledger of runs: many requests, one transaction.

A commit costs more than a rebalance, so requests that end at the same time are written together.  Each
hears of its own outcome only, and only once it is committed.  A request that cannot be written with the
others is tried alone.

A key of idempotency is claimed where its run is written: of all requests with one key, in however
many processes, one has its run stored, and the others are given that run's answer.  Whoever comes
later is given it before anything is computed.

Source: contract dpm, sections 10 and 16 (14).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.core.errors import ConflictError, UnavailableError
from steelyard.infra.database import Database
from steelyard.rebalance import replays
from steelyard.rebalance.gathering import Gathering
from steelyard.rebalance.runs import Run, insert_runs

BATCH_MAX = 64
"""Requests written, or looked up, in one transaction."""

WAITING_MAX = 5_000
"""Requests that wait to be written, or looked up; one more is refused."""


class RunIdTakenError(Exception):
    """Another run has the id already; draw a new one and compute again."""


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    runs: Sequence[Run]
    may_replay: bool


class Ledger:
    """Writes runs, for one event loop."""

    def __init__(self, database: Database, *, keys_max: int, kept_since: replays.KeptSince) -> None:
        self._database = database
        self._keys_max = keys_max
        self._kept_since = kept_since
        self._writes = Gathering(self._write, batch_max=BATCH_MAX)
        self._looks = Gathering(self._look, batch_max=BATCH_MAX)
        self._uses = replays.Uses(keys_max)

    async def answered(self, tenant: str, key: str, request_hash: str) -> bytes | None:
        """What the key was answered with before; None where it was not, or is not known any more.

        Raises:
            ConflictError: the key came before with another request.
        """
        _require_room(self._looks)
        claim = await self._looks((tenant, key))
        if claim is None:
            return None
        answer = _answer(claim, key, request_hash)
        if isinstance(answer, Exception):
            raise answer
        return answer

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
        _require_room(self._writes)
        return await self._writes(_Entry(runs, may_replay))

    async def _look(self, places: list[replays.Place]) -> list[replays.Claim | Exception | None]:
        async with self._database.reading() as session:
            held = await replays.held_by(session, list(set(places)), self._kept_since())
        for place in held:
            self._uses.note(place)
        return [held.get(place) for place in places]

    async def _write(self, batch: list[_Entry]) -> list[bytes | Exception]:
        try:
            async with self._database.transaction() as session:
                return await self._store(session, batch)
        except (IntegrityError, DataError) as failure:
            if len(batch) == 1:
                return [RunIdTakenError() if isinstance(failure, IntegrityError) else failure]
        return [await self._write_alone(entry) for entry in batch]  # one of them is at fault

    async def _write_alone(self, entry: _Entry) -> bytes | Exception:
        try:
            (outcome,) = await self._write([entry])
        except Exception as failure:  # noqa: BLE001 - it is the request's to hear of
            return failure
        return outcome

    async def _store(self, session: AsyncSession, batch: list[_Entry]) -> list[bytes | Exception]:
        keyed = [entry.runs[0] for entry in batch if entry.may_replay]
        await self._uses.write(session)
        answers = await replays.claim(session, keyed, kept_since=self._kept_since(), keys_max=self._keys_max)
        new, outcomes = list[Run](), list[bytes | Exception]()
        for entry in batch:
            first = entry.runs[0]
            claim = answers[(first.tenant, first.idempotency_key)] if entry.may_replay else None
            if claim is None or claim.run_id == first.id:
                new.extend(entry.runs)
                outcomes.append(first.result)
            else:
                outcomes.append(_answer(claim, first.idempotency_key, first.request_hash))
        await insert_runs(session, new)
        return outcomes


def _require_room(gathering: Gathering[Any, Any]) -> None:
    if len(gathering) >= WAITING_MAX:
        raise UnavailableError(f"{WAITING_MAX} rebalances wait for the database; try again later", code="LEDGER_FULL")


def _answer(claim: replays.Claim, key: str | None, request_hash: str) -> bytes | ConflictError:
    if claim.request_hash == request_hash:
        return claim.result
    message = f"the key {key!r} was used before with another request; use a new key"
    return ConflictError(message, code="IDEMPOTENCY_KEY_CONFLICT", details={"reason": "request hash mismatch"})
