"""What is kept no longer is removed: runs and books beyond the days of retention, operations beyond their time.

Readers never see what is too old; this only gives its room back.  Several workers may do it at once.

Source: contract dpm, sections 9 and 11.
"""

from __future__ import annotations

import asyncio

import structlog

from steelyard.infra.database import Database
from steelyard.rebalance.book_store import purge_books
from steelyard.rebalance.operations import Operations
from steelyard.rebalance.runs import purge_runs
from steelyard.rebalance.service import Rebalancing

PURGE_INTERVAL_S = 3_600
RUNS_PER_TRANSACTION_MAX = 500

BOOKS_PER_TRANSACTION_MAX = 1
"""A large book has a hundred megabytes of results."""

log = structlog.get_logger(__name__)


async def purge_regularly(database: Database, rebalancing: Rebalancing, operations: Operations) -> None:
    """Purge now and every hour, until cancelled; a database that is away for a while changes nothing."""
    while True:
        try:
            await purge(database, rebalancing, operations)
        except Exception:
            log.exception("rebalance_purge_failed")
        await asyncio.sleep(PURGE_INTERVAL_S)


async def purge(database: Database, rebalancing: Rebalancing, operations: Operations) -> None:
    """Remove everything that is too old now."""
    while (before := rebalancing.kept_since()) is not None:
        async with database.transaction() as session:
            runs = await purge_runs(session, before, at_most=RUNS_PER_TRANSACTION_MAX)
            books = await purge_books(session, before, at_most=BOOKS_PER_TRANSACTION_MAX)
        if runs < RUNS_PER_TRANSACTION_MAX and books < BOOKS_PER_TRANSACTION_MAX:
            break
    async with database.transaction() as session:
        await operations.purge(session)
