"""Proposals by the state they are in: how many, and the newest of each.

The counts are of the same moment as the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.proposals.store import page_of_proposals
from steelyard.proposals.tables import ProposalRow
from steelyard.rebalance.runs import counts_by

LANES = (
    ("DRAFT",),
    ("RISK_REVIEW",),
    ("COMPLIANCE_REVIEW",),
    ("AWAITING_CLIENT_CONSENT",),
    ("EXECUTION_READY",),
    ("EXECUTED", "REJECTED", "CANCELLED", "EXPIRED"),
)
"""The states that stand side by side; those that have ended share one place."""


@dataclass(frozen=True, slots=True)
class Lane:
    """The proposals of one place of the board.

    Attributes:
        count: how many there are in all.
        newest: the newest of them, newest first.
    """

    states: tuple[str, ...]
    count: int
    newest: Sequence[ProposalRow]


async def board(
    session: AsyncSession, tenant: str, *, each: int, portfolio_id: str | None = None, created_by: str | None = None
) -> list[Lane]:
    """All lanes, with at most ``each`` proposals; only those of a portfolio or a maker, where they are given."""
    wanted = {"portfolio_id": portfolio_id, "created_by": created_by}
    query = select(ProposalRow).where(ProposalRow.tenant == tenant)
    query = query.where(*(getattr(ProposalRow, name) == value for name, value in wanted.items() if value is not None))
    counts = await counts_by(session, query, ProposalRow.current_state)
    lanes = []
    for states in LANES:
        found: list[ProposalRow] = []
        for state in states:
            if counts.get(state):
                page, _ = await page_of_proposals(
                    session, tenant, limit=each, current_state=state, portfolio_id=portfolio_id, created_by=created_by
                )
                found += page
        found.sort(key=lambda row: (row.created_at, row.id), reverse=True)
        lanes.append(Lane(states, sum(counts.get(state, 0) for state in states), found[:each]))
    return lanes
