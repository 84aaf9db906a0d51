"""The model store of each kind, empty and ready."""

import contextlib

from steelyard.infra.principal import Principal
from steelyard.models.sql_store import SqlModelStore

ACME = Principal("acme", "key:1", frozenset({"models:read", "models:write"}))
ZETA = Principal("zeta", "key:2", frozenset({"models:read", "models:write"}))


@contextlib.asynccontextmanager
async def mongo_store(url, database):
    from steelyard.models.mongo_store import MongoModelStore

    store = MongoModelStore(url, database)
    await store.start()
    try:
        yield store
    finally:
        await store.stop()


@contextlib.asynccontextmanager
async def sql_store(database):
    store = SqlModelStore(database)
    await store.start()
    yield store
    await store.stop()
