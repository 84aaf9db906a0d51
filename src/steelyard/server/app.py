"""The application: one factory that puts settings, database, jobs, routes and pages together."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from steelyard._version import __version__
from steelyard.dashboard import install_dashboard
from steelyard.infra.auth import Authenticator
from steelyard.infra.legacy_stores import LegacyStores
from steelyard.infra.logs import RequestIdsMiddleware
from steelyard.infra.metrics import MetricsMiddleware
from steelyard.infra.settings import Settings, require_production_ready
from steelyard.models import account_endpoints, book_endpoints
from steelyard.models import endpoints as model_endpoints
from steelyard.models import rebalance_endpoints as model_rebalances
from steelyard.models.composition import warm_up
from steelyard.proposals import document_endpoints as proposal_documents
from steelyard.proposals import endpoints as proposal_endpoints
from steelyard.proposals import lifecycle_endpoints as proposal_lifecycle
from steelyard.proposals import operation_endpoints as proposal_operations
from steelyard.proposals import support_endpoints as proposal_support
from steelyard.rebalance import book_endpoints as dpm_book_endpoints
from steelyard.rebalance import (
    bundle_endpoints,
    operation_endpoints,
    policy_endpoints,
    run_endpoints,
    snapshot_endpoints,
    workflow_endpoints,
)
from steelyard.rebalance import endpoints as rebalance_endpoints
from steelyard.research import endpoints as sweep_endpoints
from steelyard.server import auth_endpoints, health, job_endpoints
from steelyard.server.body_limit import BodyLimitMiddleware
from steelyard.server.docs_page import install_docs_page
from steelyard.server.dpm_openapi import install_dpm_document
from steelyard.server.error_bodies import install_error_bodies
from steelyard.server.parts import running

log = structlog.get_logger(__name__)
DESCRIPTION = "From research to orders: strategy sweeps over verified data, with what tells skill from luck."

API = (
    rebalance_endpoints.router,  # routes are tried in this order, and these are asked for most often
    proposal_endpoints.router,
    proposal_lifecycle.router,
    auth_endpoints.router,
    sweep_endpoints.router,
    job_endpoints.router,
    job_endpoints.proxy,
    model_endpoints.router,
    model_rebalances.router,
    book_endpoints.router,
    job_endpoints.books,
    account_endpoints.router,
    operation_endpoints.router,
    run_endpoints.router,
    bundle_endpoints.router,
    workflow_endpoints.router,
    policy_endpoints.router,
    proposal_operations.router,
    proposal_support.router,
    proposal_documents.router,
    dpm_book_endpoints.router,
    job_endpoints.dpm_books,
    snapshot_endpoints.router,
)


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
    )
    app.state.settings = settings
    app.add_middleware(
        BodyLimitMiddleware,
        bytes_max=settings.body_bytes_max,
        bytes_max_of={dpm_book_endpoints.PATH: settings.book_body_bytes_max},
    )
    app.add_middleware(MetricsMiddleware)
    app.add_middleware(RequestIdsMiddleware)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=["*"],
        allow_headers=["*"],
        expose_headers=["*"],
    )
    install_error_bodies(app)
    install_docs_page(app)
    install_dpm_document(app)
    app.include_router(health.router)
    if settings.role in ("all", "api"):
        for router in API:
            app.include_router(router)
    if settings.role in ("all", "dashboard"):
        install_dashboard(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    async with running(settings, works=settings.role in ("all", "worker")) as parts:
        app.state.database, app.state.jobs, app.state.webhooks = parts.database, parts.jobs, parts.webhooks
        app.state.rebalancing, app.state.rebalance_operations = parts.rebalancing, parts.rebalance_operations
        app.state.proposals, app.state.proposal_operations = parts.proposals, parts.proposal_operations
        app.state.authenticator = Authenticator(settings, parts.database)
        app.state.open_streams = Counter[str]()
        if settings.role in ("all", "api"):
            await warm_up(settings)
        app.state.model_parts, app.state.model_store = parts.models, parts.models.store
        yield
