"""Browser sessions: an opaque random id in a cookie, everything else on the server."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import JSON, ForeignKey, String, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from steelyard.core import clock
from steelyard.infra.columns import Base, UtcDateTime
from steelyard.infra.keys import ApiKeyRow, secret_hash
from steelyard.infra.principal import Principal

COOKIE = "steelyard_session"


class SessionRow(Base):
    """A session, kept under the hash of its id."""

    __tablename__ = "sessions"

    id_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    tenant: Mapped[str] = mapped_column(String(100))
    subject: Mapped[str] = mapped_column(String(200))
    scopes: Mapped[list[str]] = mapped_column(JSON)
    key_id: Mapped[str | None] = mapped_column(ForeignKey(ApiKeyRow.id))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


async def open_session(session: AsyncSession, principal: Principal, *, lifetime_hours: float) -> str:
    """Begin a session and return the id for the cookie; sessions that have expired are removed."""
    now = clock.now()
    await session.execute(delete(SessionRow).where(SessionRow.expires_at <= now))
    session_id = secrets.token_urlsafe(32)
    session.add(
        SessionRow(
            id_hash=secret_hash(session_id),
            tenant=principal.tenant,
            subject=principal.subject,
            scopes=sorted(principal.scopes),
            key_id=principal.key_id,
            created_at=now,
            expires_at=now + timedelta(hours=lifetime_hours),
        )
    )
    await session.flush()
    return session_id


async def find_session(session: AsyncSession, session_id: str) -> Principal | None:
    """The principal of a session that has neither expired nor lost its key."""
    row = await session.scalar(
        select(SessionRow)
        .outerjoin(ApiKeyRow, ApiKeyRow.id == SessionRow.key_id)
        .where(
            SessionRow.id_hash == secret_hash(session_id),
            SessionRow.expires_at > clock.now(),
            or_(SessionRow.key_id.is_(None), ApiKeyRow.revoked_at.is_(None)),
        )
    )
    return None if row is None else Principal(row.tenant, row.subject, frozenset(row.scopes), row.key_id)


async def close_session(session: AsyncSession, session_id: str) -> None:
    """End a session; ending one that is over changes nothing."""
    await session.execute(delete(SessionRow).where(SessionRow.id_hash == secret_hash(session_id)))
