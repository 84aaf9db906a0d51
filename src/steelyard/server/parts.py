"""What a running process holds, opened in order and closed in reverse."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from steelyard.infra.database import Database
from steelyard.infra.database_wait import wait_for_database
from steelyard.infra.jobs import Jobs
from steelyard.infra.legacy_stores import LegacyStores
from steelyard.infra.migrations import upgrade
from steelyard.infra.outbound import Outbound
from steelyard.infra.settings import Settings, use_settings
from steelyard.infra.webhooks import Webhooks
from steelyard.models.book_job import BOOK, book_job
from steelyard.models.composition import ModelParts, model_parts
from steelyard.proposals.expiring import expire_regularly
from steelyard.proposals.operations import ProposalOperations
from steelyard.proposals.service import Proposals
from steelyard.proposals.toggles import ProposalToggles
from steelyard.rebalance import book_job as dpm_book_job
from steelyard.rebalance.book_job import DPM_BOOK
from steelyard.rebalance.operations import Operations
from steelyard.rebalance.purging import purge_regularly
from steelyard.rebalance.service import Rebalancing
from steelyard.rebalance.toggles import Toggles
from steelyard.research import service


@dataclass(frozen=True, slots=True)
class Parts:
    """What a running process holds."""

    database: Database
    jobs: Jobs
    webhooks: Webhooks
    models: ModelParts
    rebalancing: Rebalancing
    rebalance_operations: Operations
    proposals: Proposals
    proposal_operations: ProposalOperations


@asynccontextmanager
async def running(settings: Settings, *, works: bool = True) -> AsyncIterator[Parts]:
    """The database, its tables up to date where it is embedded, and the jobs; a worker among them if ``works``.

    Raises:
        UnavailableError: the database does not answer in the time that a start waits for it.
    """
    use_settings(settings)
    await wait_for_database(settings)
    database = Database(settings)
    jobs = Jobs(settings, database)
    webhooks = Webhooks(settings, database, jobs, Outbound(settings))
    stores = LegacyStores.read(os.environ)
    rebalancing = Rebalancing(database, Toggles.read(os.environ), stores)
    proposals = Proposals(database, ProposalToggles.read(os.environ), stores)
    operations = Operations(database, jobs, rebalancing)
    proposal_operations = ProposalOperations(database, jobs, proposals.toggles)
    try:
        if settings.is_sqlite:
            await upgrade(database)
        async with model_parts(settings, database) as models:
            jobs.register(
                service.SWEEP, service.run_sweep_job, write_scope="sweeps:write", settle=service.announcing(webhooks)
            )
            jobs.register(BOOK, book_job(models, database), write_scope="models:write")
            jobs.register(
                DPM_BOOK, dpm_book_job.book_job(database, settings.book_processes), write_scope="rebalance:write"
            )
            parts = Parts(database, jobs, webhooks, models, rebalancing, operations, proposals, proposal_operations)
            async with _working(parts) if works else _idle():
                yield parts
    finally:
        await database.dispose()


@asynccontextmanager
async def _working(parts: Parts) -> AsyncIterator[None]:
    await parts.jobs.start()
    regular = (
        purge_regularly(parts.database, parts.rebalancing, parts.rebalance_operations),
        expire_regularly(parts.database, parts.proposals.toggles),
    )
    tasks = [asyncio.create_task(work) for work in regular]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await parts.jobs.stop()


@asynccontextmanager
async def _idle() -> AsyncIterator[None]:
    yield
