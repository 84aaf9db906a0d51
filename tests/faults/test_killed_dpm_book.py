"""kill -9 in the middle of a DPM book: no account is lost, none is done twice, no process is left behind."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

from sqlalchemy import func, select

from steelyard.infra.jobs import Jobs, JobStatus
from steelyard.infra.principal import Principal
from steelyard.rebalance import book_job, book_plan, book_service, book_store
from steelyard.rebalance.api import simulate
from steelyard.rebalance.book_blocks import joined_blocks
from steelyard.rebalance.book_parts import read_pieces
from steelyard.rebalance.book_tables import DpmBookAccountRow, DpmBookPiecesRow
from tests.api.conftest import eventually
from tests.faults.dpm_book_worker import settings_for
from tests.rebalance.book_desk import book_body, single_of, worked_on

ROOT = Path(__file__).parents[2]
ACCOUNTS, PART = 20, 3
DEATHS = (7, 16, 33)
"""Between the statements of the first part that is stored, and of later ones."""
ACME = Principal("acme", "desk", frozenset())
MARK = "STEELYARD_TEST_MARK"


def run_worker(task, ticks):
    """Let a worker die at that tick; whether it finished before."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.dpm_book_worker", json.dumps({**task, "ticks": ticks})],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}", MARK: task["book_id"]},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode in (0, -9), done.stderr
    assert "finished" in done.stdout or done.returncode, (done.stdout, done.stderr)
    return done.returncode == 0


def is_alone(book_id):
    """Whether no process is left that worked on the book."""
    mark = f"{MARK}={book_id}".encode()
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark in path.read_bytes():
                return False
        except OSError:
            continue
    return True


async def submit(database, jobs, body, monkeypatch):
    monkeypatch.setattr(book_plan, "PART_ACCOUNTS_MAX", PART)
    monkeypatch.setattr(book_service, "PART_ACCOUNTS_MAX", PART)
    submission = book_service.read_submission(json.dumps(body).encode(), None, "corr-1")
    async with database.transaction() as session:
        return (await book_service.submit_book(session, jobs, ACME, submission)).book.book_id


async def test_wherever_its_workers_die_a_book_ends_as_if_none_had(database, tmp_path, monkeypatch):
    jobs = Jobs(settings_for(database.url), database)
    jobs.register(book_job.DPM_BOOK, lambda *_: {})
    body = book_body(range(ACCOUNTS))
    body["portfolios"][4]["model"] = "gone"
    expected = joined_blocks(read_pieces(worked_on(body)[0].pieces))
    book_id = await submit(database, jobs, body, monkeypatch)
    trace = tmp_path / "trace"
    task = {"url": database.url, "book_id": book_id, "trace": str(trace)}
    waiting = {0, 1, 2, 3, 4, 5, 6}
    for ticks in (*DEATHS, 0):
        trace.write_text("")
        finished = await asyncio.to_thread(run_worker, task, ticks)
        assert finished == (ticks == 0)
        await asyncio.to_thread(eventually, lambda: is_alone(book_id))
        read = [int(number) for number in trace.read_text().split()]
        assert read == sorted(set(read))
        assert set(read) <= waiting, "a part that was stored was worked on again"
        async with database.reading() as session:
            left = await book_store.parts_to_do(session, book_id)
        assert {part.number for part in left} <= waiting
        waiting = {part.number for part in left}
    await check(database, jobs, book_id, body)
    async with database.reading() as session:
        heads = await book_store.list_blocks(session, book_id)
    assert [one async for one in book_service.each_block(database, book_id, heads)] == expected


async def check(database, jobs, book_id, body):
    async with database.reading() as session:
        status = await book_service.get_book(session, jobs, ACME.tenant, book_id)
        assert status.job.status is JobStatus.COMPLETED
        assert status.counts == {"READY": ACCOUNTS - 1, "PENDING_REVIEW": 0, "BLOCKED": 0, "FAILED": 1}
        assert await session.scalar(select(func.count()).select_from(DpmBookAccountRow)) == ACCOUNTS
        assert await session.scalar(select(func.count()).select_from(DpmBookPiecesRow)) == 0
        for place, one in enumerate(body["portfolios"]):
            if place != 4:
                expected = simulate(single_of(body, one), correlation_id="corr-1").to_bytes()
                assert await book_service.get_result(session, book_id, f"pf-{place:03d}") == expected
