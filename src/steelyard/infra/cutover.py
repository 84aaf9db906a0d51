"""Whether a deployment may go into production, as reason codes that begin with ``CUTOVER_``.

Source: contract dpm, section 15.
"""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

from steelyard.infra.database import Database
from steelyard.infra.migrations import steps
from steelyard.infra.settings import Settings, production_problems


async def cutover_problems(settings: Settings) -> list[tuple[str, str]]:
    """What stands in the way, as (reason code, sentence); changes nothing."""
    if settings.profile != "PRODUCTION":
        sentence = "`APP_PERSISTENCE_PROFILE` was LOCAL; set it to PRODUCTION"
        return [("CUTOVER_PROFILE_NOT_PRODUCTION", sentence)]
    problems = [(f"CUTOVER_{code}", sentence) for code, sentence in production_problems(settings)]
    return problems + await _database_problems(settings)


async def _database_problems(settings: Settings) -> list[tuple[str, str]]:
    if settings.is_sqlite:
        return []  # named above; there is nothing to connect to
    database = Database(settings)
    try:
        current, newest = await steps(database)
    except (SQLAlchemyError, OSError):
        return [("CUTOVER_DATABASE_UNAVAILABLE", "the database does not answer; is its address right?")]
    finally:
        await database.dispose()
    if current != newest:
        sentence = f"the database is at step {current or 'none'}, not at {newest}; run `steelyard db upgrade`"
        return [("CUTOVER_MIGRATIONS_PENDING", sentence)]
    return []
