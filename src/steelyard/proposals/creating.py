"""New proposals and new versions: computed outside of a transaction, stored in one.

A key of idempotency is claimed where its proposal is stored: of all requests with one key, in however
many processes, one has its proposal stored, and the others find it.

Source: contract dpm, sections 10 and 14.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, insert, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.core import clock
from steelyard.core.errors import ConflictError, InvalidInputError
from steelyard.infra.audit import record, record_all
from steelyard.infra.columns import Base
from steelyard.infra.principal import Principal
from steelyard.proposals.api import DISABLED
from steelyard.proposals.asked import Asked
from steelyard.proposals.documents import document_of
from steelyard.proposals.drafts import ProposalDraft, VersionDraft
from steelyard.proposals.events import add_event, correlation_reason, new_id
from steelyard.proposals.lifecycle import require_open
from steelyard.proposals.simulation import ProposalIdentity
from steelyard.proposals.store import proposal_by_id
from steelyard.proposals.tables import EventRow, ProposalKeyRow, ProposalRow, VersionRow
from steelyard.proposals.toggles import ProposalToggles
from steelyard.proposals.values import ProposalRequest
from steelyard.rebalance.service import timestamp
from steelyard.rebalance.wire import request_hash


@dataclass(frozen=True, slots=True, eq=False)
class NewProposal:
    """A proposal with its first version and event, ready to be stored under ``key``."""

    principal: Principal
    key: str
    proposal: ProposalRow
    version: VersionRow
    event: EventRow


@dataclass(frozen=True, slots=True)
class Known:
    """What a key stands for already."""

    proposal_id: str
    version_no: int
    request_hash: str


def require_flag(request: ProposalRequest) -> None:
    """Refuse a simulation that was not switched on.

    Raises:
        InvalidInputError: PROPOSAL_SIMULATION_DISABLED.
    """
    if not request.options.enable_proposal_simulation:
        message = "`options.enable_proposal_simulation` was false; set it to simulate proposals"
        raise InvalidInputError(message, code=DISABLED, details={"reason": "set options.enable_proposal_simulation"})


def new_proposal(toggles: ProposalToggles, asked: Asked, draft: ProposalDraft, key: str) -> NewProposal:
    """Simulate a proposal and make its rows."""
    version = new_version(toggles, asked, draft, key=key, proposal_id=new_id("pp"))
    tenant, metadata = asked.principal.tenant, draft.metadata
    proposal = ProposalRow(
        id=version.proposal_id,
        tenant=tenant,
        portfolio_id=draft.simulate_request.portfolio_snapshot.portfolio_id,
        created_by=draft.created_by,
        created_at=version.created_at,
        last_event_at=version.created_at,
        state_since=version.created_at,
        current_state="DRAFT",
        current_version_no=1,
        event_count=1,
        title=metadata.title,
        jurisdiction=metadata.jurisdiction,
        mandate_id=metadata.mandate_id,
        advisor_notes=metadata.advisor_notes,
    )
    event = EventRow(
        id=new_id("pwe"),
        tenant=tenant,
        proposal_id=proposal.id,
        sequence=1,
        event_type="CREATED",
        from_state=None,
        to_state="DRAFT",
        actor_id=draft.created_by,
        occurred_at=version.created_at,
        reason=correlation_reason(asked),
        related_version_no=1,
    )
    return NewProposal(asked.principal, key, proposal, version, event)


def new_version(
    toggles: ProposalToggles,
    asked: Asked,
    draft: ProposalDraft | VersionDraft,
    *,
    proposal_id: str,
    key: str | None = None,
) -> VersionRow:
    """Simulate a version, numbered 1 until it is known which it will be."""
    hashed, created_at = request_hash(draft), clock.now()
    identity = ProposalIdentity(asked.correlation_id, hashed, key)
    document = document_of(draft.simulate_request, identity, created_at=timestamp(created_at))
    return VersionRow(
        id=new_id("ppv"),
        tenant=asked.principal.tenant,
        proposal_id=proposal_id,
        version_no=1,
        created_by=draft.created_by,
        created_at=created_at,
        request_hash=hashed,
        artifact_hash=document.artifact_hash,
        simulation_hash=document.simulation_hash,
        status_at_creation=document.status,
        has_evidence=toggles.store_evidence_bundle,
        soft_breaches=document.soft_breaches,
        gate_decision=document.gate_decision,
        inputs=document.inputs,
        result=document.result,
        artifact_head=document.artifact_head,
        artifact_tail=document.artifact_tail,
    )


async def store_proposals(session: AsyncSession, batch: Sequence[NewProposal]) -> list[Known | Exception | None]:
    """Store proposals whose keys are new; for the others, what their key stands for, or a conflict."""
    first: dict[tuple[str, str], NewProposal] = {}
    for new in batch:
        first.setdefault((new.principal.tenant, new.key), new)
    won = await _claim(session, [first[place] for place in sorted(first)])
    held = await _held(session, [place for place in first if place not in won])
    stored: list[NewProposal] = []
    outcomes: list[Known | Exception | None] = []
    for new in batch:
        place = (new.principal.tenant, new.key)
        if place in won and first[place] is new:
            stored.append(new)
            outcomes.append(None)
        else:
            outcomes.append(_same(new, held.get(place) or _known(first[place])))
    await _insert(session, stored)
    return outcomes


async def check_version(
    session: AsyncSession, toggles: ProposalToggles, tenant: str, proposal_id: str, draft: VersionDraft, *, locked: bool
) -> ProposalRow:
    """The proposal that may have this version.

    Raises:
        NotFoundError: there is none.
        InvalidInputError: it has ended, its simulation is not switched on, or it is another portfolio's.
    """
    proposal = await proposal_by_id(session, tenant, proposal_id, to_change=locked)
    require_open(proposal.current_state)  # type: ignore[arg-type]
    if toggles.require_simulation_flag:
        require_flag(draft.simulate_request)
    portfolio_id = draft.simulate_request.portfolio_snapshot.portfolio_id
    if portfolio_id != proposal.portfolio_id and not toggles.allow_portfolio_change:
        message = f"the proposal is for the portfolio {proposal.portfolio_id!r}; the version is for {portfolio_id!r}"
        raise InvalidInputError(message, code="PORTFOLIO_CONTEXT_MISMATCH")
    return proposal


async def store_version(
    session: AsyncSession, toggles: ProposalToggles, asked: Asked, draft: VersionDraft, version: VersionRow
) -> tuple[ProposalRow, EventRow]:
    """Store a version as the next of its proposal.

    Raises:
        NotFoundError, InvalidInputError: as :func:`check_version`.
    """
    tenant = asked.principal.tenant
    proposal = await check_version(session, toggles, tenant, version.proposal_id, draft, locked=True)
    proposal.current_version_no += 1
    version.version_no = proposal.current_version_no
    session.add(version)
    event = add_event(
        session,
        proposal,
        "NEW_VERSION_CREATED",
        to_state=proposal.current_state,  # type: ignore[arg-type]
        actor_id=draft.created_by,
        at=clock.now(),
        reason=correlation_reason(asked),
        related_version_no=version.version_no,
    )
    details = {"version_no": version.version_no, "created_by": draft.created_by}
    record(session, asked.principal, "proposal.version", proposal.id, details)
    await session.flush()
    return proposal, event


async def _claim(session: AsyncSession, new: Sequence[NewProposal]) -> set[tuple[str, str]]:
    rows = [
        {
            "tenant": one.principal.tenant,
            "key": one.key,
            "request_hash": one.version.request_hash,
            "proposal_id": one.proposal.id,
            "version_no": 1,
            "created_at": one.proposal.created_at,
        }
        for one in new
    ]
    keys = _table(ProposalKeyRow)
    kind = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = kind.insert(keys).on_conflict_do_nothing().returning(keys.c.tenant, keys.c.key)
    return {(tenant, key) for tenant, key in await session.execute(statement, rows)}


async def _held(session: AsyncSession, places: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Known]:
    if not places:
        return {}
    query = select(ProposalKeyRow).where(tuple_(ProposalKeyRow.tenant, ProposalKeyRow.key).in_(places))
    rows: Sequence[Any] = (await session.scalars(query)).all()
    return {(row.tenant, row.key): Known(row.proposal_id, row.version_no, row.request_hash) for row in rows}


def _known(new: NewProposal) -> Known:
    return Known(new.proposal.id, 1, new.version.request_hash)


async def _insert(session: AsyncSession, stored: Sequence[NewProposal]) -> None:
    """Table by table: a third of what the session's own way takes."""
    if not stored:
        return
    await session.execute(insert(_table(ProposalRow)), [_values(new.proposal) for new in stored])
    await session.execute(insert(_table(VersionRow)), [_values(new.version) for new in stored])
    await session.execute(insert(_table(EventRow)), [_values(new.event) for new in stored])
    details = [{"portfolio_id": new.proposal.portfolio_id, "created_by": new.proposal.created_by} for new in stored]
    entries = [(new.principal, new.proposal.id, said) for new, said in zip(stored, details, strict=True)]
    await record_all(session, "proposal.create", entries)


def _table(row: type[Base]) -> Table:
    return row.__table__  # type: ignore[return-value]


def _values(row: Base) -> dict[str, Any]:
    return {name: value for name, value in vars(row).items() if not name.startswith("_")}


def _same(new: NewProposal, known: Known) -> Known | ConflictError:
    if known.request_hash == new.version.request_hash:
        return known
    message = f"the key {new.key!r} was used before with another request; use a new key"
    return ConflictError(message, code="IDEMPOTENCY_KEY_CONFLICT", details={"reason": "request hash mismatch"})
