"""The database: one meaning on both engines, all or nothing, migrations that agree with the models."""

import asyncio
import importlib
import multiprocessing
import pkgutil
import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, Integer, MetaData, Table, insert, select, text
from sqlalchemy.exc import OperationalError

import steelyard
from steelyard.core.errors import InvalidInputError, UnavailableError
from steelyard.infra.columns import Base, ExactDecimal, UtcDateTime
from steelyard.infra.database import Database, after_commit
from steelyard.infra.keys import create_key, list_keys
from steelyard.infra.migrations import upgrade
from steelyard.infra.settings import Settings

VALUES = Table(
    "test_values",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("amount", ExactDecimal),
    Column("at", UtcDateTime),
)


@pytest.fixture
async def values(database: Database):
    async with database.engine.begin() as connection:
        await connection.run_sync(VALUES.metadata.create_all)
    yield database
    async with database.engine.begin() as connection:
        await connection.run_sync(VALUES.metadata.drop_all)


@pytest.mark.parametrize("digits", ["0.1", "-0.000000000000000001", "12345678901234567890.123456789", "1.50"])
async def test_a_decimal_comes_back_digit_for_digit(values: Database, digits):
    async with values.transaction() as session:
        await session.execute(insert(VALUES).values(amount=Decimal(digits)))
    async with values.reading() as session:
        assert f"{await session.scalar(select(VALUES.c.amount)):f}" == digits


async def test_a_float_is_not_an_exact_decimal(values: Database):
    with pytest.raises(Exception, match=r"0\.1") as refused:
        async with values.transaction() as session:
            await session.execute(insert(VALUES).values(amount=0.1))
    assert isinstance(refused.value.__cause__ or refused.value, InvalidInputError)


async def test_an_instant_comes_back_aware_in_utc_whatever_zone_it_came_in(values: Database):
    tokyo = datetime(2026, 1, 1, 9, 0, 0, 123456, tzinfo=timezone(timedelta(hours=9)))
    async with values.transaction() as session:
        await session.execute(insert(VALUES).values(at=tokyo))
    async with values.reading() as session:
        back = await session.scalar(select(VALUES.c.at))
    assert back == tokyo
    assert back.tzinfo is UTC


async def test_a_block_that_raises_leaves_nothing_and_calls_nobody(database: Database):
    called: list[str] = []
    with pytest.raises(ZeroDivisionError):  # noqa: PT012
        async with database.transaction() as session:
            await create_key(session, name="gone", scopes=["admin"])
            after_commit(session, lambda: called.append("after"))
            raise ZeroDivisionError
    async with database.reading() as session:
        assert await list_keys(session) == []
    assert called == []


async def test_what_follows_a_commit_sees_it(database: Database):
    called: list[str] = []
    async with database.transaction() as session:
        await create_key(session, name="kept", scopes=["admin"])
        after_commit(session, lambda: called.append("after"))
        assert called == []
    assert called == ["after"]


async def test_concurrent_writers_lose_nothing(values: Database):
    async with values.transaction() as session:
        await session.execute(insert(VALUES).values(id=1, amount=Decimal(0)))

    async def add_one() -> None:
        async with values.transaction() as session:
            before = await session.scalar(select(VALUES.c.amount).where(VALUES.c.id == 1).with_for_update())
            await session.execute(VALUES.update().where(VALUES.c.id == 1).values(amount=(before or 0) + 1))

    await asyncio.gather(*(add_one() for _ in range(40)))
    async with values.reading() as session:
        assert await session.scalar(select(VALUES.c.amount)) == 40


async def test_a_reader_does_not_wait_for_a_writer(database: Database):
    async with database.transaction() as session, asyncio.timeout(5):
        await create_key(session, name="unseen", scopes=["admin"])
        async with database.reading() as other:
            assert await list_keys(other) == []


async def test_a_reading_session_cannot_write(database: Database):
    with pytest.raises(Exception, match=r"read-only transaction|readonly database"):
        async with database.reading() as session:
            await create_key(session, name="refused", scopes=["admin"])


async def test_waiting_for_sqlites_writer_is_bounded(tmp_path: Path):
    database = Database(Settings(data_dir=tmp_path, database_busy_timeout_s=0.05))
    await upgrade(database)
    async with database.transaction():
        with pytest.raises(UnavailableError, match=r"0\.05 s"):
            async with database.transaction():
                pass
    await database.dispose()


async def test_opening_a_new_file_waits_for_whoever_writes_to_it(tmp_path: Path):
    path = tmp_path / "new.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")  # the file is not in WAL mode yet, so this keeps others from switching it
    asyncio.get_running_loop().call_later(0.2, other.execute, "COMMIT")
    database = Database(Settings(database_url=f"sqlite+aiosqlite:///{path}", database_busy_timeout_s=20))
    async with database.transaction() as session:
        assert (await session.execute(text("PRAGMA journal_mode"))).scalar() == "wal"
    await database.dispose()
    other.close()


async def test_opening_a_new_file_does_not_wait_for_ever(tmp_path: Path):
    path = tmp_path / "new.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    database = Database(Settings(database_url=f"sqlite+aiosqlite:///{path}", database_busy_timeout_s=0.1))
    with pytest.raises(OperationalError, match="locked"):
        async with database.transaction() as session:
            await session.execute(text("SELECT 1"))
    await database.dispose()
    other.close()


async def test_a_database_that_is_away_is_reported_as_unavailable():
    database = Database(Settings(database_url="postgresql://nobody@127.0.0.1:1/none"))
    with pytest.raises(UnavailableError, match="does not answer"):
        await database.check()
    await database.dispose()


async def test_a_database_that_is_there_passes_its_check(database: Database):
    await database.check()


async def test_models_and_migrations_agree(database: Database):
    for module in pkgutil.walk_packages(steelyard.__path__, "steelyard."):
        is_infra = module.name.startswith("steelyard.infra.") and ".migrations." not in module.name
        if is_infra or module.name.endswith((".store", "tables")):
            importlib.import_module(module.name)

    def differences(connection):
        def is_ours(name, kind, _parents):
            return kind != "table" or name in Base.metadata.tables

        options = {"include_name": is_ours, "compare_type": True}
        return compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata)

    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_upgrading_again_changes_nothing(database: Database):
    before, after = await upgrade(database)
    assert before == after


def _upgrade_and_report(url: str, reports) -> None:
    async def go():
        database = Database(Settings(database_url=url))
        reports.put((await upgrade(database))[0])
        await database.dispose()

    asyncio.run(go())


def test_of_starters_at_the_same_time_one_migrates_and_the_others_wait(database_settings: Settings):
    if not database_settings.is_sqlite:
        asyncio.run(_drop_everything(database_settings))
    spawn = multiprocessing.get_context("spawn")
    reports = spawn.Queue()
    arguments = (database_settings.database_url, reports)
    starters = [spawn.Process(target=_upgrade_and_report, args=arguments) for _ in range(3)]
    for starter in starters:
        starter.start()
    befores = [reports.get(timeout=60) for _ in starters]
    for starter in starters:
        starter.join()
        assert starter.exitcode == 0
    assert befores.count(None) == 1


async def _drop_everything(settings: Settings) -> None:
    database = Database(settings)
    async with database.transaction() as session:
        await session.execute(text("DROP SCHEMA public CASCADE"))
        await session.execute(text("CREATE SCHEMA public"))
    await database.dispose()
