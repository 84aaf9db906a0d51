"""Idempotency: however often a request with one key arrives, it has one effect and one answer.

The key's row is inserted before the effect, in its transaction.  A second request with the key waits
at the unique index (PostgreSQL) or for the writer's turn (SQLite) until the first has committed, then
replays the stored bytes; if the first was undone, the second takes its place.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import LargeBinary, String, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from steelyard.core import clock
from steelyard.core.canonical import canonical_hash
from steelyard.core.errors import ConflictError, InvalidInputError
from steelyard.infra.columns import Base, UtcDateTime

KEY_LENGTH_MAX = 200
WAIT_S_MAX = 30
"""How long a request waits for another one with its key, in seconds."""


class IdempotencyRow(Base):
    """The first answer given under a key."""

    __tablename__ = "idempotency_keys"

    tenant: Mapped[str] = mapped_column(String(100), primary_key=True)
    route: Mapped[str] = mapped_column(String(200), primary_key=True)
    key: Mapped[str] = mapped_column(String(KEY_LENGTH_MAX), primary_key=True)
    request_hash: Mapped[str] = mapped_column(String(80))
    status: Mapped[int | None]
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as it goes over the wire."""

    status: int
    body: bytes
    replayed: bool = False


async def answer_once(
    session: AsyncSession,
    *,
    tenant: str,
    route: str,
    key: str,
    request: Any,
    effect: Callable[[], Awaitable[Answer]],
    conflict_code: str = "IDEMPOTENCY_KEY_CONFLICT",
) -> Answer:
    """Run ``effect`` in the transaction of ``session`` unless ``key`` has been answered already.

    Args:
        session: in a transaction that may write.
        tenant: whose key it is.
        key: as the client sent it.
        route: the template, such as ``POST /api/v1/strategy/sweep``; a key is free again on another one.
        request: JSON-ready; what the same key must always come with.
        effect: writes through ``session`` only; if it raises, the key is not remembered.
        conflict_code: of the refusal, where a contract has its own.

    Raises:
        ConflictError: the key came before with another request, or the first one is still running
            after ``WAIT_S_MAX`` seconds.
        InvalidInputError: a key that is empty or longer than ``KEY_LENGTH_MAX`` characters.
    """
    if not 0 < len(key) <= KEY_LENGTH_MAX:
        raise InvalidInputError(f"the idempotency key had {len(key)} characters; it has 1 to {KEY_LENGTH_MAX}")
    place = {"tenant": tenant, "route": route, "key": key}
    request_hash = canonical_hash(request)
    if not await _claim(session, place, request_hash):
        return await _replay(session, place, request_hash, conflict_code)
    answer = await effect()
    await session.execute(update(IdempotencyRow).filter_by(**place).values(status=answer.status, body=answer.body))
    return answer


async def _claim(session: AsyncSession, place: dict[str, str], request_hash: str) -> bool:
    is_postgres = session.get_bind().dialect.name == "postgresql"
    if is_postgres:
        await session.execute(text(f"SET LOCAL lock_timeout = '{WAIT_S_MAX}s'"))
    insert = postgresql.insert(IdempotencyRow) if is_postgres else sqlite.insert(IdempotencyRow)
    row = insert.values(**place, request_hash=request_hash, created_at=clock.now()).on_conflict_do_nothing()
    try:
        claimed = await session.scalar(row.returning(IdempotencyRow.key))
    except OperationalError as failure:
        if "lock timeout" not in str(failure.orig):
            raise
        message = f"a request with the key {place['key']!r} has been running for {WAIT_S_MAX} s; ask again later"
        raise ConflictError(message, code="IDEMPOTENCY_KEY_IN_FLIGHT") from None
    if is_postgres:
        await session.execute(text("SET LOCAL lock_timeout = DEFAULT"))
    return claimed is not None


async def _replay(session: AsyncSession, place: dict[str, str], request_hash: str, conflict_code: str) -> Answer:
    row = await session.scalar(select(IdempotencyRow).filter_by(**place))
    if row is None or row.request_hash != request_hash:
        message = f"the key {place['key']!r} was used before with another request; use a new key"
        raise ConflictError(message, code=conflict_code)
    return Answer(row.status or 0, row.body or b"", replayed=True)
