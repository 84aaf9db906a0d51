"""Pages for what is not there, not allowed, or broken: in our own frame, with nothing of the inside."""

from __future__ import annotations

import nicegui
import structlog
from fastapi import Request
from nicegui import Client, ui
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from steelyard.core.errors import SteelyardError
from steelyard.dashboard.shell import DEFECT, bare_shell, card
from steelyard.dashboard.theme import mode_of

log = structlog.get_logger(__name__)

_HEADLINES = {403: "Not allowed", 404: "There is nothing here", 422: "That cannot be shown", 503: "Not available now"}


def register() -> None:
    """Have NiceGUI's application answer with these pages."""
    nicegui.app.add_exception_handler(SteelyardError, _refused)
    nicegui.app.add_exception_handler(404, _missing)
    nicegui.app.add_exception_handler(Exception, _broken)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, SteelyardError)  # noqa: S101 - registered for this class only
    if error.http_status == 500:
        return await _broken(request, error)
    return _page(request, error.http_status, error.message)


async def _missing(request: Request, error: Exception) -> Response:
    if request.url.path.startswith("/_nicegui"):
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for its status only
        return JSONResponse({"detail": error.detail}, status_code=404)
    return _page(request, 404, "No page has this address.")


async def _broken(request: Request, error: Exception) -> Response:
    log.error("dashboard_defect", path=request.url.path, exc_info=error)
    return _page(request, 500, DEFECT)


def _page(request: Request, status: int, message: str) -> Response:
    headline = _HEADLINES.get(status, "Something went wrong")
    with Client(ui.page("", title=f"{headline} · Steelyard"), request=request) as client:
        with bare_shell(mode_of(request.cookies)), card(headline):
            ui.label(message)
            with ui.element("div").classes("row"):
                ui.link("To the sweeps", "/").classes("quiet")
        return client.build_response(request, status)
