"""JSON bodies whose numbers keep their digits: 0.105 is read as the decimal 0.105 and never as a float."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from decimal import Decimal, InvalidOperation
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response


def parse_exact(text: str | bytes) -> Any:
    """JSON with each number that has a point or an exponent as ``Decimal``.

    Raises:
        json.JSONDecodeError: not JSON, NaN or an infinity, nested too deep, or a number too long.
    """
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse)
    except json.JSONDecodeError:
        raise
    except (ValueError, InvalidOperation, RecursionError) as error:
        reason = "nested too deep" if isinstance(error, RecursionError) else str(error)[:200]
        raise json.JSONDecodeError(reason, "", 0) from None


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a JSON number")


class ExactRequest(Request):
    """A request whose JSON is read by :func:`parse_exact`."""

    async def json(self) -> Any:
        """The body."""
        return parse_exact(await self.body())


class ExactRoute(APIRoute):
    """A route whose body is read by :func:`parse_exact`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, given an :class:`ExactRequest`."""
        handle = super().get_route_handler()

        async def handle_exactly(request: Request) -> Response:
            return await handle(ExactRequest(request.scope, request.receive))

        return handle_exactly
