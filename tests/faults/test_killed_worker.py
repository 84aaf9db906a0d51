"""kill -9 of a worker in the middle of its jobs: none is lost, none happens twice."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from steelyard.infra.database import Database
from steelyard.infra.jobs import Job, Jobs, JobStatus
from tests.faults.worker import assembled, eventually, settings_for

JOBS = 3
ROOT = Path(__file__).parents[2]


@contextmanager
def worker(database_url: str, trace: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.faults.worker", database_url, str(trace)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
async def submitter(database: Database, tmp_path: Path):
    jobs = assembled(settings_for(database.url), database, tmp_path / "trace")
    yield jobs
    await jobs.stop()


async def submit(database: Database, jobs: Jobs) -> list[str]:
    async with database.transaction() as session:
        return [(await jobs.submit(session, "slow", {}, tenant="acme", created_by="t")).id for _ in range(JOBS)]


async def ends_of(database: Database, jobs: Jobs, job_ids: list[str]) -> list[Job]:
    async with asyncio.timeout(30):
        for job_id in job_ids:
            async for _ in jobs.watch(job_id):
                pass
    async with database.reading() as session:
        return [await jobs.get(session, job_id, tenant="acme") for job_id in job_ids]


async def effects(database: Database) -> list[str]:
    async with database.reading() as session:
        return list(await session.scalars(text("SELECT object_id FROM audit_events ORDER BY object_id")))


async def test_a_restarted_worker_ends_every_job_of_the_killed_one_exactly_once(database, submitter, tmp_path):
    trace = tmp_path / "trace"
    with worker(database.url, trace) as first:
        job_ids = await submit(database, submitter)
        await asyncio.to_thread(eventually, trace, "begun", JOBS)
        first.send_signal(signal.SIGKILL)
        first.wait()
    trace.with_suffix(".go").touch()
    with worker(database.url, trace):
        done = await ends_of(database, submitter, job_ids)
    assert [job.status for job in done] == [JobStatus.COMPLETED] * JOBS
    assert await effects(database) == sorted(job_ids)
    assert sorted(job.attempt for job in done) == [2] * JOBS


# Not on SQLite, where a process frozen while it writes would rightly hold up every other.
@pytest.mark.parametrize("database_settings", ["postgresql"], indirect=True)
async def test_a_frozen_worker_is_replaced_and_cannot_write_when_it_wakes(database, submitter, tmp_path):
    trace = tmp_path / "trace"
    with worker(database.url, trace) as frozen, worker(database.url, trace) as other:
        job_ids = await submit(database, submitter)
        await asyncio.to_thread(eventually, trace, "begun", JOBS)
        frozen.send_signal(signal.SIGSTOP)
        theirs = [line for line in trace.read_text().splitlines() if line.startswith(str(frozen.pid))]
        taken_over = await asyncio.to_thread(eventually, trace, f"{other.pid} begun", JOBS)
        assert {line.split()[2] for line in theirs} <= {line.split()[2] for line in taken_over}
        trace.with_suffix(".go").touch()
        done = await ends_of(database, submitter, job_ids)
        frozen.send_signal(signal.SIGCONT)
        await asyncio.to_thread(eventually, trace, f"{frozen.pid} worked", len(theirs))
        assert [job.result_data for job in done] == [{"by": other.pid}] * JOBS
        async with database.reading() as session:
            again = [await submitter.get(session, job.id, tenant="acme") for job in done]
    assert again == done
    assert await effects(database) == sorted(job_ids)
