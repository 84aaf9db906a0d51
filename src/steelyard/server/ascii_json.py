"""JSON in ASCII, so that whatever a client sent can be sent back."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import JSONResponse


class AsciiJson(JSONResponse):
    """An answer that may repeat what was sent, half characters included, which UTF-8 cannot hold."""

    def render(self, content: Any) -> bytes:  # noqa: D102
        return json.dumps(content, separators=(",", ":"), allow_nan=False).encode()
