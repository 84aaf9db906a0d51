"""Stored portfolio snapshots: what a portfolio holds, under a name that books refer to.

A name has one content at a time and a version that counts its changes; to put the same content again
changes nothing.  A book copies what it names when it is submitted, so a later change does not reach
it; whoever wants to be sure of the content gives its hash along with the name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.core import clock
from steelyard.core.errors import InvalidInputError, NotFoundError
from steelyard.rebalance.book_tables import SnapshotRow
from steelyard.rebalance.hashing import CANONICAL
from steelyard.rebalance.limits import NAME_CHARACTERS_MAX
from steelyard.rebalance.values import PortfolioSnapshot
from steelyard.rebalance.wire import request_hash

NAMES_PER_QUERY = 500


@dataclass(frozen=True, slots=True)
class SnapshotHead:
    """A stored snapshot without its content."""

    name: str
    version: int
    portfolio_id: str
    content_hash: str
    position_count: int
    updated_at: datetime


async def put_snapshots(
    session: AsyncSession, tenant: str, snapshots: Mapping[str, PortfolioSnapshot]
) -> tuple[list[SnapshotHead], int]:
    """Store snapshots under their names; their heads in the given order, and how many names are new.

    Raises:
        InvalidInputError: a name that is empty, too long or has a NUL.
    """
    for name in snapshots:
        if not 0 < len(name) <= NAME_CHARACTERS_MAX or "\0" in name:
            message = f"a snapshot was named {name[:100]!r}; a name has 1 to {NAME_CHARACTERS_MAX} characters, no NUL"
            raise InvalidInputError(message, code="INVALID_SNAPSHOT_NAME")
    known = await find_heads(session, tenant, list(snapshots))
    rows = [_values(tenant, name, snapshots[name]) for name in sorted(snapshots)]  # one order: nobody waits in a circle
    is_postgres = session.get_bind().dialect.name == "postgresql"
    insert = postgresql.insert(SnapshotRow) if is_postgres else sqlite.insert(SnapshotRow)
    changed = {name: insert.excluded[name] for name in _CHANGING}
    put = insert.on_conflict_do_update(
        index_elements=[SnapshotRow.tenant, SnapshotRow.name],
        set_={**changed, "version": SnapshotRow.version + 1},
        where=SnapshotRow.content_hash != insert.excluded.content_hash,
    )
    await session.execute(put, rows)
    stored = await find_heads(session, tenant, list(snapshots))
    return [stored[name] for name in snapshots], len(stored) - len(known)


async def find_heads(session: AsyncSession, tenant: str, names: Sequence[str]) -> dict[str, SnapshotHead]:
    """Those of ``names`` that there are."""
    found: dict[str, SnapshotHead] = {}
    for start in range(0, len(names), NAMES_PER_QUERY):
        some = SnapshotRow.name.in_(names[start : start + NAMES_PER_QUERY])
        query = select(SnapshotRow).where(SnapshotRow.tenant == tenant, some)
        rows = await session.scalars(query, execution_options={"populate_existing": True})
        found |= {row.name: _head(row) for row in rows}
    return found


async def read_contents(session: AsyncSession, tenant: str, names: Sequence[str]) -> dict[str, bytes]:
    """The canonical JSON of those of ``names`` that there are."""
    found: dict[str, bytes] = {}
    for start in range(0, len(names), NAMES_PER_QUERY):
        some = SnapshotRow.name.in_(names[start : start + NAMES_PER_QUERY])
        query = select(SnapshotRow.name, SnapshotRow.content).where(SnapshotRow.tenant == tenant, some)
        found |= dict((await session.execute(query)).all())
    return found


async def get_snapshot(session: AsyncSession, tenant: str, name: str) -> tuple[SnapshotHead, bytes]:
    """A stored snapshot and its canonical JSON.

    Raises:
        NotFoundError: there is none.
    """
    heads = await find_heads(session, tenant, [name])
    if name not in heads:
        raise _missing(name)
    return heads[name], (await read_contents(session, tenant, [name]))[name]


async def list_snapshots(
    session: AsyncSession, tenant: str, *, limit: int, after: str | None, portfolio_id: str | None
) -> tuple[list[SnapshotHead], str | None]:
    """Stored snapshots by name, and the name that the next page begins after."""
    query = select(SnapshotRow).where(SnapshotRow.tenant == tenant).order_by(SnapshotRow.name).limit(limit + 1)
    if after is not None:
        query = query.where(SnapshotRow.name > after)
    if portfolio_id is not None:
        query = query.where(SnapshotRow.portfolio_id == portfolio_id)
    heads = [_head(row) for row in await session.scalars(query)]
    return heads[:limit], heads[limit - 1].name if len(heads) > limit else None


async def delete_snapshot(session: AsyncSession, tenant: str, name: str) -> None:
    """Remove a stored snapshot; books that named it keep what they copied.

    Raises:
        NotFoundError: there is none.
    """
    removed = await session.execute(delete(SnapshotRow).filter_by(tenant=tenant, name=name))
    if not removed.rowcount:  # type: ignore[attr-defined]
        raise _missing(name)


_CHANGING = ("portfolio_id", "content_hash", "position_count", "updated_at", "content")


def _values(tenant: str, name: str, snapshot: PortfolioSnapshot) -> dict[str, Any]:
    return {
        "tenant": tenant,
        "name": name,
        "version": 1,
        "portfolio_id": snapshot.portfolio_id,
        "content_hash": request_hash(snapshot),
        "position_count": len(snapshot.positions),
        "updated_at": clock.now(),
        "content": CANONICAL.encode(snapshot),
    }


def _head(row: SnapshotRow) -> SnapshotHead:
    return SnapshotHead(**{field: getattr(row, field) for field in SnapshotHead.__slots__})


def _missing(name: str) -> NotFoundError:
    return NotFoundError(f"there is no stored snapshot {name[:100]!r}", code="DPM_SNAPSHOT_NOT_FOUND")
