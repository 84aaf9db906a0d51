"""Recorded runs, their lineage and their reviews, on both engines."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from steelyard.core.errors import ConflictError, NotFoundError
from steelyard.infra.principal import Principal
from steelyard.rebalance import reviews
from steelyard.rebalance.lineage import LineageReader
from steelyard.rebalance.runs import Period, Shelf, insert_runs, page_of_runs, run_by_correlation, run_by_id
from steelyard.rebalance.summary import summarize
from steelyard.rebalance.tables import OperationRow
from steelyard.rebalance.toggles import Toggles
from tests.rebalance.test_ledger import NOON, run

ACME = Shelf("acme", None)
TOGGLES = Toggles.read({"DPM_WORKFLOW_ENABLED": "yes"})
OPERATIONS = select(OperationRow).where(OperationRow.tenant == "acme")
REVIEWER = Principal("acme", "key:1", frozenset())


def operation(number: int, correlation_id: str) -> OperationRow:
    return OperationRow(
        id=f"dop_{number:012x}",
        tenant="acme",
        operation_type="ANALYZE_SCENARIOS",
        status="PENDING",
        correlation_id=correlation_id,
        created_by="t",
        is_submitted=False,
        created_at=NOON + timedelta(seconds=number),
        request=b"{}",
    )


@pytest.fixture
async def recorded(database):
    """Nine runs: pairs made in the same instant, every third under the key k, one of another tenant."""
    moments = [NOON + timedelta(seconds=number // 2) for number in range(9)]
    runs = [
        run(n, "k" if n % 3 == 0 else None, correlation_id="c" if n % 2 else f"c{n}", created_at=moments[n])
        for n in range(9)
    ]
    async with database.transaction() as session:
        await insert_runs(session, [*runs, run(99, tenant="other", correlation_id="c")])
        session.add_all([operation(number, "c") for number in (1, 2)])
    return database


async def pages(read, limit):
    """Every item of a list, page by page."""
    found, cursor = [], None
    while True:
        page, cursor = await read(limit, cursor)
        assert len(page) <= limit
        found += page
        if cursor is None:
            return found


@pytest.mark.parametrize("limit", [1, 2, 4, 50])
async def test_pages_of_runs_make_up_the_whole_list_newest_first(recorded, limit):
    async with recorded.reading() as session:

        async def read(limit, cursor):
            return await page_of_runs(session, ACME, period=Period(), limit=limit, cursor=cursor)

        found = [row.id for row in await pages(read, limit)]
    assert found == [f"rr_{number:08x}" for number in (8, 7, 6, 5, 4, 3, 2, 1, 0)]


async def test_a_cursor_that_is_not_in_the_list_ends_it(recorded):
    async with recorded.reading() as session:
        for cursor, status in (("rr_none", None), ("rr_00000003", "BLOCKED"), ("rr_00000063", None)):
            page = await page_of_runs(session, ACME, period=Period(), limit=5, cursor=cursor, status=status)
            assert page == ([], None)


async def test_a_period_includes_both_its_ends(recorded):
    at = NOON + timedelta(seconds=2)
    async with recorded.reading() as session:
        found, _ = await page_of_runs(session, ACME, period=Period(at, at), limit=50)
    assert [row.id for row in found] == ["rr_00000005", "rr_00000004"]


async def test_no_tenant_sees_the_runs_of_another(recorded):
    async with recorded.reading() as session:
        with pytest.raises(NotFoundError, match="rr_00000063"):
            await run_by_id(session, ACME, "rr_00000063")
        assert (await run_by_correlation(session, ACME, "c")).id == "rr_00000007"
        assert (await run_by_correlation(session, Shelf("other", None), "c")).id == "rr_00000063"


async def test_runs_beyond_retention_are_gone_for_every_reader(recorded):
    shelf = Shelf("acme", NOON + timedelta(seconds=4))
    async with recorded.reading() as session:
        found, _ = await page_of_runs(session, shelf, period=Period(), limit=50)
        assert [row.id for row in found] == ["rr_00000008"]
        with pytest.raises(NotFoundError):
            await run_by_correlation(session, shelf, "c")
        assert (await summarize(session, shelf, OPERATIONS))["run_count"] == 1


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
async def test_pages_of_lineage_make_up_all_edges_oldest_first(recorded, limit):
    async with recorded.reading() as session:
        reader = LineageReader(session, ACME, OPERATIONS)

        async def read(limit, cursor):
            return await reader.page("c", period=Period(), limit=limit, cursor=cursor)

        found = await pages(read, limit)
    assert [edge.place for edge in found] == sorted(edge.place for edge in found)
    ends = {(edge.source_entity_id, edge.target_entity_id) for edge in found}
    assert ends == {("c", f"rr_{number:08x}") for number in (1, 3, 5, 7)} | {
        (f"dop_{number:012x}", "c") for number in (1, 2)
    }


async def test_an_edge_has_both_its_ends_and_its_type(recorded):
    async with recorded.reading() as session:
        reader = LineageReader(session, ACME, OPERATIONS)
        of_run, _ = await reader.page("rr_00000003", period=Period(), limit=50)
        of_key, _ = await reader.page("k", period=Period(), limit=50)
        one_type, _ = await reader.page("rr_00000003", period=Period(), limit=50, edge_type="CORRELATION_TO_RUN")
    assert {(edge.edge_type, edge.source_entity_id) for edge in of_run} == {
        ("CORRELATION_TO_RUN", "c"),
        ("IDEMPOTENCY_TO_RUN", "k"),
    }
    assert [edge.target_entity_id for edge in of_key] == ["rr_00000000", "rr_00000003", "rr_00000006"]
    assert [edge.source_entity_id for edge in one_type] == ["c"]


@pytest.mark.parametrize("cursor", ["", "x", "a|b|c|d", "2026-01-01T00:00:00|c|CORRELATION_TO_RUN|rr_00000001"])
async def test_an_unknown_cursor_ends_the_lineage(recorded, cursor):
    async with recorded.reading() as session:
        reader = LineageReader(session, ACME, OPERATIONS)
        assert await reader.page("c", period=Period(), limit=5, cursor=cursor) == ([], None)


async def test_the_summary_counts_what_the_lists_show(recorded):
    async with recorded.reading() as session:
        counted = await summarize(session, ACME, OPERATIONS)
    assert counted["run_count"] == 9
    assert counted["run_status_counts"] == {"READY": 9}
    assert counted["operation_status_counts"] == {"PENDING": 2}
    assert counted["lineage_edge_count"] == 9 + 3 + 2
    assert counted["oldest_run_created_at"] == "2026-02-03T12:00:00.000000+00:00"
    assert counted["newest_run_created_at"] == "2026-02-03T12:00:04.000000+00:00"


async def test_of_reviewers_who_approve_at_once_one_succeeds(database):
    async with database.transaction() as session:
        await insert_runs(session, [run(1, status="PENDING_REVIEW")])

    async def approve(number):
        async with database.transaction() as session:
            found = await run_by_id(session, ACME, "rr_00000001")
            await reviews.review(
                session,
                TOGGLES,
                REVIEWER,
                found,
                action="APPROVE",
                reason_code="OK",
                comment=None,
                actor_id=f"reviewer-{number}",
                correlation_id="c_none",
            )

    outcomes = await asyncio.gather(*[approve(number) for number in range(6)], return_exceptions=True)
    assert sum(outcome is None for outcome in outcomes) == 1
    assert all(isinstance(outcome, ConflictError) for outcome in outcomes if outcome is not None)
    async with database.reading() as session:
        page, _ = await reviews.page_of_decisions(session, ACME, period=Period(), limit=50, cursor=None)
    assert [decision.action for decision in page] == ["APPROVE"]


def test_times_of_the_first_and_the_last_day_are_no_error():
    from steelyard.rebalance.web import period

    early = datetime.fromisoformat("0001-01-01T00:00:00+14:00")
    late = datetime.fromisoformat("9999-12-31T23:59:59-12:00")
    assert period(early, late).start == datetime(1, 1, 1, tzinfo=UTC)
    assert period(datetime(2026, 1, 1), None).start == datetime(2026, 1, 1, tzinfo=UTC)  # noqa: DTZ001 - naive is UTC
