"""What the DPM endpoints share: who asks, what the headers say, and answers as bytes.

A route whose well-formed requests need no explaining reads them itself, in a tenth of the time that
FastAPI takes; every other request goes FastAPI's way, and so do all its errors.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import Depends, Header, Query, Request
from starlette.responses import Response

from steelyard.infra.logs import RequestIds
from steelyard.infra.principal import Principal
from steelyard.infra.web import require_unless_open
from steelyard.rebalance.careful import INLINE_BODY_BYTES_MAX, CarefulRoute
from steelyard.rebalance.catalogue import Selectors
from steelyard.rebalance.limits import HEADER_CHARACTERS_MAX
from steelyard.rebalance.operations import Operations
from steelyard.rebalance.runs import Period
from steelyard.rebalance.service import Asked, Rebalancing

READ, WRITE = "rebalance:read", "rebalance:write"

CorrelationId = Annotated[str | None, Header(alias="X-Correlation-Id", max_length=HEADER_CHARACTERS_MAX)]
PolicyPackId = Annotated[str | None, Header(alias="X-Policy-Pack-Id", max_length=HEADER_CHARACTERS_MAX)]
TenantId = Annotated[str | None, Header(alias="X-Tenant-Id", max_length=HEADER_CHARACTERS_MAX)]
TenantPolicyPackId = Annotated[str | None, Header(alias="X-Tenant-Policy-Pack-Id", max_length=HEADER_CHARACTERS_MAX)]
IdempotencyKey = Annotated[str, Header(alias="Idempotency-Key", max_length=HEADER_CHARACTERS_MAX)]

LIST_MAX = 200
"""Items of one page of a list."""

Limit = Annotated[int, Query(ge=1, le=LIST_MAX)]
Cursor = Annotated[str | None, Query()]
From = Annotated[datetime | None, Query(alias="from")]
To = Annotated[datetime | None, Query(alias="to")]

_may_read, _may_write = require_unless_open(READ), require_unless_open(WRITE)
Reader = Annotated[Principal, Depends(_may_read)]
Writer = Annotated[Principal, Depends(_may_write)]

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Read = TypeVar("Read")
Quick = Callable[[Request], Awaitable[Response | None]]


def rebalancing(request: Request) -> Rebalancing:
    """The use cases, where the server put them."""
    found: Rebalancing = request.app.state.rebalancing
    return found


Service = Annotated[Rebalancing, Depends(rebalancing)]


def runs_store(service: Service) -> None:
    """Refuse before anything else where runs have no store."""
    service.require_store(service.stores.runs)


def packs_store(service: Service) -> None:
    """Refuse before anything else where policy packs have no store."""
    service.require_store(service.stores.packs)


def operations(request: Request) -> Operations:
    """The operations, where the server put them."""
    found: Operations = request.app.state.rebalance_operations
    return found


Worker = Annotated[Operations, Depends(operations)]


def period(start: datetime | None, end: datetime | None) -> Period:
    """The times between which a list is asked for; one without an offset is UTC."""
    return Period(start and _in_utc(start), end and _in_utc(end))


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:  # the first or the last day there is, moved over the edge by its offset
        return moment.replace(tzinfo=UTC)


def drawn_correlation_id(request: Request) -> str:
    """The correlation id of a request that brought none: the one under which the logs have it."""
    ids: RequestIds = request.scope["state"]["ids"]
    return ids.correlation_id if ids.correlation_id.startswith("corr_") else "corr_" + secrets.token_hex(6)


class QuickRoute(CarefulRoute):
    """A route whose endpoint may have a quick way: it answers, or says None and the request goes FastAPI's way."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:  # noqa: D102
        careful = super().get_route_handler()
        quick: Quick | None = getattr(self.endpoint, "quick", None)
        if quick is None:
            return careful

        async def handle(request: Request) -> Response:
            return await quick(request) or await careful(request)  # which finds the body read already

        return handle


def tried_first(quick: Quick) -> Callable[[Endpoint], Endpoint]:
    """Give an endpoint its quick way."""

    def mark(endpoint: Endpoint) -> Endpoint:
        endpoint.quick = quick  # type: ignore[attr-defined]
        return endpoint

    return mark


async def quick_asked(request: Request) -> Asked | None:
    """Who asks, from the bare request; None if a header or the kind of body needs explaining."""
    headers = request.headers
    named = [headers.get(name) for name in ("x-correlation-id", "x-policy-pack-id", "x-tenant-id")]
    if any(value is not None and len(value) > HEADER_CHARACTERS_MAX for value in named):
        return None
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return None
    correlation_id, pack_id, tenant_id = named
    return Asked(await _may_write(request), correlation_id or None, Selectors(pack_id, None, tenant_id))


async def quick_body(read: Callable[[bytes], Read], request: Request) -> Read:
    """The body of a request by its quick way, in a thread where it is large."""
    body = await request.body()
    return read(body) if len(body) <= INLINE_BODY_BYTES_MAX else await asyncio.to_thread(read, body)


def as_json(value: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer; ``msgspec.Raw`` inside ``value`` goes out as the bytes that were stored."""
    return Response(msgspec.json.encode(value), status_code=status, headers=headers, media_type="application/json")


def as_answered(body: bytes) -> Response:
    """An answer that is bytes already."""
    return Response(body, media_type="application/json")
