"""Migrations: forward only, in one line of numbered steps, each in the same transaction as its record.

A capability adds the step of its tables to ``versions/``, naming the last step as its predecessor.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from steelyard.infra import job_engine
from steelyard.infra.database import Database

_LOCK = 0x5354454C  # any number that no other program on the server uses for an advisory lock


async def upgrade(database: Database) -> tuple[str | None, str]:
    """Bring our tables to the newest step and the job engine's to theirs; our step (before, after).

    Starters that come at the same time wait for the first and find nothing left to do.
    """
    async with database.engine.connect() as connection, connection.begin():
        steps = await connection.run_sync(_upgrade)
    await asyncio.to_thread(job_engine.migrate, database.url)
    return steps


async def steps(database: Database) -> tuple[str | None, str]:
    """The step that our tables are at, and the newest one; changes nothing."""
    async with database.engine.connect() as connection:
        current = await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())
    return current, ScriptDirectory.from_config(_config()).get_current_head() or ""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config


def _upgrade(connection: Connection) -> tuple[str | None, str]:
    if connection.dialect.name == "postgresql":  # SQLite's writer lock is held since BEGIN IMMEDIATE
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    config = _config()
    config.attributes["connection"] = connection
    before = MigrationContext.configure(connection).get_current_revision()
    after = ScriptDirectory.from_config(config).get_current_head()
    if before != after:
        command.upgrade(config, "head")
    return before, after or ""
