"""What a running process holds, opened in order and closed in reverse."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from steelyard.infra.database import Database
from steelyard.infra.jobs import Jobs
from steelyard.infra.legacy_stores import LegacyStores
from steelyard.infra.migrations import upgrade
from steelyard.infra.outbound import Outbound
from steelyard.infra.settings import Settings, use_settings
from steelyard.infra.webhooks import Webhooks
from steelyard.models.book_job import BOOK, book_job
from steelyard.models.composition import ModelParts, model_parts
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


@asynccontextmanager
async def running(settings: Settings, *, works: bool = True) -> AsyncIterator[Parts]:
    """The database, its tables up to date where it is embedded, and the jobs; a worker among them if ``works``."""
    use_settings(settings)
    database = Database(settings)
    jobs = Jobs(settings, database)
    webhooks = Webhooks(settings, database, jobs, Outbound(settings))
    rebalancing = Rebalancing(database, Toggles.read(os.environ), LegacyStores.read(os.environ))
    operations = Operations(database, jobs, rebalancing)
    try:
        if settings.is_sqlite:
            await upgrade(database)
        async with model_parts(settings, database) as models:
            jobs.register(service.SWEEP, service.run_sweep_job, settle=service.announcing(webhooks))
            jobs.register(BOOK, book_job(models, database))
            jobs.register(DPM_BOOK, dpm_book_job.book_job(database, settings.book_processes))
            parts = Parts(database, jobs, webhooks, models, rebalancing, operations)
            async with _working(parts) if works else _idle():
                yield parts
    finally:
        await database.dispose()


@asynccontextmanager
async def _working(parts: Parts) -> AsyncIterator[None]:
    await parts.jobs.start()
    tidying = asyncio.create_task(purge_regularly(parts.database, parts.rebalancing, parts.rebalance_operations))
    try:
        yield
    finally:
        tidying.cancel()
        await asyncio.gather(tidying, return_exceptions=True)
        await parts.jobs.stop()


@asynccontextmanager
async def _idle() -> AsyncIterator[None]:
    yield
