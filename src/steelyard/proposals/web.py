"""What the advisory endpoints share: who asks, which service, and what is switched off.

Source: contract dpm, sections 2 and 15.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import Depends, Header, Query, Request

from steelyard.infra.principal import Principal
from steelyard.infra.web import require_unless_open
from steelyard.proposals.asked import Asked
from steelyard.proposals.limits import INLINE_BODY_BYTES_MAX, LIST_MAX
from steelyard.proposals.service import Proposals
from steelyard.rebalance.limits import HEADER_CHARACTERS_MAX
from steelyard.rebalance.toggles import require_enabled
from steelyard.rebalance.web import CorrelationId, drawn_correlation_id

Read = TypeVar("Read")

READ, WRITE = "proposals:read", "proposals:write"

Limit = Annotated[int, Query(ge=1, le=LIST_MAX)]
OptionalKey = Annotated[str | None, Header(alias="Idempotency-Key", max_length=HEADER_CHARACTERS_MAX)]

may_read, may_write = require_unless_open(READ), require_unless_open(WRITE)
Reader = Annotated[Principal, Depends(may_read)]
Writer = Annotated[Principal, Depends(may_write)]


def proposals(request: Request) -> Proposals:
    """The use cases, where the server put them."""
    found: Proposals = request.app.state.proposals
    return found


Service = Annotated[Proposals, Depends(proposals)]


def proposals_store(service: Service) -> None:
    """Refuse before anything else where proposals have no store."""
    service.require_store()


def asked(request: Request, principal: Writer, x_correlation_id: CorrelationId = None) -> Asked:
    """Who asks to write, and under which correlation id."""
    return Asked.by(principal, x_correlation_id, drawn=drawn_correlation_id(request))


Asker = Annotated[Asked, Depends(asked)]


async def quick_read(request: Request, read: Callable[[bytes], Read | None]) -> tuple[Asked, str, Read] | None:
    """Who asks, the key and the body, from the bare request; None if something of it needs explaining."""
    headers = request.headers
    key, sent = headers.get("idempotency-key"), headers.get("x-correlation-id")
    if key is None or max(len(key), len(sent or "")) > HEADER_CHARACTERS_MAX:
        return None
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return None
    principal = await may_write(request)
    raw = await request.body()
    body = read(raw) if len(raw) <= INLINE_BODY_BYTES_MAX else await asyncio.to_thread(read, raw)
    if body is None:
        return None
    return Asked.by(principal, sent, drawn=drawn_correlation_id(request)), key, body


def require_lifecycle(service: Proposals) -> None:
    """Refuse where proposals are not kept at all.

    Raises:
        NotFoundError: PROPOSAL_WORKFLOW_LIFECYCLE_DISABLED.
    """
    require_enabled("PROPOSAL_WORKFLOW_LIFECYCLE", enabled=service.toggles.lifecycle)


def require_support(service: Proposals) -> None:
    """Refuse where the routes of support are switched off.

    Raises:
        NotFoundError: PROPOSAL_WORKFLOW_LIFECYCLE_DISABLED, PROPOSAL_SUPPORT_APIS_DISABLED.
    """
    require_lifecycle(service)
    require_enabled("PROPOSAL_SUPPORT_APIS", enabled=service.toggles.support_apis)


def require_async(service: Proposals) -> None:
    """Refuse where nothing is made in the background.

    Raises:
        NotFoundError: PROPOSAL_WORKFLOW_LIFECYCLE_DISABLED, PROPOSAL_ASYNC_OPERATIONS_DISABLED.
    """
    require_lifecycle(service)
    require_enabled("PROPOSAL_ASYNC_OPERATIONS", enabled=service.toggles.async_operations)
