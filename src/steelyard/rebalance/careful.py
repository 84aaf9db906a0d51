"""Bodies that need explaining, read as FastAPI reads them, but never for long on the event loop.

A large one is parsed, validated and its faults listed in a thread.  JSON that Python cannot hold
(bytes that are no text, nesting without end, a number of thousands of digits) is a fault of the body
like any other, where FastAPI by itself knows nothing to say.

Source: contract dpm, section 1.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.responses import Response

from steelyard.rebalance.wire import parsed

INLINE_BODY_BYTES_MAX = 200_000
"""A body up to this size is read on the event loop, in some milliseconds; a larger one takes a thread."""


class CarefulRoute(APIRoute):
    """A route whose body is explained as above."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:  # noqa: D102
        answer = super().get_route_handler()
        if self.body_field is None:
            return answer
        field = self.body_field

        async def handle(request: Request) -> Response:
            careful = _CarefulRequest(request, field)
            try:
                return await answer(careful)
            except RequestValidationError as refused:
                if not careful.faults:
                    raise
                elsewhere = [fault for fault in refused.errors() if fault["loc"][0] != "body"]
            raise RequestValidationError([*elsewhere, *careful.faults])

        return handle


class _CarefulRequest(Request):
    """A request that hands FastAPI a large body validated already, or None and keeps the faults."""

    def __init__(self, request: Request, field: Any) -> None:
        super().__init__(request.scope, request.receive)
        self._request = request
        self._field = field
        self.faults: list[dict[str, Any]] = []

    async def body(self) -> bytes:
        return await self._request.body()  # which may have been read already

    async def json(self) -> Any:
        body = await self.body()
        return parsed(body) if len(body) <= INLINE_BODY_BYTES_MAX else await asyncio.to_thread(self._validated, body)

    def _validated(self, body: bytes) -> Any:
        value = parsed(body)
        if value is None:
            return None
        validated, self.faults = self._field.validate(value, loc=("body",))
        return validated
