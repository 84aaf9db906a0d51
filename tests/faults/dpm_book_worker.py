"""A worker for DPM books that dies by SIGKILL at some statement: ``python -m tests.faults.dpm_book_worker JSON``.

Each line of the trace is a part whose accounts were read to be worked on.
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from sqlalchemy import event

from steelyard.infra.database import Database
from steelyard.infra.jobs import Jobs
from steelyard.infra.settings import Settings
from steelyard.rebalance import book_job, book_store


def settings_for(url):
    return Settings(database_url=url, job_lease_s=1, job_attempts_max=50)


def die_at(database, ticks):
    """Kill this process when so many statements that write to tables of books have begun or ended, or commits."""
    left = ticks

    def tick(*_):
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def tick_if_ours(_connection, _cursor, statement, *_):
        if statement.startswith(("INSERT INTO dpm_book", "DELETE FROM dpm_book")):
            tick()

    for moment in ("before_cursor_execute", "after_cursor_execute"):
        event.listen(database.engine.sync_engine, moment, tick_if_ours)
    event.listen(database.engine.sync_engine, "commit", lambda _: tick())


def trace_reads(trace):
    """Write down which parts are read."""
    read = book_store.read_accounts

    async def traced(session, book_id, number):
        with trace.open("a") as file:
            file.write(f"{number}\n")
        return await read(session, book_id, number)

    book_store.read_accounts = traced


async def main(task):
    """Work until the book has ended, or until the process dies."""
    trace_reads(Path(task["trace"]))
    book_job.HERE_ACCOUNTS_MAX = 0  # in processes, be it ever so small
    database = Database(settings_for(task["url"]))
    jobs = Jobs(settings_for(task["url"]), database)
    jobs.register(book_job.DPM_BOOK, book_job.book_job(database, 2))
    die_at(database, task["ticks"])
    await jobs.start()
    async for _ in jobs.watch(task["book_id"]):
        pass
    await jobs.stop()
    await database.dispose()
    print("finished", flush=True)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
