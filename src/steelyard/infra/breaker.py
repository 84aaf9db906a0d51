"""Circuit breaker: a service that keeps failing is left alone for a while, then tried once."""

from __future__ import annotations

import time
from collections.abc import Callable

from steelyard.core.errors import UnavailableError


class CircuitBreaker:
    """Counts failures in a row; after ``failures_max`` it refuses for ``rest_s`` seconds, then lets one try through."""

    def __init__(
        self, service: str, *, failures_max: int, rest_s: float, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._service = service
        self._failures_max = failures_max
        self._rest_s = rest_s
        self._now_s = now_s
        self._failures = 0
        self._closed_until_s = 0.0

    def admit(self) -> None:
        """Let a call through, or not.

        Raises:
            UnavailableError: the service rests.
        """
        if self._failures < self._failures_max:
            return
        if (left_s := self._closed_until_s - self._now_s()) > 0:
            message = f"{self._service} failed {self._failures} times in a row; it is tried again in {left_s:.0f} s"
            raise UnavailableError(message, code="CIRCUIT_OPEN")
        self._closed_until_s = self._now_s() + self._rest_s  # one try; the others wait for what it finds

    @property
    def is_closed(self) -> bool:
        """Whether calls pass freely, and not one as a try."""
        return self._failures < self._failures_max

    def succeeded(self) -> None:
        """Note that the service answered."""
        self._failures = 0

    def failed(self) -> None:
        """Note that it did not."""
        self._failures += 1
        self._closed_until_s = self._now_s() + self._rest_s
