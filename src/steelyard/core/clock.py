"""The one source of the current time: UTC, aware.  Tests turn it with :func:`frozen_at`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta


def _system_now() -> datetime:
    return datetime.now(UTC)


_now: Callable[[], datetime] = _system_now


def now() -> datetime:
    """The current time, UTC and aware."""
    return _now()


def isoformat_z(moment: datetime) -> str:
    """``moment`` as ISO 8601 in UTC with milliseconds and a Z, as web clients expect it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Turned:
    """A clock in a test's hand: it stands still until it is moved."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def advance(self, **by: float) -> None:
        """Move on, for example ``advance(hours=2)``."""
        self.moment += timedelta(**by)


@contextmanager
def frozen_at(moment: datetime) -> Iterator[Turned]:
    """Let :func:`now` answer ``moment`` (UTC, aware) inside the block."""
    global _now  # noqa: PLW0603 - the clock is the one global that tests must turn
    before, turned = _now, Turned(moment)
    _now = lambda: turned.moment  # noqa: E731
    try:
        yield turned
    finally:
        _now = before
