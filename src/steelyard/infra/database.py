"""The database: SQLite (WAL) embedded, PostgreSQL in production, one way to use either.

One request is one transaction, opened here and nowhere else: services receive a session and never
commit.  What must follow a commit (waking a worker, pushing an event) is handed to
:func:`after_commit` and happens only if there was one.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from steelyard.core.errors import UnavailableError
from steelyard.infra import old_sqlite  # noqa: F401 - repairs engines that others make, too
from steelyard.infra.settings import Settings

_AFTER_COMMIT = "after_commit"
_SWITCH_RETRY_S = 0.01


class Database:
    """A pool of connections to one database, for one event loop."""

    def __init__(self, settings: Settings) -> None:
        self.url = settings.database_url
        self.is_sqlite = settings.is_sqlite
        self.engine = _sqlite_engine(settings) if self.is_sqlite else _postgres_engine(settings)
        reading = self.engine.execution_options(postgresql_readonly=True)  # _begin_sqlite reads it too
        self._write = async_sessionmaker(self.engine, expire_on_commit=False, autoflush=False)
        self._read = async_sessionmaker(reading, expire_on_commit=False, autoflush=False)
        self._turn = asyncio.Lock()
        self._wait_s_max = settings.database_busy_timeout_s

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session whose work is committed at the end of the block, or wholly undone if it raises.

        Raises:
            UnavailableError: SQLite's one writer was busy for the whole of ``database_busy_timeout_s``.
        """
        async with self._writers_turn(), self._write() as session, session.begin():
            yield session
        for callback in session.info.pop(_AFTER_COMMIT, ()):
            callback()

    @asynccontextmanager
    async def _writers_turn(self) -> AsyncIterator[None]:
        # SQLite admits one writer; waiting here is fair and wakes at once, its own wait is a sleep that backs off.
        if not self.is_sqlite:
            yield
            return
        try:
            async with asyncio.timeout(self._wait_s_max):
                await self._turn.acquire()
        except TimeoutError:
            message = f"another request has been writing for more than {self._wait_s_max:g} s; try again later"
            raise UnavailableError(message, code="DATABASE_BUSY") from None
        try:
            yield
        finally:
            self._turn.release()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A session that only reads, from one consistent snapshot, and never waits for a writer."""
        async with self._read() as session, session.begin():
            yield session

    async def check(self) -> None:
        """Ask the database for a sign of life.

        Raises:
            UnavailableError: it does not answer.
        """
        try:
            async with self.reading() as session:
                await session.execute(text("SELECT 1"))
        except (OperationalError, OSError) as failure:
            raise UnavailableError("the database does not answer", code="DATABASE_UNAVAILABLE") from failure

    async def dispose(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


def after_commit(session: AsyncSession, callback: Callable[[], None]) -> None:
    """Call ``callback`` on the event loop once the transaction of ``session`` is committed, else never."""
    session.info.setdefault(_AFTER_COMMIT, []).append(callback)


def _sqlite_engine(settings: Settings) -> AsyncEngine:
    path = make_url(settings.database_url).database
    if path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(
        settings.database_url,
        pool_size=settings.database_connections_max,
        max_overflow=0,
        connect_args={"timeout": settings.database_busy_timeout_s},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver opens no transactions: _begin_sqlite does
        _switch_to_wal(connection, settings.database_busy_timeout_s)
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _switch_to_wal(connection: Any, wait_s_max: float) -> None:
    # SQLite's own wait does not cover this switch: of two that open a new file at once, one is refused at once.
    give_up_at = time.monotonic() + wait_s_max
    cursor = connection.cursor()
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError as failure:
            if failure.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                raise
            connection.run_async(lambda _driver: asyncio.sleep(_SWITCH_RETRY_S))
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    is_reading = bool(connection.get_execution_options().get("postgresql_readonly"))
    connection.exec_driver_sql(f"PRAGMA query_only={int(is_reading)}")
    # A writer takes its lock at once: a transaction that upgrades later may fail half way.
    connection.exec_driver_sql("BEGIN" if is_reading else "BEGIN IMMEDIATE")


def _postgres_engine(settings: Settings) -> AsyncEngine:
    return create_async_engine(
        settings.database_url,
        pool_size=settings.database_connections_max,
        max_overflow=0,
        pool_pre_ping=True,
        connect_args={"application_name": "steelyard"},
    )
