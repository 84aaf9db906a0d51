"""Waiting for what other threads and processes do, with a limit."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

Found = TypeVar("Found")


async def eventually(look: Callable[[], Awaitable[Found | None]], *, within_s: float = 20) -> Found:
    """What ``look`` finds, as soon as that is not None."""
    deadline_s = time.monotonic() + within_s
    while (found := await look()) is None:
        assert time.monotonic() < deadline_s, f"nothing within {within_s} s"
        await asyncio.sleep(0.01)
    return found
