"""Simulations that were answered under a key: who was first, and what is answered to those who come again.

A simulation and an artifact share their keys: the artifact is made of the simulation that its key has.
Only so many are remembered, the least recently used are forgotten first.

Source: contract dpm, section 10.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Table, delete, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.core import clock
from steelyard.core.errors import ConflictError, UnavailableError
from steelyard.infra.database import Database
from steelyard.proposals.tables import SimulationRow
from steelyard.rebalance.gathering import Gathering

KEYS_MAX = 1_000
"""Keys remembered of each tenant."""

BATCH_MAX = 64
"""Simulations recorded in one transaction."""

WAITING_MAX = 5_000
"""Simulations that wait to be recorded; one more is refused."""

_ROWS: Table = SimulationRow.__table__  # type: ignore[assignment]

Place = tuple[str, str]
"""A tenant and a key."""


@dataclass(frozen=True, slots=True, eq=False)
class Simulation:
    """What a key is answered with: the JSON of a result, and when it was made."""

    tenant: str
    key: str
    request_hash: str
    created_at: datetime
    result: bytes


class Simulations:
    """The simulations of a deployment, for one event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._gathering = Gathering[Simulation, Simulation](self._write, batch_max=BATCH_MAX)

    async def record(self, simulation: Simulation) -> Simulation:
        """Remember ``simulation``, or say what its key was answered with before.

        Raises:
            ConflictError: the key came before with another request.
            UnavailableError: too many wait.
        """
        if len(self._gathering) >= WAITING_MAX:
            message = f"{WAITING_MAX} simulations wait to be recorded; try again later"
            raise UnavailableError(message, code="LEDGER_FULL")
        return await self._gathering(simulation)

    async def _write(self, batch: list[Simulation]) -> list[Simulation | Exception]:
        async with self._database.transaction() as session:
            return await _record(session, batch)


async def _record(session: AsyncSession, batch: Sequence[Simulation]) -> list[Simulation | Exception]:
    first: dict[Place, Simulation] = {}
    for simulation in batch:
        first.setdefault((simulation.tenant, simulation.key), simulation)
    own = {place: secrets.token_hex(16) for place in first}
    used = int(clock.now().timestamp() * 1_000_000) * 1_000  # the room below is for those that come together
    holders = await _take(session, first, own, used)
    before = [place for place in first if holders[place] != own[place]]
    held = first | await _read(session, before)
    for tenant in {tenant for tenant, _ in first if len(before) < len(first)}:
        await _forget_oldest(session, tenant)
    return [_same(simulation, held[(simulation.tenant, simulation.key)]) for simulation in batch]


async def _take(
    session: AsyncSession, first: dict[Place, Simulation], own: dict[Place, str], used: int
) -> dict[Place, str]:
    """Insert what is new and mark the rest as used, in one statement; whose row each place has now."""
    rows = [
        {
            "tenant": simulation.tenant,
            "key": simulation.key,
            "id": own[place],
            "request_hash": simulation.request_hash,
            "created_at": simulation.created_at,
            "used": used + number,
            "result": simulation.result,
        }
        # in one order everywhere, so that two processes never wait for each other
        for number, (place, simulation) in enumerate(sorted(first.items(), key=lambda item: item[0]))
    ]
    kind = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    insert = kind.insert(_ROWS)
    upsert = insert.on_conflict_do_update(index_elements=["tenant", "key"], set_={"used": insert.excluded.used})
    taken = await session.execute(upsert.returning(_ROWS.c.tenant, _ROWS.c.key, _ROWS.c.id), rows)
    return {(tenant, key): holder for tenant, key, holder in taken}


async def _read(session: AsyncSession, places: Sequence[Place]) -> dict[Place, Simulation]:
    if not places:
        return {}
    columns = (_ROWS.c.tenant, _ROWS.c.key, _ROWS.c.request_hash, _ROWS.c.created_at, _ROWS.c.result)
    rows = await session.execute(select(*columns).where(tuple_(_ROWS.c.tenant, _ROWS.c.key).in_(places)))
    return {(row.tenant, row.key): Simulation(*row) for row in rows}


async def _forget_oldest(session: AsyncSession, tenant: str) -> None:
    newest = select(_ROWS.c.used).where(_ROWS.c.tenant == tenant).order_by(_ROWS.c.used.desc())
    oldest = newest.limit(1).offset(KEYS_MAX).scalar_subquery()
    await session.execute(delete(_ROWS).where(_ROWS.c.tenant == tenant, _ROWS.c.used <= oldest))


def _same(asked: Simulation, held: Simulation) -> Simulation | ConflictError:
    if asked.request_hash == held.request_hash:
        return held
    message = f"the key {asked.key!r} was used before with another request; use a new key"
    return ConflictError(message, code="IDEMPOTENCY_KEY_CONFLICT", details={"reason": "request hash mismatch"})
