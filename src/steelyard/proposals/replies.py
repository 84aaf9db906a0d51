"""Moves that are answered once: the same key with the same body has one effect and one answer, byte for byte."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from steelyard.infra.idempotency import Answer, answer_once
from steelyard.proposals.views import moved_view
from steelyard.proposals.workflow import Moved
from steelyard.rebalance.web import as_answered


async def answered_once(
    session: AsyncSession,
    move: Callable[[], Awaitable[Moved]],
    *,
    tenant: str,
    route: str,
    key: str | None,
    request: dict[str, Any],
) -> Response:
    """The answer of ``move``, or the one that ``key`` was answered with before; without a key it always moves.

    Raises:
        ConflictError: the key came before with another request.
    """

    async def effect() -> Answer:
        moved = await move()
        return Answer(200, msgspec.json.encode(moved_view(moved.proposal, moved.event, moved.approval)))

    if not key:
        return as_answered((await effect()).body)
    answer = await answer_once(
        session,
        tenant=tenant,
        route=f"POST /rebalance/proposals/{{proposal_id}}/{route}",
        key=key,
        request=request,
        effect=effect,
    )
    return as_answered(answer.body)
