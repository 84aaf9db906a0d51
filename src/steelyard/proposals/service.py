"""Proposals as a service: simulated by the pure engine, kept by the store, moved by the lifecycle.

    proposals.simulate, artifact          # answered as bytes, remembered under their key
    proposals.create, add_version         # transactions of their own
    proposals.transition, approve         # in the caller's transaction
    store.*                               # reads, in the caller's transaction

Source: contract dpm, sections 10, 12 and 14.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.core import clock
from steelyard.infra.database import Database
from steelyard.infra.legacy_stores import LegacyStores
from steelyard.infra.principal import Principal
from steelyard.proposals import store, workflow
from steelyard.proposals.asked import Asked
from steelyard.proposals.creating import (
    NewProposal,
    check_version,
    new_proposal,
    new_version,
    require_flag,
    store_version,
)
from steelyard.proposals.documents import artifact_bytes, documented
from steelyard.proposals.drafts import ProposalDraft, VersionDraft
from steelyard.proposals.ledger import ProposalLedger
from steelyard.proposals.simulation import ProposalIdentity, simulate_proposal
from steelyard.proposals.simulations import Simulation, Simulations
from steelyard.proposals.toggles import ProposalToggles
from steelyard.proposals.values import ProposalRequest, ProposalResult
from steelyard.proposals.views import created_view
from steelyard.proposals.workflow import Approval, Moved, Transition
from steelyard.rebalance.service import timestamp
from steelyard.rebalance.wire import request_hash

INLINE_ROWS_MAX = 400
"""Rows (positions, shelf, trades) computed on the event loop in a few ms; more take a thread."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Stored:
    """A proposal or a version that was stored, or was before under the same key, and the body that says so."""

    proposal_id: str
    version_no: int
    body: bytes


class Proposals:
    """The use cases of the advisory routes, for one event loop."""

    def __init__(self, database: Database, toggles: ProposalToggles, stores: LegacyStores) -> None:
        self.toggles = toggles
        self.stores = stores
        self._database = database
        self._ledger = ProposalLedger(database)
        self._simulations = Simulations(database)

    @property
    def store_backend(self) -> str:
        """What proposals are kept in, or were told to be."""
        return "SQL" if self._database.is_sqlite and not self.stores.proposals.is_postgres else "POSTGRES"

    @property
    def missing_store(self) -> str | None:
        """The code of what keeps proposals from their store, or None."""
        return self.stores.missing_dsn(self.stores.proposals, is_sqlite=self._database.is_sqlite)

    def require_store(self) -> None:
        """Refuse where proposals were told to use a server and none is known.

        Raises:
            UnavailableError: with the code ``PROPOSAL_POSTGRES_DSN_REQUIRED``.
        """
        self.stores.require(self.stores.proposals, is_sqlite=self._database.is_sqlite)

    async def simulate(self, asked: Asked, request: ProposalRequest, key: str) -> bytes:
        """Simulate a proposal; the answer of a key that comes again is the first one's.

        Raises:
            InvalidInputError: PROPOSAL_SIMULATION_DISABLED.
            ConflictError: the key came before with another request.
        """
        return (await self._simulated(asked, request, key)).result

    async def artifact(self, asked: Asked, request: ProposalRequest, key: str) -> bytes:
        """The artifact of the simulation that the key has, or gets; the same bytes whenever it comes again.

        Raises:
            InvalidInputError, ConflictError: as :meth:`simulate`.
        """
        simulation = await self._simulated(asked, request, key)

        def compute() -> bytes:
            result = msgspec.json.decode(simulation.result, type=ProposalResult)
            return artifact_bytes(documented(request, result, created_at=timestamp(simulation.created_at)))

        return await _computed(compute, request)

    async def create(self, asked: Asked, draft: ProposalDraft, key: str) -> Stored:
        """Create a proposal with its first version; a key that comes again finds the proposal as it stands now.

        Raises:
            InvalidInputError: PROPOSAL_SIMULATION_DISABLED.
            ConflictError: the key came before with another request.
        """
        if self.toggles.require_simulation_flag:
            require_flag(draft.simulate_request)

        def compute() -> tuple[bytes, NewProposal]:
            new = new_proposal(self.toggles, asked, draft, key)
            return msgspec.json.encode(created_view(new.proposal, new.version, new.event)), new

        body, new = await _computed(compute, draft.simulate_request)
        known = await self._ledger.record(new)
        if known is None:
            return Stored(new.proposal.id, 1, body)
        async with self._database.reading() as session:
            return await read_created(session, asked.principal.tenant, known.proposal_id, known.version_no)

    async def add_version(self, asked: Asked, proposal_id: str, draft: VersionDraft) -> Stored:
        """Add a version to a proposal that has not ended.

        Raises:
            NotFoundError: PROPOSAL_NOT_FOUND.
            InvalidInputError: PROPOSAL_TERMINAL_STATE, PROPOSAL_SIMULATION_DISABLED, PORTFOLIO_CONTEXT_MISMATCH.
        """
        toggles, tenant = self.toggles, asked.principal.tenant
        async with self._database.reading() as session:
            await check_version(session, toggles, tenant, proposal_id, draft, locked=False)
        version = await _computed(
            lambda: new_version(toggles, asked, draft, proposal_id=proposal_id), draft.simulate_request
        )
        async with self._database.transaction() as session:
            proposal, event = await store_version(session, toggles, asked, draft, version)
        body = msgspec.json.encode(created_view(proposal, version, event))
        return Stored(proposal_id, version.version_no, body)

    async def transition(
        self, session: AsyncSession, principal: Principal, proposal_id: str, wanted: Transition
    ) -> Moved:
        """Let an event happen; see :func:`workflow.transition`."""
        return await workflow.transition(session, self.toggles, principal, proposal_id, wanted)

    async def approve(self, session: AsyncSession, principal: Principal, proposal_id: str, wanted: Approval) -> Moved:
        """Write an approval or its refusal; see :func:`workflow.approve`."""
        return await workflow.approve(session, self.toggles, principal, proposal_id, wanted)

    async def _simulated(self, asked: Asked, request: ProposalRequest, key: str) -> Simulation:
        require_flag(request)

        def compute() -> Simulation:
            hashed = request_hash(request)
            result = simulate_proposal(request, ProposalIdentity(asked.correlation_id, hashed, key))
            return Simulation(asked.principal.tenant, key, hashed, clock.now(), result.to_bytes())

        return await self._simulations.record(await _computed(compute, request))


async def read_created(session: AsyncSession, tenant: str, proposal_id: str, version_no: int) -> Stored:
    """A proposal as it stands now, with one of its versions.

    Raises:
        NotFoundError: there is no such proposal, or no such version.
    """
    proposal = await store.proposal_by_id(session, tenant, proposal_id)
    version = await store.version_of(session, proposal, version_no)
    event = await store.newest_event(session, proposal)
    return Stored(proposal_id, version_no, msgspec.json.encode(created_view(proposal, version, event)))


async def _computed(compute: Callable[[], Answer], request: ProposalRequest) -> Answer:
    rows = len(request.portfolio_snapshot.positions) + len(request.shelf_entries) + len(request.proposed_trades)
    return compute() if rows <= INLINE_ROWS_MAX else await asyncio.to_thread(compute)
