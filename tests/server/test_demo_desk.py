"""The demo's desk is there after the first start, and the same after the second."""

import pytest

from steelyard.infra.auth import DEVELOPER
from steelyard.infra.settings import read_settings
from steelyard.proposals import store
from steelyard.rebalance import book_service
from steelyard.rebalance.demo import DEMOS
from steelyard.rebalance.runs import Period, page_of_runs
from steelyard.server.demo_desk import PROPOSALS, install_demo_book, install_demo_proposals, install_demo_rebalances
from steelyard.server.parts import running


@pytest.fixture
async def parts(tmp_path):
    async with running(read_settings(data_dir=tmp_path), works=False) as running_parts:
        yield running_parts


async def proposals_of(parts):
    async with parts.database.reading() as session:
        found, _ = await store.page_of_proposals(session, DEVELOPER.tenant, limit=100)
        return {one.title: (one.id, one.current_state, one.current_version_no) for one in found}


async def test_every_stage_of_a_proposal_can_be_seen(parts):
    await install_demo_proposals(parts, DEVELOPER)
    found = await proposals_of(parts)
    states = {title: state for title, (_, state, _) in found.items()}
    assert states == {
        "Put new money to work": "DRAFT",
        "Lower the largest holding": "RISK_REVIEW",
        "Diversify into bonds and gold": "AWAITING_CLIENT_CONSENT",
        "Bring the mandate back to its model": "EXECUTION_READY",
        "Spring review": "EXECUTED",
        "A bet on one stock": "REJECTED",
    }
    assert {title for title, (_, _, version) in found.items() if version == 2} == {"Lower the largest holding"}


async def test_a_second_start_adds_nothing(parts):
    assert await install_demo_proposals(parts, DEVELOPER) == len(PROPOSALS)
    assert await install_demo_rebalances(parts, DEVELOPER) == len(DEMOS)
    first = await proposals_of(parts)
    await install_demo_proposals(parts, DEVELOPER)
    await install_demo_rebalances(parts, DEVELOPER)
    assert await proposals_of(parts) == first
    async with parts.database.reading() as session:
        runs, _ = await page_of_runs(session, parts.rebalancing.shelf(DEVELOPER), period=Period(), limit=100)
    assert len(runs) == len(DEMOS)


async def test_the_demo_s_book_is_queued_once(parts):
    for _ in range(2):
        await install_demo_book(parts, DEVELOPER)
    async with parts.database.reading() as session:
        found, _ = await book_service.list_books(
            session, parts.jobs, DEVELOPER.tenant, limit=100, cursor=None, status=None
        )
    assert [one.book.accounts for one in found] == [len(DEMOS)]
