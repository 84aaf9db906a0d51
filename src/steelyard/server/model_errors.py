"""Refusals on the routes of requirement 001: ``{"error": {code, message, details, timestamp, traceId}}``.

A wrong body or parameter is 400 here, and 422 says that a portfolio has no answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from steelyard.core import clock
from steelyard.core.errors import InvalidInputError, SteelyardError
from steelyard.server.ascii_json import AsciiJson

_OURS = re.compile(
    r"/api/v1/(models?|portfolios?|rebalances?|rebalance-batch(es)?|drift|accounts?|securities|security)(/|$)"
)
_BASE = "/api/v1/"
_PROBLEMS_MAX = 50
_MESSAGE_CHARACTERS_MAX = 500


def covers(request: Request) -> bool:
    """Whether the path is one of ours, or none at all below their base."""
    path = request.url.path
    return _OURS.match(path) is not None or (path.startswith(_BASE) and "route" not in request.scope)


def refusal(error: SteelyardError, trace_id: str, headers: Mapping[str, str]) -> Response:
    """One of our own refusals."""
    status = HTTPStatus.BAD_REQUEST if isinstance(error, InvalidInputError) else error.http_status
    return _body(status, error.code, error.message, error.details, trace_id, headers=headers)


def invalid_request(error: RequestValidationError, trace_id: str) -> Response:
    """A body or parameter that failed validation: the first problem in words, all of them in the details."""
    problems = [_problem(one) for one in error.errors()[:_PROBLEMS_MAX]]
    message = f"`{problems[0]['field']}`: {problems[0]['message']}" if problems else "the request is malformed"
    return _body(HTTPStatus.BAD_REQUEST, "VALIDATION_ERROR", message, {"problems": problems}, trace_id)


def http_error(error: HTTPException, trace_id: str) -> Response:
    """What the framework refused: no such route or method, a body too large."""
    status = HTTPStatus(error.status_code)
    return _body(status, status.name, str(error.detail), {}, trace_id, headers=error.headers)


def defect(trace_id: str) -> Response:
    """A defect of ours, with nothing of the inside."""
    message = "Steelyard met a defect of its own. Quote the trace id to whoever runs it."
    return _body(HTTPStatus.INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", message, {}, trace_id)


def _problem(found: Mapping[str, Any]) -> dict[str, str]:
    place = ".".join(str(part) for part in found["loc"] if part not in {"body", "query", "path", "header"})
    message = str(found["msg"]).removeprefix("Value error, ")[:_MESSAGE_CHARACTERS_MAX]
    return {"field": place or str(found["loc"][0]), "code": str(found["type"]).upper(), "message": message}


def _body(
    status: int,
    code: str,
    message: str,
    details: Mapping[str, Any],
    trace_id: str,
    *,
    headers: Mapping[str, str] | None = None,
) -> Response:
    error = {
        "code": code,
        "message": message,
        "details": dict(details),
        "timestamp": clock.isoformat_z(clock.now()),
        "traceId": trace_id,
    }
    content = jsonable_encoder({"error": error})
    return AsciiJson(content, status_code=status, headers=dict(headers) if headers else None)
