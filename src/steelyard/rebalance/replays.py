"""Keys of idempotency: who was first, and what is answered to those who come again.

As clients of the contract know it, only so many keys are remembered, the least recently used are
forgotten first, and a key is forgotten with its run.

Source: contract dpm, section 10.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, bindparam, delete, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.core import clock
from steelyard.rebalance.runs import Run
from steelyard.rebalance.tables import ReplayRow, RunRow

_REPLAYS: Table = ReplayRow.__table__  # type: ignore[assignment]

KeptSince = Callable[[], datetime | None]
"""When the oldest run was made that is still kept; None: all are."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Whose run a key stands for."""

    run_id: str
    request_hash: str
    result: bytes


async def claim(
    session: AsyncSession, runs: Sequence[Run], *, kept_since: datetime | None, keys_max: int
) -> dict[tuple[str, str | None], Claim]:
    """The claim that each run's (tenant, key) has now: an older one, or its own, which is written here.

    Of several runs with one key the first has it.  The runs themselves are still to be stored.
    """
    if not runs:
        return {}
    first: dict[tuple[str, str | None], Run] = {}
    for run in runs:
        first.setdefault((run.tenant, run.idempotency_key), run)
    places = sorted(first)  # in one order everywhere, so that two processes never wait for each other
    held = await _held(session, places, kept_since)
    free = [place for place in places if place not in held]
    now = int(clock.now().timestamp() * 1_000_000) * 1_000  # the room below is for those that come together
    won = await _take(session, [first[place] for place in free], now)
    if lost := [place for place in free if place not in won]:  # another process was first, or its run is gone
        held |= await _held(session, lost, kept_since)
        gone = [place for place in lost if place not in held]
        if gone:
            await session.execute(delete(ReplayRow).where(_is_one_of(gone)))
            await _take(session, [first[place] for place in gone], now)
            won |= set(gone)
    if held:
        await session.execute(update(ReplayRow).where(_is_one_of(list(held))).values(used=now))
    if won:
        for tenant in {tenant for tenant, _ in won}:
            await _forget_oldest(session, tenant, keys_max)
    for place in won:
        run = first[place]
        held[place] = Claim(run.id, run.request_hash, run.result)
    return held


async def _held(
    session: AsyncSession, places: list[tuple[str, str | None]], kept_since: datetime | None
) -> dict[tuple[str, str | None], Claim]:
    query = (
        select(ReplayRow.tenant, ReplayRow.key, ReplayRow.run_id, ReplayRow.request_hash, RunRow.result)
        .join(RunRow, RunRow.id == ReplayRow.run_id)
        .where(_is_one_of(places))
    )
    if kept_since is not None:
        query = query.where(RunRow.created_at >= kept_since)
    rows = await session.execute(query)
    return {(tenant, key): Claim(run_id, hashed, result) for tenant, key, run_id, hashed, result in rows}


async def _take(session: AsyncSession, runs: list[Run], now: int) -> set[tuple[str, str | None]]:
    if not runs:
        return set()
    rows = [
        {
            "tenant": run.tenant,
            "key": run.idempotency_key,
            "request_hash": run.request_hash,
            "run_id": run.id,
            "used": now + place,
        }
        for place, run in enumerate(runs)
    ]
    kind = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = kind.insert(_REPLAYS).on_conflict_do_nothing().returning(_REPLAYS.c.tenant, _REPLAYS.c.key)
    taken = await session.execute(statement, rows)
    return {(tenant, key) for tenant, key in taken}


async def _forget_oldest(session: AsyncSession, tenant: str, keys_max: int) -> None:
    newest = select(ReplayRow.used).where(ReplayRow.tenant == bindparam("whose"))
    oldest = newest.order_by(ReplayRow.used.desc()).limit(1).offset(bindparam("kept")).scalar_subquery()
    forgotten = delete(ReplayRow).where(ReplayRow.tenant == bindparam("whose"), ReplayRow.used <= oldest)
    await session.execute(forgotten.execution_options(synchronize_session=False), {"whose": tenant, "kept": keys_max})


def _is_one_of(places: list[tuple[str, str | None]]) -> Any:
    if len({tenant for tenant, _ in places}) == 1:
        return (ReplayRow.tenant == places[0][0]) & ReplayRow.key.in_([key for _, key in places])
    return tuple_(ReplayRow.tenant, ReplayRow.key).in_(places)
