"""The application: one factory that puts settings, database, jobs, routes and pages together."""

from __future__ import annotations

import asyncio
import os
import warnings
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from fastapi import FastAPI

from steelyard._version import __version__
from steelyard.dashboard import install_dashboard
from steelyard.infra.auth import Authenticator
from steelyard.infra.database import Database
from steelyard.infra.jobs import Jobs
from steelyard.infra.legacy_stores import LegacyStores
from steelyard.infra.logs import RequestIdsMiddleware
from steelyard.infra.metrics import MetricsMiddleware
from steelyard.infra.migrations import upgrade
from steelyard.infra.outbound import Outbound
from steelyard.infra.settings import Settings, require_production_ready, use_settings
from steelyard.infra.webhooks import Webhooks
from steelyard.rebalance import (
    bundle_endpoints,
    operation_endpoints,
    policy_endpoints,
    run_endpoints,
    workflow_endpoints,
)
from steelyard.rebalance import endpoints as rebalance_endpoints
from steelyard.rebalance.operations import Operations
from steelyard.rebalance.purging import purge_regularly
from steelyard.rebalance.service import Rebalancing
from steelyard.rebalance.toggles import Toggles
from steelyard.research import endpoints, service
from steelyard.server import auth_endpoints, health, job_endpoints
from steelyard.server.docs_page import install_docs_page
from steelyard.server.dpm_openapi import install_dpm_document
from steelyard.server.error_bodies import install_error_bodies

log = structlog.get_logger(__name__)
DESCRIPTION = "From research to orders: strategy sweeps over verified data, with what tells skill from luck."


def create_app(settings: Settings) -> FastAPI:
    """The application for ``settings``; nothing is opened before it starts.

    Raises:
        ConfigurationError: the production profile is set and the settings are too weak for it.
    """
    require_production_ready(settings)
    for chosen in LegacyStores.read(os.environ).deprecated():
        log.warning("deprecated_store_backend", chosen=chosen, instead="POSTGRES")
        warnings.warn(f"{chosen} is deprecated: it selects the embedded database", DeprecationWarning, stacklevel=2)
    app = FastAPI(
        title="Steelyard",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
        max_body_size=settings.body_bytes_max,
    )
    app.state.settings = settings
    app.add_middleware(MetricsMiddleware)
    app.add_middleware(RequestIdsMiddleware)
    install_error_bodies(app)
    install_docs_page(app)
    install_dpm_document(app)
    app.include_router(health.router)
    if settings.role in ("all", "api"):
        for router in (
            rebalance_endpoints.router,  # routes are tried in this order, and these are asked for most often
            auth_endpoints.router,
            endpoints.router,
            job_endpoints.router,
            job_endpoints.proxy,
            operation_endpoints.router,
            run_endpoints.router,
            bundle_endpoints.router,
            workflow_endpoints.router,
            policy_endpoints.router,
        ):
            app.include_router(router)
    if settings.role in ("all", "dashboard"):
        install_dashboard(app)
    return app


@dataclass(frozen=True, slots=True)
class Parts:
    """What a running process holds."""

    database: Database
    jobs: Jobs
    webhooks: Webhooks
    rebalancing: Rebalancing
    rebalance_operations: Operations


@asynccontextmanager
async def running(settings: Settings, *, works: bool = True) -> AsyncIterator[Parts]:
    """The database, its tables up to date where it is embedded, and the jobs; a worker among them if ``works``."""
    use_settings(settings)
    database = Database(settings)
    jobs = Jobs(settings, database)
    webhooks = Webhooks(settings, database, jobs, Outbound(settings))
    jobs.register(service.SWEEP, service.run_sweep_job, settle=service.announcing(webhooks))
    rebalancing = Rebalancing(database, Toggles.read(os.environ), LegacyStores.read(os.environ))
    operations = Operations(database, jobs, rebalancing)
    try:
        if settings.is_sqlite:
            await upgrade(database)
        if works:
            await jobs.start()
        tidying = asyncio.create_task(purge_regularly(database, rebalancing, operations)) if works else None
        try:
            yield Parts(database, jobs, webhooks, rebalancing, operations)
        finally:
            if tidying is not None:
                tidying.cancel()
                await asyncio.gather(tidying, return_exceptions=True)
            await jobs.stop()
    finally:
        await database.dispose()


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    async with running(settings, works=settings.role in ("all", "worker")) as parts:
        app.state.database, app.state.jobs, app.state.webhooks = parts.database, parts.jobs, parts.webhooks
        app.state.rebalancing, app.state.rebalance_operations = parts.rebalancing, parts.rebalance_operations
        app.state.authenticator = Authenticator(settings, parts.database)
        app.state.open_streams = Counter[str]()
        yield
