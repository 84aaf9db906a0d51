"""A real worker process for the fault tests: `python -m tests.faults.worker DATABASE_URL TRACE_FILE`.

Each line of the trace is one thing its handler did; the row in the audit log is its effect.
"""

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any

from steelyard.infra import audit
from steelyard.infra.database import Database
from steelyard.infra.job_context import JobContext
from steelyard.infra.jobs import Jobs
from steelyard.infra.principal import Principal
from steelyard.infra.settings import Settings

WORKER = Principal("acme", "worker", frozenset())


def settings_for(database_url: str) -> Settings:
    return Settings(database_url=database_url, job_lease_s=2, job_threads=3)


def assembled(settings: Settings, database: Database, trace: Path) -> Jobs:
    def slow(context: JobContext, parameters: dict[str, Any]) -> dict[str, Any]:
        def note(what: str) -> None:
            with trace.open("a") as file:
                file.write(f"{os.getpid()} {what} {context.job.id}\n")

        async def write(session: Any) -> None:
            audit.record(session, WORKER, "test.effect", context.job.id)

        note("begun")
        while not trace.with_suffix(".go").exists():
            context.pause(0.01)
        context.save_at_completion(write)
        note("worked")
        return {"by": os.getpid()}

    jobs = Jobs(settings, database)
    jobs.register("slow", slow)
    return jobs


async def work(database_url: str, trace: Path) -> None:
    settings = settings_for(database_url)
    database = Database(settings)
    await assembled(settings, database, trace).start()
    print("ready", flush=True)
    await asyncio.Event().wait()


def eventually(trace: Path, what: str, count: int, timeout_s: float = 30) -> list[str]:
    """The lines of ``trace`` that say ``what``, once there are ``count``."""
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        lines = [line for line in trace.read_text().splitlines() if what in line] if trace.exists() else []
        if len(lines) >= count:
            return lines
        time.sleep(0.01)
    raise AssertionError(f"no {count} times {what!r} in {timeout_s} s: {trace.read_text() if trace.exists() else ''}")


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], Path(sys.argv[2])))
