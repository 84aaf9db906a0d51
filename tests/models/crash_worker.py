"""Saves a rebalance and dies by SIGKILL at some database command: ``python -m tests.models.crash_worker JSON``."""

import asyncio
import json
import os
import signal
import sys

from sqlalchemy import event

from steelyard.infra.database import Database
from steelyard.infra.settings import Settings
from steelyard.models.sql_store import SqlModelStore
from tests.models.stores import ACME
from tests.models.test_stores import growth, record, result


class Countdown:
    """Kills this process when it has been ticked so many times."""

    def __init__(self, ticks):
        self.left = ticks

    def tick(self, *_, **__):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def sql_store(task, countdown):
    database = Database(Settings(database_url=task["url"]))
    for moment in ("before_cursor_execute", "after_cursor_execute"):
        event.listen(database.engine.sync_engine, moment, countdown.tick)
    event.listen(database.engine.sync_engine, "commit", countdown.tick)
    return SqlModelStore(database)


def mongo_store(task, countdown):
    from pymongo import monitoring

    from steelyard.models.mongo_store import MongoModelStore

    class Listener(monitoring.CommandListener):
        """Ticks before and after each command that writes."""

        def started(self, event):
            if event.command_name in {"insert", "update"}:
                countdown.tick()

        def succeeded(self, event):
            if event.command_name in {"insert", "update"}:
                countdown.tick()

        def failed(self, event):
            """A failed command is no step."""

    monitoring.register(Listener())
    return MongoModelStore(task["url"], task["name"])


async def main(task):
    """Save the record of the task."""
    countdown = Countdown(task["ticks"])
    store = (mongo_store if task["kind"] == "mongodb" else sql_store)(task, countdown)
    await store.start()
    model = growth(model_id=task["model_id"])
    results = [result("p1", 0), result("p2", 1)]
    assert await store.save_rebalance(ACME, record(model, key="k", portfolios=2), results)
    print("finished", flush=True)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
