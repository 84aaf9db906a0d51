"""Is the server there, alive, and able to work?"""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from steelyard._version import __version__
from steelyard.core import clock
from steelyard.core.errors import SteelyardError, UnavailableError
from steelyard.infra.metrics import CONTENT_TYPE, metrics_body

CHECK_SECONDS_MAX = 5.0

router = APIRouter(tags=["health"])


@router.get("/health")
@router.get("/health/", include_in_schema=False)
async def health() -> dict[str, Any]:
    """The server answers; see `/health/ready` for whether it can work."""
    return {"status": "healthy", "version": __version__, "timestamp": clock.isoformat_z(clock.now())}


@router.get("/health/live")
async def live() -> dict[str, Any]:
    """The process runs and its event loop turns."""
    return {"status": "alive"}


@router.get("/health/ready", responses={503: {"description": "A check failed; the body names it"}})
async def ready(request: Request) -> JSONResponse:
    """Every part that a request may need answers now: the database and the job engine."""
    state = request.app.state
    checks = {"database": state.database.check, "jobs": state.jobs.check}
    if state.settings.model_store != "sql":
        checks["models"] = state.model_store.check
    outcomes = await asyncio.gather(*(_outcome(check) for check in checks.values()))
    verdicts = dict(zip(checks, outcomes, strict=True))
    good = all(verdict == "ok" for verdict in outcomes)
    body = {"status": "ready" if good else "not ready", "version": __version__, "checks": verdicts}
    return JSONResponse(body, status_code=200 if good else UnavailableError.http_status)


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    """Prometheus metrics; nothing in them names a tenant or an id."""
    return Response(await metrics_body(request.app.state.database), media_type=CONTENT_TYPE)


async def _outcome(check: Any) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS_MAX):
            await check()
    except SteelyardError as failure:
        return failure.message
    except TimeoutError:
        return f"no answer within {CHECK_SECONDS_MAX:g} s"
    return "ok"
