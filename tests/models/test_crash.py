"""A process that dies while it stores a rebalance: nothing is lost, nothing is doubled, whenever it dies."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from steelyard.infra.settings import Settings
from steelyard.models import mongo_store
from tests.models.stores import ACME
from tests.models.test_stores import NOON, ROUTE, growth, record, result

ROOT = Path(__file__).parents[2]
TICKS = range(1, 60)
"""More than any store takes: the last worker of each test finishes."""


def run_worker(place, model_id, ticks):
    """Let a worker die at that tick; whether it finished before."""
    if isinstance(place, Settings):
        task = {"kind": "sql", "url": place.database_url}
    else:
        task = {"kind": "mongodb", "url": place[0], "name": place[1]}
    task |= {"model_id": model_id, "ticks": ticks}
    done = subprocess.run(
        [sys.executable, "-m", "tests.models.crash_worker", json.dumps(task)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, -9), done.stderr
    return done.stdout == "finished\n"


@pytest.fixture
def steps(place):
    """At which ticks to die: all of a few commands on MongoDB, a sample on SQL, where one commit decides."""
    return TICKS if not isinstance(place, Settings) else (1, 5, 9, 12, 59)


async def test_whenever_the_process_dies_the_record_is_whole_or_not_there(place, reopen, steps, monkeypatch):
    monkeypatch.setattr(mongo_store, "ABANDONED_AFTER", mongo_store.ABANDONED_AFTER * 0)
    both = [result(), result("p2", 1)]
    seen = set()
    for ticks in steps:
        async with reopen() as store:
            made = await store.create(ACME, growth(f"growth {ticks}"))
        finished = await asyncio.to_thread(run_worker, place, made.model_id, ticks)
        async with reopen() as store:
            kept = await store.find_by_key("acme", ROUTE, "k")
            model = await store.find("acme", made.model_id)
            assert model.version == 1
            if kept is None:
                assert not finished
                assert model.last_rebalance_date is None
                assert await store.list_rebalances("acme", limit=10) == []
                assert await store.save_rebalance(
                    ACME, record(made, key="k", portfolios=2), [result(), result("p2", 1)]
                )
            else:
                assert model.last_rebalance_date == NOON
                assert await store.save_rebalance(ACME, record(made, key="k"), [result()]) is False
            seen.add(kept is not None)
            (only,) = await store.list_rebalances("acme", limit=10)
            assert only.number_of_portfolios == 2
            assert await store.results_of("acme", only.rebalance_id) == both
            assert (await store.find("acme", made.model_id)).last_rebalance_date == NOON
            assert await store.delete_rebalance(ACME, only.rebalance_id, 1)
        if finished:
            break
    assert finished, "the last worker should have lived"
    assert seen == {True, False}
