"""The audit log: who did what to which object, written with the effect and never changed.

The database itself refuses to update or delete a row (triggers of the migration).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, Integer, String, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from steelyard.core import clock
from steelyard.infra.columns import Base, UtcDateTime
from steelyard.infra.principal import Principal


class AuditRow(Base):
    """One action."""

    __tablename__ = "audit_events"
    __table_args__ = (Index("ix_audit_events_tenant_object", "tenant", "object_id"),)

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    tenant: Mapped[str] = mapped_column(String(100))
    actor: Mapped[str] = mapped_column(String(200))
    action: Mapped[str] = mapped_column(String(100))
    object_id: Mapped[str] = mapped_column(String(200))
    details: Mapped[dict[str, Any]] = mapped_column(JSON)


def record(
    session: AsyncSession, by: Principal, action: str, object_id: str, details: Mapping[str, Any] | None = None
) -> None:
    """Note in the transaction of ``session`` that ``by`` did ``action`` (``sweep.submit``) to ``object_id``."""
    session.add(AuditRow(**_entry(by, action, object_id, details)))


async def record_all(
    session: AsyncSession, action: str, entries: Iterable[tuple[Principal, str, Mapping[str, Any]]]
) -> None:
    """As :func:`record` for many at once: who did it, to which object, with which details."""
    rows = [_entry(by, action, object_id, details) for by, object_id, details in entries]
    if rows:
        await session.execute(insert(AuditRow.__table__), rows)  # type: ignore[arg-type]


def _entry(by: Principal, action: str, object_id: str, details: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "at": clock.now(),
        "tenant": by.tenant,
        "actor": by.subject,
        "action": action,
        "object_id": object_id,
        "details": dict(details or {}),
    }


async def latest(session: AsyncSession, tenant: str, object_id: str) -> AuditRow | None:
    """The newest entry about an object, or None."""
    query = select(AuditRow).where(AuditRow.tenant == tenant, AuditRow.object_id == object_id)
    return (await session.scalars(query.order_by(AuditRow.id.desc()).limit(1))).first()
