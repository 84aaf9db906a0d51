"""Put the pages into an application.  NiceGUI takes a second to import, so only this does it, when called."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from starlette.routing import Match, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

ASSETS_URL = "/dashboard-assets"
PARENT = "steelyard.parent"
"""Where the scope of a page's request holds the application that the pages were put into."""

_OWN = ("/sweeps", "/models", "/books", "/rebalances", "/proposals", "/jobs", "/data", "/login", "/favicon.ico")
_NEVER = ("/api/", "/rebalance/", "/sse-proxy/", "/webhook/", "/health", "/metrics")
_STATIC = Path(__file__).parent / "static"


def install_dashboard(app: FastAPI) -> None:
    """Serve the dashboard at `/`; call it last, so that every other route is found first.

    It reads ``app.state.database``, ``authenticator``, ``jobs`` and ``settings`` while requests are served.
    """
    from nicegui import core, ui  # noqa: PLC0415 - see above

    from steelyard.dashboard import (  # noqa: PLC0415
        actions,
        book_page,
        books_page,
        data_page,
        dpm_book_page,
        dpm_books_page,
        dpm_downloads,
        dpm_history_page,
        dpm_new_book_page,
        dpm_new_page,
        dpm_operations_page,
        dpm_review_page,
        dpm_run_page,
        dpm_what_if_page,
        errors,
        jobs_page,
        login_page,
        model_page,
        models_page,
        proposal_board_page,
        proposal_downloads,
        proposal_page,
        run_page,
        sweeps_page,
    )

    pages = (
        sweeps_page, run_page, models_page, model_page, books_page, book_page, jobs_page, data_page, login_page,
        dpm_history_page, dpm_review_page, dpm_operations_page, dpm_books_page, dpm_new_book_page, dpm_book_page,
        dpm_new_page, dpm_what_if_page, dpm_run_page,
        proposal_board_page, proposal_page,
    )  # fmt: skip
    for part in pages:
        part.register()
    errors.register()
    app.mount(ASSETS_URL, StaticFiles(directory=_STATIC), name="dashboard-assets")
    app.include_router(actions.router)
    app.include_router(dpm_downloads.router)
    app.include_router(proposal_downloads.router)
    if core.app.config.has_run_config:  # an application of this process before ours: NiceGUI has one for all
        core.app.middleware_stack = None
        core.app.user_middleware.clear()
    core.sio.eio.cors_allowed_origins = None  # pages of other sites may not open our socket; NiceGUI lets all
    ui.run_with(
        app,
        title="Steelyard",
        favicon=_STATIC / "favicon.svg",
        language="en-US",
        binding_refresh_interval=None,
        reconnect_timeout=10,
        tailwind=False,
        show_welcome_message=False,
    )
    mounted = app.router.routes.pop()
    app.router.routes.append(_Pages("/", app=mounted.app, name="dashboard"))  # type: ignore[attr-defined]


class _Pages(Mount):
    """NiceGUI under `/`, but only for what is a page: an unknown API route stays an API's 404."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if not _is_page(scope):
            return Match.NONE, {}
        match, child_scope = super().matches(scope)
        return match, {**child_scope, PARENT: scope["app"]}


def _is_page(scope: Scope) -> bool:
    path: str = scope["path"]
    if path == "/" or path.startswith("/_nicegui") or any(path == own or path.startswith(f"{own}/") for own in _OWN):
        return True
    is_read = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
    accepts = dict(scope["headers"]).get(b"accept", b"")
    return is_read and b"text/html" in accepts and not path.startswith(_NEVER)
