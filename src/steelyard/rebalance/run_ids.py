"""What a run is called whose id follows from its request, so that the same request has the same answer."""

from __future__ import annotations

import hashlib


def derived_run_id(request_hash: str) -> str:
    """The run id of a request."""
    return derived_id("rr", request_hash)


def derived_id(prefix: str, text: str) -> str:
    """``prefix``, an underscore and 8 hex digits of the hash of ``text``."""
    return f"{prefix}_{hashlib.sha256(text.encode()).hexdigest()[:8]}"
