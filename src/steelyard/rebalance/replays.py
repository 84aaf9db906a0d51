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

from sqlalchemy import BigInteger, BindParameter, Select, Table, bindparam, delete, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.core import clock
from steelyard.infra.database import after_commit
from steelyard.rebalance.runs import Run
from steelyard.rebalance.tables import ReplayRow, RunRow

_REPLAYS: Table = ReplayRow.__table__  # type: ignore[assignment]

KeptSince = Callable[[], datetime | None]
"""When the oldest run was made that is still kept; None: all are."""

Place = tuple[str, str | None]
"""A tenant and a key."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Whose run a key stands for."""

    run_id: str
    request_hash: str
    result: bytes


async def claim(
    session: AsyncSession, runs: Sequence[Run], *, kept_since: datetime | None, keys_max: int
) -> dict[Place, Claim]:
    """The claim that each run's (tenant, key) has now: an older one, or its own, which is written here.

    Of several runs with one key the first has it.  The runs themselves are still to be stored.
    """
    if not runs:
        return {}
    first: dict[Place, Run] = {}
    for run in runs:
        first.setdefault((run.tenant, run.idempotency_key), run)
    places = sorted(first)  # in one order everywhere, so that two processes never wait for each other
    held = await held_by(session, places, kept_since)
    free = [place for place in places if place not in held]
    now = _now()
    won = await _take(session, [first[place] for place in free], now)
    if lost := [place for place in free if place not in won]:  # another process was first, or its run is gone
        held |= await held_by(session, lost, kept_since)
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


async def held_by(session: AsyncSession, places: list[Place], kept_since: datetime | None) -> dict[Place, Claim]:
    """The claims there are on ``places``."""
    query = (
        select(ReplayRow.tenant, ReplayRow.key, ReplayRow.run_id, ReplayRow.request_hash, RunRow.result)
        .join(RunRow, RunRow.id == ReplayRow.run_id)
        .where(_is_one_of(places))
    )
    if kept_since is not None:
        query = query.where(RunRow.created_at >= kept_since)
    rows = await session.execute(query)
    return {(tenant, key): Claim(run_id, hashed, result) for tenant, key, run_id, hashed, result in rows}


class Uses:
    """Keys that were answered with from memory of the database alone, until it is written down that they were used.

    They are written with the next runs, before keys are forgotten for those: nothing that this process
    answered with lately goes first.
    """

    def __init__(self, keys_max: int) -> None:
        self._keys_max = keys_max
        self._noted: dict[Place, int] = {}
        self._last = 0

    def note(self, place: Place) -> None:
        """A key was answered with now; of more than are remembered the newest are kept."""
        self._last = max(_now(), self._last + 1)
        self._noted.pop(place, None)
        self._noted[place] = self._last
        if len(self._noted) > self._keys_max:
            del self._noted[next(iter(self._noted))]

    async def write(self, session: AsyncSession) -> None:
        """Write down what was noted; it is let go once that is committed."""
        if not (written := dict(self._noted)):
            return
        at: BindParameter[int] = bindparam("at", type_=BigInteger)
        whose: BindParameter[str] = bindparam("whose")
        older = select(_REPLAYS.c.key).where(
            _REPLAYS.c.tenant == whose, _REPLAYS.c.key == bindparam("which"), _REPLAYS.c.used < at
        )
        statement = update(_REPLAYS).where(_REPLAYS.c.tenant == whose, _REPLAYS.c.key == _unlocked(older))
        rows = [{"whose": tenant, "which": key, "at": used} for (tenant, key), used in written.items()]
        await session.execute(statement.values(used=at), rows)
        after_commit(session, lambda: self._forget(written))

    def _forget(self, written: dict[Place, int]) -> None:
        for place, used in written.items():
            if self._noted.get(place) == used:
                del self._noted[place]


async def _take(session: AsyncSession, runs: list[Run], now: int) -> set[Place]:
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
    whose: BindParameter[str] = bindparam("whose")
    ours = select(ReplayRow.key).where(ReplayRow.tenant == whose)
    # By place and not by time: keys used in one batch have one time, and would all go where one has to.
    oldest = ours.order_by(ReplayRow.used.desc()).offset(bindparam("kept"))
    surplus = ours.where(ReplayRow.key.in_(oldest.scalar_subquery()))
    forgotten = delete(ReplayRow).where(ReplayRow.tenant == whose, ReplayRow.key.in_(_unlocked(surplus)))
    await session.execute(forgotten.execution_options(synchronize_session=False), {"whose": tenant, "kept": keys_max})


def _unlocked(keys: Select[Any]) -> Any:
    """Without those that another process is writing: two that wait for each other would both fail."""
    return keys.with_for_update(skip_locked=True).scalar_subquery()


def _now() -> int:
    """Microseconds of the clock in thousandths: the room below them is for those that come together."""
    return int(clock.now().timestamp() * 1_000_000) * 1_000


def _is_one_of(places: list[Place]) -> Any:
    if len({tenant for tenant, _ in places}) == 1:
        return (ReplayRow.tenant == places[0][0]) & ReplayRow.key.in_([key for _, key in places])
    return tuple_(ReplayRow.tenant, ReplayRow.key).in_(places)
