"""Stored portfolio snapshots: what a portfolio holds, under a name that books refer to.

A name has one content at a time and a version that counts its changes; to put the same content again
changes nothing.  A book copies what it names when it is submitted, so a later change does not reach
it; whoever wants to be sure of the content gives its hash along with the name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.core import clock
from steelyard.core.errors import InvalidInputError, NotFoundError
from steelyard.rebalance.book_bytes import expanded, squeezed
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
    known = await find_heads(session, tenant, list(snapshots), for_update=True)
    heads, new = [], []
    for name, snapshot in snapshots.items():
        before = known.get(name)
        hashed = request_hash(snapshot)
        if before is not None and before.content_hash == hashed:
            heads.append(before)
            continue
        head = SnapshotHead(
            name,
            before.version + 1 if before else 1,
            snapshot.portfolio_id,
            hashed,
            len(snapshot.positions),
            clock.now(),
        )
        heads.append(head)
        values = {field: getattr(head, field) for field in SnapshotHead.__slots__}
        row = {"tenant": tenant, **values, "content": squeezed(CANONICAL.encode(snapshot))}
        if before is None:
            new.append(row)
        else:
            await session.execute(update(SnapshotRow).filter_by(tenant=tenant, name=name).values(row))
    if new:
        await session.execute(insert(SnapshotRow), new)
    return heads, len(new)


async def find_heads(
    session: AsyncSession, tenant: str, names: Sequence[str], *, for_update: bool = False
) -> dict[str, SnapshotHead]:
    """Those of ``names`` that there are."""
    found: dict[str, SnapshotHead] = {}
    for start in range(0, len(names), NAMES_PER_QUERY):
        some = SnapshotRow.name.in_(names[start : start + NAMES_PER_QUERY])
        query = select(SnapshotRow).where(SnapshotRow.tenant == tenant, some)
        rows = await session.scalars(query.with_for_update() if for_update else query)
        found |= {row.name: _head(row) for row in rows}
    return found


async def read_contents(session: AsyncSession, tenant: str, names: Sequence[str]) -> dict[str, bytes]:
    """The canonical JSON of those of ``names`` that there are."""
    found: dict[str, bytes] = {}
    for start in range(0, len(names), NAMES_PER_QUERY):
        some = SnapshotRow.name.in_(names[start : start + NAMES_PER_QUERY])
        query = select(SnapshotRow.name, SnapshotRow.content).where(SnapshotRow.tenant == tenant, some)
        found |= {name: expanded(content) for name, content in await session.execute(query)}
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


def _head(row: SnapshotRow) -> SnapshotHead:
    return SnapshotHead(**{field: getattr(row, field) for field in SnapshotHead.__slots__})


def _missing(name: str) -> NotFoundError:
    return NotFoundError(f"there is no stored snapshot {name[:100]!r}", code="DPM_SNAPSHOT_NOT_FOUND")
