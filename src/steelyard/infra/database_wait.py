"""A start that waits for its database: a server may come up a little after those that need it."""

from __future__ import annotations

import asyncio

import stamina
from sqlalchemy.engine import make_url

from steelyard.core.errors import UnavailableError
from steelyard.infra.database import Database
from steelyard.infra.settings import Settings

ANSWER_S_MAX = 5
"""Seconds in which one attempt must be answered."""

PAUSE_S_MAX = 5
REASON_CHARACTERS_MAX = 300


async def wait_for_database(settings: Settings) -> None:
    """Return once the database answers; an embedded one always does.

    Raises:
        UnavailableError: it does not within ``database_start_wait_s``; the message says where it was looked for and
            what was met there.
    """
    if settings.is_sqlite:
        return
    database = Database(settings)
    limit_s = settings.database_start_wait_s
    waiting = stamina.AsyncRetryingCaller(attempts=None, timeout=limit_s, wait_initial=0.2, wait_max=PAUSE_S_MAX)
    try:
        await waiting.on(UnavailableError)(_reach, database)
    except UnavailableError as failure:
        message = f"{failure.message}; waited {limit_s:g} s (STEELYARD_DATABASE_START_WAIT_S)"
        raise UnavailableError(message, code=failure.code) from None
    finally:
        await database.dispose()


async def _reach(database: Database) -> None:
    try:
        async with asyncio.timeout(ANSWER_S_MAX):
            await database.check()
    except (UnavailableError, TimeoutError) as failure:
        url = make_url(database.url)
        place = f"{url.host or 'localhost'}:{url.port or 5432}/{url.database or ''}"
        message = f"the database at {place} does not answer: {_reason(failure)}"
        raise UnavailableError(message, code="DATABASE_UNAVAILABLE") from failure


def _reason(failure: BaseException) -> str:
    if isinstance(failure, TimeoutError):
        return f"nothing came within {ANSWER_S_MAX} s"
    met = failure.__cause__ or failure
    return " ".join(str(getattr(met, "orig", met)).split())[:REASON_CHARACTERS_MAX]
