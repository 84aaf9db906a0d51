"""Databases for tests: each test that asks for ``database`` runs on SQLite and on PostgreSQL.

The server is the one of ``STEELYARD_TEST_POSTGRES_URL`` or one on this machine that lets us in; each
test session makes a database of its own there and drops it.  Where there is none, those tests are
skipped and say so.
"""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url, text

from steelyard.infra.database import Database
from steelyard.infra.migrations import upgrade
from steelyard.infra.settings import Settings

_CANDIDATES = ["postgresql://root@127.0.0.1:5432/postgres", "postgresql://postgres@127.0.0.1:5432/postgres"]


def _server() -> str | None:
    given = os.environ.get("STEELYARD_TEST_POSTGRES_URL")
    for url in [given] if given else _CANDIDATES:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            continue
        return url
    return None


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL database of this test session, with every migration applied."""
    server = _server()
    if server is None:
        pytest.skip("no PostgreSQL: set STEELYARD_TEST_POSTGRES_URL to a server on which a database may be made")
    name = f"steelyard_test_{os.getpid()}_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
        url = make_url(server).set(drivername="postgresql+psycopg", database=name).render_as_string(hide_password=False)
        asyncio.run(_upgrade(url))
        yield url
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings that point at an empty database of either engine."""
    if request.param == "sqlite":
        return Settings(data_dir=tmp_path)
    return Settings(data_dir=tmp_path, database_url=request.getfixturevalue("postgres_url"))


@pytest.fixture
async def database(database_settings: Settings) -> AsyncIterator[Database]:
    """An empty database with every migration applied."""
    database = Database(database_settings)
    await upgrade(database)
    if not database.is_sqlite:
        await empty(database)
    yield database
    await database.dispose()


async def empty(database: Database) -> None:
    """Remove every row, but those that say which migrations were applied."""
    async with database.transaction() as session:
        named = await session.scalars(
            text(
                "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables WHERE schemaname "
                "IN ('public', 'dbos') AND tablename NOT IN ('alembic_version', 'dbos_migrations')"
            )
        )
        await session.execute(text(f"TRUNCATE {', '.join(named)} RESTART IDENTITY CASCADE"))


async def _upgrade(url: str) -> None:
    database = Database(Settings(database_url=url))
    await upgrade(database)
    await database.dispose()
