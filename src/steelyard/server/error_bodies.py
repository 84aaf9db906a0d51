"""What a client sees when something is refused: one rule per family of routes, a trace id in each.

Most routes answer ``{"detail", "code", "details", "trace_id"}``: ``detail`` is a sentence, or the list
that FastAPI's clients know when a body or parameter failed validation.  The routes of requirement
001 answer as :mod:`steelyard.server.model_errors` says, those of 003 as :mod:`steelyard.server.dpm_errors`.
A defect of ours answers 500 as problem+json with nothing of the inside.
"""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError, OperationalError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from steelyard.core.errors import SteelyardError, UnavailableError
from steelyard.infra.logs import RequestIds
from steelyard.server import dpm_errors, model_errors
from steelyard.server.ascii_json import AsciiJson

_INPUT_ECHO_CHARACTERS_MAX = 200
_RETRY_AFTER_SECONDS = 5
_HALVES = ("\ud800", "\udfff")

log = structlog.get_logger(__name__)


def install_error_bodies(app: FastAPI) -> None:
    """Let ``app`` answer every refusal in the shapes above."""
    app.add_exception_handler(SteelyardError, _refusal)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(OperationalError, _database_away)
    app.add_exception_handler(UnicodeEncodeError, _half_character)
    app.add_exception_handler(DataError, _no_data)
    app.add_exception_handler(Exception, _defect)


def _refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, SteelyardError)  # noqa: S101 - registered for this class only
    if error.http_status >= HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(error, UnavailableError):
        return _defect(request, error)
    headers = {"Retry-After": str(_RETRY_AFTER_SECONDS)} if isinstance(error, UnavailableError) else {}
    if error.http_status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if model_errors.covers(request):
        return model_errors.refusal(error, _trace_id(request), headers)
    if dpm_errors.covers(request):
        return dpm_errors.refusal(error, headers)
    return _body(request, error.http_status, error.message, error.code, details=error.details, headers=headers)


def _invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
    if model_errors.covers(request):
        return model_errors.invalid_request(error, _trace_id(request))
    if dpm_errors.covers(request):
        return dpm_errors.invalid_request(error)
    found = [_shortened(item) for item in jsonable_encoder(error.errors())]
    return _body(request, HTTPStatus.UNPROCESSABLE_ENTITY, found, "INVALID_INPUT")


def _half_character(request: Request, error: Exception) -> Response:
    """JSON can name half of a character, which no text can hold; validation lets some pass."""
    assert isinstance(error, UnicodeEncodeError)  # noqa: S101 - registered for this class only
    text = error.object[error.start : error.end]
    if not all(_HALVES[0] <= character <= _HALVES[1] for character in text):
        return _defect(request, error)
    message = "Input should be a valid string, unable to parse raw data as a unicode string"
    fault = {"type": "string_unicode", "loc": ("body",), "msg": message, "input": text}
    return _invalid_request(request, RequestValidationError([fault]))


def _no_data(request: Request, error: Exception) -> Response:
    """PostgreSQL's text has no NUL, so nothing can be stored or found by one."""
    assert isinstance(error, DataError)  # noqa: S101 - registered for this class only
    if "NUL" not in str(error.orig):
        return _defect(request, error)
    given: dict[tuple[str, ...], Any] = {("path", name): value for name, value in request.path_params.items()}
    given |= {("query", name): value for name, value in request.query_params.items()}
    place = next((place for place, value in given.items() if "\0" in str(value)), ("body",))
    fault = {"type": "string_nul", "loc": place, "msg": "Input should have no NUL", "input": given.get(place)}
    return _invalid_request(request, RequestValidationError([fault]))


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    if model_errors.covers(request):
        return model_errors.http_error(error, _trace_id(request))
    if dpm_errors.covers(request):
        return dpm_errors.http_error(error)
    code = HTTPStatus(error.status_code).name
    return _body(request, error.status_code, error.detail, code, headers=error.headers)


def _database_away(request: Request, error: Exception) -> Response:
    log.error("database_unavailable", path=request.url.path, exc_info=error)
    code = dpm_errors.store_code(request) if dpm_errors.covers(request) else "DATABASE_UNAVAILABLE"
    return _refusal(request, UnavailableError("the database does not answer; try again later", code=code))


def _defect(request: Request, error: Exception) -> Response:
    log.error("unhandled_error", path=request.url.path, exc_info=error)
    if model_errors.covers(request):
        return model_errors.defect(_trace_id(request))
    if dpm_errors.covers(request):
        return dpm_errors.defect(request, _trace_id(request))
    problem = {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "Steelyard met a defect of its own. Quote the trace id to whoever runs it.",
        "trace_id": _trace_id(request),
    }
    return AsciiJson(problem, status_code=500, media_type="application/problem+json")


def _body(
    request: Request, status: int, detail: Any, code: str, *, details: dict[str, Any] | None = None, headers: Any = None
) -> Response:
    content = {"detail": detail, "code": code, "details": details or {}, "trace_id": _trace_id(request)}
    return AsciiJson(jsonable_encoder(content), status_code=status, headers=headers)


def _trace_id(request: Request) -> str:
    ids: RequestIds | None = request.scope.get("state", {}).get("ids")
    return ids.trace_id if ids else secrets.token_hex(16)


def _shortened(item: dict[str, Any]) -> dict[str, Any]:
    """The offending value is shown, but never echoed at length."""
    text = item.get("input")
    if isinstance(text, str) and len(text) > _INPUT_ECHO_CHARACTERS_MAX:
        item["input"] = text[:_INPUT_ECHO_CHARACTERS_MAX] + "…"
    elif isinstance(text, dict | list):
        item.pop("input")
    return item
