"""A worker for books that dies by SIGKILL at some statement: ``python -m tests.models.book_worker JSON``.

Each line of the trace is a portfolio whose account was read.
"""

import asyncio
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from sqlalchemy import event

from steelyard.infra.database import Database
from steelyard.infra.jobs import Jobs
from steelyard.infra.settings import Settings
from steelyard.models.book_job import BOOK, book_job
from steelyard.models.built_in import BuiltInPortfolios
from steelyard.models.composition import model_parts


class Traced(BuiltInPortfolios):
    """Writes down whose account was read."""

    def __init__(self, database, trace):
        super().__init__(database)
        self._trace = trace

    async def texts(self, tenant, portfolio_ids):
        with self._trace.open("a") as file:
            file.writelines(f"{portfolio_id}\n" for portfolio_id in portfolio_ids)
        return await super().texts(tenant, portfolio_ids)


def settings_for(url):
    return Settings(database_url=url, job_lease_s=2, job_attempts_max=50)


def die_at(database, ticks):
    """Kill this process when so many statements that write to tables of books have begun or ended, or commits."""
    left = ticks

    def tick(*_):
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def tick_if_ours(_connection, _cursor, statement, *_):
        if statement.startswith("INSERT INTO book_"):
            tick()

    for moment in ("before_cursor_execute", "after_cursor_execute"):
        event.listen(database.engine.sync_engine, moment, tick_if_ours)
    event.listen(database.engine.sync_engine, "commit", lambda _: tick())


async def main(task):
    """Work until the book has ended, or until the process dies."""
    settings = settings_for(task["url"])
    database = Database(settings)
    async with model_parts(settings, database) as parts:
        source = Traced(database, Path(task["trace"]))
        jobs = Jobs(settings, database)
        jobs.register(BOOK, book_job(replace(parts, providers=replace(parts.providers, portfolios=source)), database))
        die_at(database, task["ticks"])
        await jobs.start()
        async for _ in jobs.watch(task["book_id"]):
            pass
        await jobs.stop()
    await database.dispose()
    print("finished", flush=True)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
