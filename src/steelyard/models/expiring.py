"""Values that are remembered for a while."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

ENTRIES_MAX = 200_000
"""More than this many entries are forgotten at once: a bound on memory, not a policy."""

Value = TypeVar("Value")


class Expiring(Generic[Value]):
    """Values by key, each for ``lifetime_s`` seconds; a lifetime of 0 remembers nothing."""

    def __init__(self, lifetime_s: float, *, now_s: Callable[[], float] = time.monotonic) -> None:
        self._lifetime_s = lifetime_s
        self._now_s = now_s
        self._entries: dict[str, tuple[float, Value]] = {}

    def get(self, key: str) -> Value | None:
        """The value, if it was put less than a lifetime ago."""
        entry = self._entries.get(key)
        return None if entry is None or entry[0] <= self._now_s() else entry[1]

    def put(self, key: str, value: Value) -> None:
        """Remember a value from now on."""
        if self._lifetime_s > 0:
            if len(self._entries) >= ENTRIES_MAX:
                self._entries.clear()
            self._entries[key] = (self._now_s() + self._lifetime_s, value)
