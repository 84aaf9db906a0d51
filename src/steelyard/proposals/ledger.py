"""New proposals of many requests, stored in one transaction: a commit costs more than a proposal (ADR 7)."""

from __future__ import annotations

from sqlalchemy.exc import IntegrityError

from steelyard.core.errors import UnavailableError
from steelyard.infra.database import Database
from steelyard.proposals.creating import Known, NewProposal, store_proposals
from steelyard.rebalance.gathering import Gathering

BATCH_MAX = 32
"""Proposals stored in one transaction."""

WAITING_MAX = 2_000
"""Proposals that wait to be stored; one more is refused."""


class ProposalLedger:
    """Stores new proposals, for one event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._gathering = Gathering[NewProposal, Known | None](self._write, batch_max=BATCH_MAX)

    async def record(self, new: NewProposal) -> Known | None:
        """Store a proposal, or say what its key stands for already.

        Raises:
            ConflictError: the key came before with another request.
            UnavailableError: too many wait.
        """
        if len(self._gathering) >= WAITING_MAX:
            message = f"{WAITING_MAX} proposals wait to be stored; try again later"
            raise UnavailableError(message, code="LEDGER_FULL")
        return await self._gathering(new)

    async def _write(self, batch: list[NewProposal]) -> list[Known | Exception | None]:
        try:
            async with self._database.transaction() as session:
                return await store_proposals(session, batch)
        except IntegrityError as failure:  # an id that chance drew twice: one of them is at fault
            if len(batch) == 1:
                return [_taken(failure)]
        return [await self._write_alone(new) for new in batch]

    async def _write_alone(self, new: NewProposal) -> Known | Exception | None:
        try:
            (outcome,) = await self._write([new])
        except Exception as failure:  # noqa: BLE001 - it is the request's to hear of
            return failure
        return outcome


def _taken(failure: IntegrityError) -> UnavailableError:
    error = UnavailableError("the id that was drawn is taken; try again", code="NO_FREE_PROPOSAL_ID")
    error.__cause__ = failure
    return error
