"""What only the MongoDB store promises: its documents, its indexes, its answers when nobody is there."""

import os
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from bson import Decimal128, ObjectId
from pymongo import MongoClient

from steelyard.core import clock
from steelyard.core.ids import new_hex_id
from steelyard.models import mongo_store as module
from tests.models.stores import ACME, mongo_store
from tests.models.test_stores import growth, record, result

pytestmark = pytest.mark.mongodb


@pytest.fixture
def documents(mongodb_url, mongodb_database):
    """The database as another program sees it."""
    client: MongoClient[dict[str, Any]] = MongoClient(mongodb_url)
    with client:
        yield client[mongodb_database]


async def test_a_model_is_the_document_of_the_requirement(mongodb_url, mongodb_database, documents):
    async with mongo_store(mongodb_url, mongodb_database) as store:
        made = await store.create(ACME, growth())
    document = documents["models"].find_one()
    assert document["_id"] == ObjectId(made.model_id)
    assert (document["name"], document["version"], document["lastRebalanceDate"]) == ("growth", 1, None)
    assert document["portfolios"] == ["p1", "p2"]
    first = document["positions"][0]
    assert set(first) == {"securityId", "target", "highDrift", "lowDrift"}
    assert first["target"] == Decimal128("0.300")
    assert first["target"].to_decimal() == Decimal("0.300")


async def test_the_indexes_of_the_requirement_are_there(mongodb_url, mongodb_database, documents):
    async with mongo_store(mongodb_url, mongodb_database) as store:
        for number in range(20):  # so that the planner has a choice to make
            await store.create(ACME, growth(f"growth {number}", (f"p{number}", f"q{number}")))
    found = documents["models"].index_information()
    assert found["name_unique"]["unique"] is True
    assert found["name_unique"]["key"] == [("tenant", 1), ("name", 1)]
    assert found["security_sparse"]["sparse"] is True
    assert found["security_sparse"]["key"] == [("positions.securityId", 1)]
    plan = documents["models"].find({"tenant": "acme", "portfolios": "p1"}).explain()
    (stage,) = [stage for stage in stages(plan["queryPlanner"]["winningPlan"]) if stage["stage"] == "IXSCAN"]
    assert (stage["indexName"], stage["isMultiKey"]) == ("portfolios_multikey", True)


def stages(plan):
    yield plan
    if "inputStage" in plan:
        yield from stages(plan["inputStage"])


async def test_a_start_removes_what_was_abandoned_and_not_what_is_being_written(
    mongodb_url, mongodb_database, documents
):
    async with mongo_store(mongodb_url, mongodb_database) as store:
        made = await store.create(ACME, growth())
    old, young = (new_hex_id(clock.now() - timedelta(hours=hours)) for hours in (2, 0))
    for rebalance_id in (old, young):
        stored = record(made)
        head = module._head("acme", stored) | {"_id": ObjectId(rebalance_id)}
        documents["rebalances"].insert_one(head)
        one = module._result_document("acme", stored, result()) | {"rebalanceId": ObjectId(rebalance_id)}
        documents["rebalance_portfolios"].insert_one(one)
    async with mongo_store(mongodb_url, mongodb_database) as store:
        assert await store.list_rebalances("acme", limit=10) == []
        assert await store.rebalances_of("acme", ["p1"], limit=10) == []
    assert [head["_id"] for head in documents["rebalances"].find()] == [ObjectId(young)]
    assert [one["rebalanceId"] for one in documents["rebalance_portfolios"].find()] == [ObjectId(young)]


async def test_each_change_is_in_the_audit_log(mongodb_url, mongodb_database, documents):
    async with mongo_store(mongodb_url, mongodb_database) as store:
        made = await store.create(ACME, growth())
        await store.replace(ACME, made)
        await store.save_rebalance(ACME, record(made), [result()])
        await store.delete(ACME, made.model_id, 2)
    events = list(documents["audit_events"].find().sort("at", 1))
    assert [event["action"] for event in events] == ["model.create", "model.replace", "model.rebalance", "model.delete"]
    assert {(event["tenant"], event["actor"]) for event in events} == {("acme", "key:1")}


NOBODY_THERE = """
import asyncio
from steelyard.core.errors import UnavailableError
from steelyard.models import mongo_store
from tests.models.stores import ACME
from tests.models.test_stores import growth

async def main():
    mongo_store.ANSWER_WITHIN_S = 0.2
    store = mongo_store.MongoModelStore("mongodb://127.0.0.1:9", "nothing")
    for asking in (store.check(), store.start(), store.create(ACME, growth())):
        try:
            await asking
        except UnavailableError as refused:
            print(refused.code, "127.0.0.1" in refused.message)
    await store.stop()

asyncio.run(main())
"""


def test_a_server_that_is_not_there_is_unavailable_and_not_a_defect():
    # In a process of its own: the driver forgets to close a socket that never connected.
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'src'}"}
    command = [sys.executable, "-c", NOBODY_THERE]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "DATABASE_UNAVAILABLE False\n" * 3, done.stderr
