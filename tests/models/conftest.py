"""Each test that asks for ``store`` runs on SQLite, on PostgreSQL and on MongoDB."""

import pytest

from steelyard.infra.database import Database
from steelyard.infra.migrations import upgrade
from steelyard.infra.settings import Settings
from tests.databases import empty
from tests.models.stores import mongo_store, sql_store

KINDS = [
    "sqlite",
    pytest.param("postgresql", marks=pytest.mark.postgres),
    pytest.param("mongodb", marks=pytest.mark.mongodb),
]


@pytest.fixture(params=KINDS)
def place(request, tmp_path):
    """Where a store's data are: settings of a database, or address and name of a MongoDB one."""
    if request.param == "mongodb":
        return request.getfixturevalue("mongodb_url"), request.getfixturevalue("mongodb_database")
    if request.param == "postgresql":
        return Settings(data_dir=tmp_path, database_url=request.getfixturevalue("postgres_url"))
    return Settings(data_dir=tmp_path)


@pytest.fixture
async def reopen(place):
    """Opens a store on the same data each time it is called, as a process does that starts again."""
    if not isinstance(place, Settings):
        yield lambda: mongo_store(*place)
        return
    database = Database(place)
    await upgrade(database)
    if not database.is_sqlite:
        await empty(database)
    yield lambda: sql_store(database)
    await database.dispose()


@pytest.fixture
async def store(reopen):
    """An empty model store."""
    async with reopen() as opened:
        yield opened
