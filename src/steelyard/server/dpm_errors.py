"""Refusals on the routes of requirement 003: FastAPI's ``{"detail": ...}``, and problem+json for a defect.

``detail`` is the list of faults of a malformed request, or the code of a refusal, followed by its
reason where clients look for one; the sentence for people stands beside it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from steelyard.core.errors import SteelyardError
from steelyard.server.ascii_json import AsciiJson

FAULTS_MAX = 1_000
"""Faults listed of one request."""

INPUT_CHARACTERS_MAX = 1_000
"""Characters of an offending input that are sent back."""


def covers(request: Request) -> bool:
    """Whether the path is one of ours."""
    path = request.url.path
    return path == "/rebalance" or path.startswith("/rebalance/")


def refusal(error: SteelyardError, headers: Mapping[str, str]) -> Response:
    """One of our own refusals."""
    reason = error.details.get("reason")
    detail = f"{error.code}: {reason}" if reason else error.code
    return AsciiJson({"detail": detail, "message": error.message}, status_code=error.http_status, headers=dict(headers))


def invalid_request(error: RequestValidationError) -> Response:
    """A body or parameter that failed validation."""
    faults = [_presentable(fault) for fault in error.errors()[:FAULTS_MAX]]
    return AsciiJson({"detail": faults}, status_code=422)


def http_error(error: HTTPException) -> Response:
    """What the framework refused: no such route or method, a body too large."""
    return AsciiJson({"detail": error.detail}, status_code=error.status_code, headers=error.headers)


def store_code(request: Request) -> str:
    """What is said where the database does not answer."""
    if request.app.state.database.is_sqlite:
        return "DATABASE_UNAVAILABLE"
    family = request.url.path.removeprefix("/rebalance/").partition("/")[0]
    store = {"policies": "DPM_POLICY_PACK", "proposals": "PROPOSAL"}.get(family, "DPM_SUPPORTABILITY")
    return f"{store}_POSTGRES_CONNECTION_FAILED"


def defect(request: Request, trace_id: str | None) -> Response:
    """A defect of ours, with nothing of the inside."""
    problem = {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "Steelyard met a defect of its own. Quote the trace id to whoever runs it.",
        "instance": request.url.path,
        "trace_id": trace_id,
    }
    return AsciiJson(problem, status_code=500, media_type="application/problem+json")


def _presentable(fault: Any) -> Any:
    described = {name: value for name, value in fault.items() if name != "input"}
    encoded = _finite(jsonable_encoder(described))
    if "input" in fault:
        encoded["input"] = _excerpt(fault["input"])
    return encoded


def _excerpt(value: Any) -> Any:
    """An offending input, or how its text begins: no more of a large one is looked at."""
    if isinstance(value, bytes):
        value = value[: INPUT_CHARACTERS_MAX + 1].decode(errors="replace")
    if isinstance(value, str):
        return value if len(value) <= INPUT_CHARACTERS_MAX else value[:INPUT_CHARACTERS_MAX] + "…"
    text = ""
    try:
        for part in json.JSONEncoder(default=str).iterencode(value):
            text += part
            if len(text) > INPUT_CHARACTERS_MAX:
                return text[:INPUT_CHARACTERS_MAX] + "…"
    except RecursionError:  # nested hundreds of levels deep: not worth showing
        return None
    return _finite(jsonable_encoder(value))


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return value
