"""Where proposals are kept: what they are now, their versions, what happened to them, and the keys that replay.

A version is written once.  Its result, its inputs and what the artifact adds to them are stored apart,
compressed, as the bytes that are answered; ``version_bytes`` puts them together.  Every row belongs
to a tenant.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from steelyard.infra.columns import Base, Compressed, PlainText, UtcDateTime
from steelyard.proposals.limits import NOTES_CHARACTERS_MAX, TITLE_CHARACTERS_MAX
from steelyard.rebalance.limits import HEADER_CHARACTERS_MAX, NAME_CHARACTERS_MAX

_NAME = PlainText(NAME_CHARACTERS_MAX)
_KEY = PlainText(HEADER_CHARACTERS_MAX)
_ID = PlainText(16)


class ProposalRow(Base):
    """A proposal as it stands.

    ``state_since`` is when it came into its state, ``event_count`` how many events it has had.
    """

    __tablename__ = "proposals"
    __table_args__ = (
        Index("ix_proposals_tenant_created_at_id", "tenant", "created_at", "id"),
        Index("ix_proposals_tenant_portfolio_id_created_at_id", "tenant", "portfolio_id", "created_at", "id"),
        Index("ix_proposals_tenant_current_state_created_at_id", "tenant", "current_state", "created_at", "id"),
        Index("ix_proposals_current_state_state_since", "current_state", "state_since"),
    )

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    tenant: Mapped[str] = mapped_column(String(100))
    portfolio_id: Mapped[str] = mapped_column(_NAME)
    created_by: Mapped[str] = mapped_column(_NAME)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_event_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state_since: Mapped[datetime] = mapped_column(UtcDateTime)
    current_state: Mapped[str] = mapped_column(String(40))
    current_version_no: Mapped[int]
    event_count: Mapped[int]
    title: Mapped[str | None] = mapped_column(PlainText(TITLE_CHARACTERS_MAX))
    jurisdiction: Mapped[str | None] = mapped_column(_NAME)
    mandate_id: Mapped[str | None] = mapped_column(_NAME)
    advisor_notes: Mapped[str | None] = mapped_column(PlainText(NOTES_CHARACTERS_MAX))


class VersionRow(Base):
    """What was proposed; never changed."""

    __tablename__ = "proposal_versions"
    __table_args__ = (Index("uq_proposal_versions_proposal_id_version_no", "proposal_id", "version_no", unique=True),)

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    tenant: Mapped[str] = mapped_column(String(100))
    proposal_id: Mapped[str] = mapped_column(_ID)
    version_no: Mapped[int]
    created_by: Mapped[str] = mapped_column(_NAME)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    request_hash: Mapped[str] = mapped_column(String(80))
    artifact_hash: Mapped[str] = mapped_column(String(80))
    simulation_hash: Mapped[str] = mapped_column(String(80))
    status_at_creation: Mapped[str] = mapped_column(String(20))
    has_evidence: Mapped[bool]
    soft_breaches: Mapped[bytes] = mapped_column(LargeBinary)
    gate_decision: Mapped[bytes] = mapped_column(Compressed)
    inputs: Mapped[bytes] = mapped_column(Compressed, deferred=True)
    result: Mapped[bytes] = mapped_column(Compressed, deferred=True)
    artifact_head: Mapped[bytes] = mapped_column(Compressed, deferred=True)
    artifact_tail: Mapped[bytes] = mapped_column(Compressed, deferred=True)


class EventRow(Base):
    """What happened to a proposal, in order; never changed."""

    __tablename__ = "proposal_events"
    __table_args__ = (Index("uq_proposal_events_proposal_id_sequence", "proposal_id", "sequence", unique=True),)

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    tenant: Mapped[str] = mapped_column(String(100))
    proposal_id: Mapped[str] = mapped_column(_ID)
    sequence: Mapped[int]
    event_type: Mapped[str] = mapped_column(String(40))
    from_state: Mapped[str | None] = mapped_column(String(40))
    to_state: Mapped[str] = mapped_column(String(40))
    actor_id: Mapped[str] = mapped_column(_NAME)
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reason: Mapped[bytes] = mapped_column(LargeBinary)
    related_version_no: Mapped[int | None]


class ApprovalRow(Base):
    """Who approved or refused what; ``sequence`` is its event's, ``version_no`` the version they saw."""

    __tablename__ = "proposal_approvals"
    __table_args__ = (Index("uq_proposal_approvals_proposal_id_sequence", "proposal_id", "sequence", unique=True),)

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    tenant: Mapped[str] = mapped_column(String(100))
    proposal_id: Mapped[str] = mapped_column(_ID)
    sequence: Mapped[int]
    version_no: Mapped[int]
    approval_type: Mapped[str] = mapped_column(String(20))
    approved: Mapped[bool]
    actor_id: Mapped[str] = mapped_column(_NAME)
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime)
    details: Mapped[bytes] = mapped_column(LargeBinary)
    related_version_no: Mapped[int | None]


class ProposalKeyRow(Base):
    """The proposal that a key of idempotency stands for."""

    __tablename__ = "proposal_keys"

    tenant: Mapped[str] = mapped_column(String(100), primary_key=True)
    key: Mapped[str] = mapped_column(_KEY, primary_key=True)
    request_hash: Mapped[str] = mapped_column(String(80))
    proposal_id: Mapped[str] = mapped_column(_ID)
    version_no: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SimulationRow(Base):
    """A simulation that its key answers with again; the least recently used are forgotten."""

    __tablename__ = "proposal_simulations"
    __table_args__ = (Index("ix_proposal_simulations_tenant_used", "tenant", "used"),)

    tenant: Mapped[str] = mapped_column(String(100), primary_key=True)
    key: Mapped[str] = mapped_column(_KEY, primary_key=True)
    id: Mapped[str] = mapped_column(String(32))
    request_hash: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used: Mapped[int] = mapped_column(BigInteger)
    result: Mapped[bytes] = mapped_column(Compressed, deferred=True)


class ProposalOperationRow(Base):
    """A proposal or a version that was asked for to be made later.

    ``outcome`` is the proposal and its event as they were when it ended; the version is found by its number.
    """

    __tablename__ = "proposal_operations"
    __table_args__ = (
        Index("ix_proposal_operations_tenant_correlation_id_created_at", "tenant", "correlation_id", "created_at"),
    )

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    tenant: Mapped[str] = mapped_column(String(100))
    operation_type: Mapped[str] = mapped_column(String(40))
    status: Mapped[str] = mapped_column(String(20))
    correlation_id: Mapped[str] = mapped_column(_KEY)
    idempotency_key: Mapped[str | None] = mapped_column(_KEY)
    proposal_id: Mapped[str | None] = mapped_column(_KEY)
    version_no: Mapped[int | None]
    created_by: Mapped[str] = mapped_column(_NAME)
    subject: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    request: Mapped[bytes] = mapped_column(Compressed, deferred=True)
    outcome: Mapped[bytes | None] = mapped_column(Compressed, deferred=True)
    error_code: Mapped[str | None] = mapped_column(String(100))
    error_message: Mapped[str | None] = mapped_column(PlainText(1_000))
