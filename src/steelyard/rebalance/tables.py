"""Where rebalances are kept: runs, the keys that replay them, operations, decisions, policy packs.

Results are stored as the bytes that were answered, compressed, so that every decimal comes back digit for digit.
Edges of lineage, the mapping of a key and its history are read from the runs themselves: nothing can
contradict them.  Every row belongs to a tenant.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, String, false
from sqlalchemy.orm import Mapped, mapped_column

from steelyard.infra.columns import Base, Compressed, PlainText, UtcDateTime
from steelyard.rebalance.limits import (
    COMMENT_CHARACTERS_MAX,
    HEADER_CHARACTERS_MAX,
    NAME_CHARACTERS_MAX,
    SCENARIO_CHARACTERS_MAX,
)

_CORRELATION = PlainText(HEADER_CHARACTERS_MAX + 1 + SCENARIO_CHARACTERS_MAX)
_KEY = PlainText(HEADER_CHARACTERS_MAX)


class RunRow(Base):
    """One computed rebalance.

    ``trades`` counts its orders for instruments, and is unknown of runs that are older than the column.
    ``is_decided`` follows its decisions: whether the latest approved or rejected it.
    """

    __tablename__ = "rebalance_runs"
    __table_args__ = (
        Index("ix_rebalance_runs_tenant_created_at_id", "tenant", "created_at", "id"),
        Index("ix_rebalance_runs_tenant_correlation_id_created_at", "tenant", "correlation_id", "created_at"),
        Index("ix_rebalance_runs_tenant_idempotency_key_created_at", "tenant", "idempotency_key", "created_at"),
        Index("ix_rebalance_runs_tenant_request_hash_created_at", "tenant", "request_hash", "created_at"),
        Index("ix_rebalance_runs_tenant_portfolio_id_created_at", "tenant", "portfolio_id", "created_at"),
        Index(
            "ix_rebalance_runs_tenant_status_is_decided_created_at_id",
            "tenant",
            "status",
            "is_decided",
            "created_at",
            "id",
        ),
    )

    id: Mapped[str] = mapped_column(String(11), primary_key=True)
    tenant: Mapped[str] = mapped_column(String(100))
    correlation_id: Mapped[str] = mapped_column(_CORRELATION)
    request_hash: Mapped[str] = mapped_column(PlainText(100))
    idempotency_key: Mapped[str | None] = mapped_column(_KEY)
    portfolio_id: Mapped[str] = mapped_column(PlainText(NAME_CHARACTERS_MAX))
    status: Mapped[str] = mapped_column(PlainText(20))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    trades: Mapped[int | None]
    is_decided: Mapped[bool] = mapped_column(server_default=false())
    result: Mapped[bytes] = mapped_column(Compressed, deferred=True)
    artifact: Mapped[bytes | None] = mapped_column(Compressed, deferred=True)


class ReplayRow(Base):
    """A key that answers with a run again; the least recently used are forgotten."""

    __tablename__ = "rebalance_replays"
    __table_args__ = (Index("ix_rebalance_replays_tenant_used", "tenant", "used"),)

    tenant: Mapped[str] = mapped_column(String(100), primary_key=True)
    key: Mapped[str] = mapped_column(_KEY, primary_key=True)
    request_hash: Mapped[str] = mapped_column(String(80))
    run_id: Mapped[str] = mapped_column(String(11))
    used: Mapped[int] = mapped_column(BigInteger)


class OperationRow(Base):
    """A what-if analysis that was asked for to be run later."""

    __tablename__ = "rebalance_operations"
    __table_args__ = (
        Index("ix_rebalance_operations_tenant_created_at_id", "tenant", "created_at", "id"),
        Index("ix_rebalance_operations_tenant_correlation_id_created_at", "tenant", "correlation_id", "created_at"),
    )

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    tenant: Mapped[str] = mapped_column(String(100))
    operation_type: Mapped[str] = mapped_column(PlainText(40))
    status: Mapped[str] = mapped_column(PlainText(20))
    correlation_id: Mapped[str] = mapped_column(_CORRELATION)
    created_by: Mapped[str] = mapped_column(String(200))
    is_submitted: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    policy_pack_id: Mapped[str | None] = mapped_column(_KEY)
    policy_tenant_id: Mapped[str | None] = mapped_column(_KEY)
    request: Mapped[bytes] = mapped_column(Compressed, deferred=True)
    result: Mapped[bytes | None] = mapped_column(Compressed, deferred=True)
    error_code: Mapped[str | None] = mapped_column(String(200))
    error_message: Mapped[str | None] = mapped_column(PlainText(2_000))


class DecisionRow(Base):
    """What a reviewer decided about a run."""

    __tablename__ = "rebalance_decisions"
    __table_args__ = (
        Index("ix_rebalance_decisions_run_id_decided_at", "run_id", "decided_at"),
        Index("ix_rebalance_decisions_tenant_decided_at_id", "tenant", "decided_at", "id"),
    )

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    tenant: Mapped[str] = mapped_column(String(100))
    run_id: Mapped[str] = mapped_column(String(11))
    action: Mapped[str] = mapped_column(String(20))
    reason_code: Mapped[str] = mapped_column(PlainText(NAME_CHARACTERS_MAX))
    comment: Mapped[str | None] = mapped_column(PlainText(COMMENT_CHARACTERS_MAX))
    actor_id: Mapped[str] = mapped_column(PlainText(NAME_CHARACTERS_MAX))
    decided_at: Mapped[datetime] = mapped_column(UtcDateTime)
    correlation_id: Mapped[str] = mapped_column(_CORRELATION)


class PolicyPackRow(Base):
    """A policy pack that was put, or (``definition`` is null) deleted, over the catalogue it names.

    ``catalogue`` is the hash of the catalogue in the environment that the edit was made on, and empty for
    the catalogue that is kept here as a whole.
    """

    __tablename__ = "rebalance_policy_packs"

    tenant: Mapped[str] = mapped_column(String(100), primary_key=True)
    catalogue: Mapped[str] = mapped_column(String(80), primary_key=True)
    pack_id: Mapped[str] = mapped_column(PlainText(NAME_CHARACTERS_MAX), primary_key=True)
    definition: Mapped[str | None] = mapped_column(PlainText())
