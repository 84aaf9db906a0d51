"""Logs: one JSON object a line (readable text on a terminal), each with the ids of its request, no secrets."""

from __future__ import annotations

import logging
import re
import secrets
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

import stamina
import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars, merge_contextvars
from structlog.types import EventDict, Processor

from steelyard.infra.settings import Settings

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_CORRELATION_ID = re.compile(r"[A-Za-z0-9._:\-]{1,128}")
_TRACE_PARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_SECRET_NAMES = re.compile(r"(?i)(?:password|secret|token|authorization|cookie|api_?key|session_id)$")
_SECRET_TEXTS = re.compile(
    r"\bsy_[\w-]{20,}|\bwhsec_[\w+/=-]+|\bdev-key-0+|(?i:bearer)\s+[\w.~+/=-]+|\beyJ[\w-]+\.[\w-]+\.[\w-]*|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"
)
_MASK = "***"


def configure_logs(settings: Settings) -> None:
    """Send everything this process logs, the libraries' lines included, to standard error in one form."""
    is_json = settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())
    shared: list[Processor] = [
        merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info if is_json else structlog.processors.StackInfoRenderer(),
        mask_secrets,
    ]
    render: Processor = structlog.processors.JSONRenderer() if is_json else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)
    stamina.instrumentation.set_on_retry_hooks([_tell_of_retry])
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs each address, and addresses may carry secrets


def _tell_of_retry(details: stamina.instrumentation.RetryDetails) -> None:
    log = structlog.get_logger("steelyard.retry")
    log.warning("retrying", cause=str(details.caused_by), attempt=details.retry_num, pause_s=round(details.wait_for, 2))


def mask_secrets(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Mask what is named like a secret or looks like one, at any depth."""
    return {name: _MASK if _SECRET_NAMES.search(name) else _masked(value) for name, value in event.items()}


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return _SECRET_TEXTS.sub(_MASK, value)
    if isinstance(value, dict):
        return {key: _MASK if _SECRET_NAMES.search(str(key)) else _masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(item) for item in value]
    return value


@dataclass(frozen=True, slots=True)
class RequestIds:
    """The ids under which a request is found in every log.

    Attributes:
        correlation_id: the caller's ``X-Correlation-Id`` if it is plain text of 1..128 characters, else one of ours.
        trace_id: 32 hex digits of the caller's W3C ``traceparent``, else ours.
    """

    correlation_id: str
    trace_id: str


def request_ids(correlation_id: str | None, trace_parent: str | None) -> RequestIds:
    """Ids of a request from its headers; a malformed one counts as absent."""
    if not correlation_id or not _CORRELATION_ID.fullmatch(correlation_id):
        correlation_id = "corr_" + secrets.token_hex(6)
    known = _TRACE_PARENT.fullmatch(trace_parent or "")
    return RequestIds(correlation_id, known[1] if known else secrets.token_hex(16))


class RequestIdsMiddleware:
    """Gives each request its ids: in ``scope["state"]["ids"]``, in every log line, and in the response headers."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI says."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"] if name in _WANTED}
        ids = request_ids(headers.get(b"x-correlation-id"), headers.get(b"traceparent"))
        scope.setdefault("state", {})["ids"] = ids
        clear_contextvars()
        bind_contextvars(correlation_id=ids.correlation_id, trace_id=ids.trace_id)

        async def send_with_ids(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                theirs = message.get("headers", [])
                ours = [(b"x-trace-id", ids.trace_id.encode())]
                if not any(name == b"x-correlation-id" for name, _ in theirs):
                    ours.append((b"x-correlation-id", ids.correlation_id.encode()))
                message["headers"] = [*theirs, *ours]
            await send(message)

        await self._app(scope, receive, send_with_ids)


_WANTED = {b"x-correlation-id", b"traceparent"}
