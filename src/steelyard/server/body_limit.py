"""The limit of request bodies: whoever reads a longer one is refused in the words of its route.

The framework's own limit answers plain text, which no contract of ours knows.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from starlette.exceptions import HTTPException

from steelyard.infra.logs import App, Receive, Scope, Send


class BodyLimitMiddleware:
    """Stops a body that says it is longer than ``bytes_max``, or that proves to be."""

    def __init__(self, app: App, bytes_max: int) -> None:
        self._app = app
        self._bytes_max = bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI says."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        stated = dict(scope["headers"]).get(b"content-length", b"")
        is_too_long = stated.isdigit() and int(stated) > self._bytes_max
        received = 0

        async def receive_within_limit() -> MutableMapping[str, Any]:
            nonlocal received
            message = {} if is_too_long else await receive()
            received += len(message.get("body", b""))
            if is_too_long or received > self._bytes_max:
                raise HTTPException(413, f"the body is longer than {self._bytes_max} bytes")
            return message

        await self._app(scope, receive_within_limit, send)
