"""The board of proposals: how many are where, and the newest of them."""

import secrets

import pytest

from steelyard.infra.legacy_stores import LegacyStores
from steelyard.infra.principal import Principal
from steelyard.proposals.asked import Asked
from steelyard.proposals.board import LANES, board
from steelyard.proposals.drafts import ProposalDraft
from steelyard.proposals.service import Proposals
from steelyard.proposals.toggles import ProposalToggles
from steelyard.proposals.wire import read_proposal
from steelyard.proposals.workflow import Transition
from tests.proposals.desk import proposal


@pytest.fixture
async def shop(database):
    """Makes proposals of a tenant of its own."""
    proposals = Proposals(database, ProposalToggles.read({}), LegacyStores.read({}))
    principal = Principal(f"t-{secrets.token_hex(4)}", "test", frozenset())

    async def make(portfolio="pf", by="anna", *events):
        request = proposal(cash=1)
        request["portfolio_snapshot"]["portfolio_id"] = portfolio
        draft = ProposalDraft(by, read_proposal(request))
        made = await proposals.create(Asked.by(principal), draft, secrets.token_hex(4))
        async with database.transaction() as session:
            state = "DRAFT"
            for event in events:
                moved = await proposals.transition(
                    session,
                    principal,
                    made.proposal_id,
                    Transition(event, by, state),  # type: ignore[arg-type]
                )
                state = moved.proposal.current_state
        return made.proposal_id

    async def read(**wanted):
        async with database.reading() as session:
            return {lane.states: lane for lane in await board(session, principal.tenant, **{"each": 2} | wanted)}

    return make, read


async def test_each_proposal_is_in_the_lane_of_its_state_newest_first(shop):
    make, read = shop
    drafts = [await make() for _ in range(3)]
    cancelled, reviewed = await make("pf", "anna", "CANCELLED"), await make("pf", "anna", "SUBMITTED_FOR_RISK_REVIEW")
    lanes = await read()
    assert list(lanes) == list(LANES)
    assert (lanes["DRAFT",].count, [row.id for row in lanes["DRAFT",].newest]) == (3, [drafts[2], drafts[1]])
    assert [row.id for row in lanes["RISK_REVIEW",].newest] == [reviewed]
    assert [row.id for row in lanes[LANES[-1]].newest] == [cancelled]
    assert sum(lane.count for lane in lanes.values()) == 5


async def test_it_shows_one_portfolio_or_one_maker_and_never_another_tenant(shop):
    make, read = shop
    wanted, other = await make("x", "anna"), await make("y", "ben")
    assert [row.id for row in (await read(portfolio_id="x"))["DRAFT",].newest] == [wanted]
    assert [row.id for row in (await read(created_by="ben"))["DRAFT",].newest] == [other]
    assert (await read(portfolio_id="x", created_by="ben"))["DRAFT",].count == 0
    assert sum(lane.count for lane in (await read()).values()) == 2
