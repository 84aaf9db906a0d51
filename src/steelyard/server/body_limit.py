"""The limit of request bodies: whoever reads a longer one is refused in the words of its route.

The framework's own limit answers plain text, which no contract of ours knows.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from starlette.exceptions import HTTPException

from steelyard.infra.logs import App, Receive, Scope, Send


class BodyLimitMiddleware:
    """Stops a body that says it is longer than ``bytes_max``, or that proves to be; some paths have their own limit."""

    def __init__(self, app: App, bytes_max: int, bytes_max_of: Mapping[str, int]) -> None:
        self._app = app
        self._bytes_max = bytes_max
        self._bytes_max_of = bytes_max_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI says."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        bytes_max = self._bytes_max_of.get(scope["path"], self._bytes_max)
        stated = dict(scope["headers"]).get(b"content-length", b"")
        is_too_long = stated.isdigit() and int(stated) > bytes_max
        received = 0

        async def receive_within_limit() -> MutableMapping[str, Any]:
            nonlocal received
            message = {} if is_too_long else await receive()
            received += len(message.get("body", b""))
            if is_too_long or received > bytes_max:
                raise HTTPException(413, f"the body is longer than {bytes_max} bytes")
            return message

        await self._app(scope, receive_within_limit, send)
