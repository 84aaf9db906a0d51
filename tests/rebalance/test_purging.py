"""What is kept no longer gives its room back."""

from datetime import timedelta

from sqlalchemy import func, select

from steelyard.core.clock import frozen_at
from steelyard.infra.jobs import Jobs
from steelyard.infra.legacy_stores import LegacyStores
from steelyard.rebalance import book_store
from steelyard.rebalance.book_tables import (
    DpmBookAccountRow,
    DpmBookPartDoneRow,
    DpmBookPartRow,
    DpmBookPiecesRow,
    DpmBookResultsRow,
    DpmBookRow,
)
from steelyard.rebalance.ledger import Ledger
from steelyard.rebalance.operations import Operations
from steelyard.rebalance.purging import purge
from steelyard.rebalance.service import Rebalancing
from steelyard.rebalance.tables import DecisionRow, OperationRow, ReplayRow, RunRow
from steelyard.rebalance.toggles import Toggles
from tests.rebalance.book_desk import book_body, packed_book, worked_on
from tests.rebalance.test_ledger import NOON, run
from tests.rebalance.test_records import operation

KEEP_TWO_DAYS = {"DPM_SUPPORTABILITY_RETENTION_DAYS": "2", "DPM_ASYNC_OPERATIONS_TTL_SECONDS": "60"}


async def counts(database):
    async with database.reading() as session:
        return [await session.scalar(select(func.count()).select_from(row)) for row in ROWS]


ROWS = (RunRow, ReplayRow, DecisionRow, OperationRow)


async def test_old_runs_go_with_their_keys_and_decisions_and_young_ones_stay(database, database_settings):
    rebalancing = Rebalancing(database, Toggles.read(KEEP_TWO_DAYS), LegacyStores.read({}))
    jobs = Jobs(database_settings, database)
    operations = Operations(database, jobs, rebalancing)
    ledger = Ledger(database, keys_max=100, kept_since=lambda: None)
    await ledger.record(run(1, "old"), may_replay=True)
    await ledger.record(run(2, "young", created_at=NOON + timedelta(days=2)), may_replay=True)
    async with database.transaction() as session:
        session.add_all([operation(1, "c"), decision(1), decision(2)])
    with frozen_at(NOON + timedelta(days=3)):
        await purge(database, rebalancing, operations)
    await jobs.stop()
    assert await counts(database) == [1, 1, 1, 0]


async def test_old_books_go_with_all_that_they_came_to(database, database_settings):
    rebalancing = Rebalancing(database, Toggles.read(KEEP_TWO_DAYS), LegacyStores.read({}))
    jobs = Jobs(database_settings, database)
    operations = Operations(database, jobs, rebalancing)
    body = book_body(range(2))
    shared, _ = packed_book(body)
    result, _ = worked_on(body)
    async with database.transaction() as session:
        for age, name in enumerate(("young", "old", "older")):
            at = NOON - timedelta(days=2 * age)
            await book_store.save_book(session, "acme", book_store.Book(name, at, "c", None, "h", 2), shared)
            await book_store.save_accounts(session, name, book_store.Part(0, 0, 2), [])
            await book_store.save_part(session, name, book_store.Part(0, 0, 2), result)
    with frozen_at(NOON + timedelta(days=1)):
        await purge(database, rebalancing, operations)
    await jobs.stop()
    tables = (DpmBookRow, DpmBookPartRow, DpmBookPartDoneRow, DpmBookAccountRow, DpmBookResultsRow, DpmBookPiecesRow)
    async with database.reading() as session:
        left = [await session.scalar(select(func.count()).select_from(table)) for table in tables]
        assert left == [1, 1, 1, 2, 1, 1]
        assert await book_store.find_book(session, "acme", "young")


async def test_without_retention_every_run_is_kept(database, database_settings):
    rebalancing = Rebalancing(database, Toggles.read({}), LegacyStores.read({}))
    jobs = Jobs(database_settings, database)
    operations = Operations(database, jobs, rebalancing)
    await Ledger(database, keys_max=100, kept_since=lambda: None).record(run(1), may_replay=True)
    with frozen_at(NOON + timedelta(days=30_000)):
        await purge(database, rebalancing, operations)
    await jobs.stop()
    assert await counts(database) == [1, 1, 0, 0]


def decision(number):
    return DecisionRow(
        id=f"dwd_{number:012x}",
        tenant="acme",
        run_id=f"rr_{number:08x}",
        action="APPROVE",
        reason_code="OK",
        actor_id="reviewer",
        decided_at=NOON,
        correlation_id="c_none",
    )
