"""Durable jobs: begun at once, watched as they go, stopped when told, done once."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from steelyard.core import clock
from steelyard.core.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
)
from steelyard.infra import audit
from steelyard.infra.database import Database
from steelyard.infra.job_context import JobContext
from steelyard.infra.job_supervisor import WorkerRow
from steelyard.infra.jobs import Job, Jobs, JobStatus
from steelyard.infra.principal import Principal
from steelyard.infra.settings import Settings
from tests.eventually import eventually

ASKER = Principal("acme", "key:1", frozenset({"admin"}))


class Kinds:
    """The handlers of these tests, and what they have seen."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.release = threading.Event()
        self.calls: list[dict[str, Any]] = []
        self.settled: list[tuple[str, JobStatus]] = []

    def add(self, context: JobContext, parameters: dict[str, Any]) -> dict[str, Any]:
        self.calls.append(parameters)
        return {"sum": parameters["a"] + parameters["b"]}

    def count(self, context: JobContext, parameters: dict[str, Any]) -> dict[str, Any]:
        for step in range(parameters["steps"]):
            context.report(100 * step / parameters["steps"], f"step {step}")
            context.pause(0.021)
        return {}

    def listen(self, context: JobContext, parameters: dict[str, Any]) -> dict[str, Any]:
        self.begun.set()
        while not self.release.is_set():
            context.raise_if_cancelled()
            context.pause(0.01)
        return {"released": True}

    def refuse(self, context: JobContext, parameters: dict[str, Any]) -> dict[str, Any]:
        raise InvalidInputError("`fast` was 0; it is at least 1", code="OUT_OF_RANGE")

    def break_down(self, context: JobContext, parameters: dict[str, Any]) -> dict[str, Any]:
        raise ZeroDivisionError("with a secret")

    def say_nan(self, context: JobContext, parameters: dict[str, Any]) -> dict[str, Any]:
        return {"ratio": float("nan")}

    def try_again(self, context: JobContext, parameters: dict[str, Any]) -> dict[str, Any]:
        self.calls.append(parameters)
        if len(self.calls) < parameters["succeeds_at"]:
            raise UnavailableError("not yet")
        return {"tried": len(self.calls)}

    def save(self, context: JobContext, parameters: dict[str, Any]) -> dict[str, Any]:
        async def write(session):
            audit.record(session, ASKER, "test.saved", context.job.id)
            if parameters.get("fails"):
                raise InvalidInputError("it does not fit", code="DOES_NOT_FIT")

        context.save_at_completion(write)
        return {}

    def save_parts(self, context: JobContext, parameters: dict[str, Any]) -> dict[str, Any]:
        for part in range(3):

            async def write(session, part=part):
                audit.record(session, ASKER, f"test.part{part}", context.job.id)

            context.save_now(write, 30 * part, f"part {part}")
            if part == parameters.get("hold_at"):
                self.begun.set()
                self.release.wait(20)
        return {}

    def wait_for_another(self, context: JobContext, parameters: dict[str, Any]) -> dict[str, Any]:
        async def call() -> str:
            try:
                self.begun.set()
                await asyncio.sleep(parameters["seconds"])
            except asyncio.CancelledError:
                self.calls.append({"call": "ended"})
                raise
            return "answered"

        return {"call": context.wait_or_stop(call())}

    async def settle(self, session: Any, job: Job) -> None:
        self.settled.append((job.id, job.status))


@pytest.fixture
def kinds() -> Kinds:
    return Kinds()


@pytest.fixture
async def jobs(database: Database, database_settings: Settings, kinds: Kinds) -> AsyncIterator[Jobs]:
    jobs = assembled(database, database_settings, kinds)
    await jobs.start()
    yield jobs
    kinds.release.set()
    await jobs.stop()


def assembled(database: Database, settings: Settings, kinds: Kinds) -> Jobs:
    changes = {"job_retry_pause_s": 0.01, "job_attempts_max": 3, "job_queue_length_max": 40}
    jobs = Jobs(settings.model_copy(update=changes), database)
    for name in (
        "add",
        "count",
        "listen",
        "refuse",
        "break_down",
        "say_nan",
        "try_again",
        "save",
        "save_parts",
        "wait_for_another",
    ):
        jobs.register(name, getattr(kinds, name), settle=kinds.settle)
    jobs.register("errand", kinds.add, is_errand=True)
    return jobs


async def submit(
    database: Database,
    jobs: Jobs,
    kind: str,
    *,
    tenant: str = "acme",
    job_id: str | None = None,
    delay_s: float = 0,
    **parameters: Any,
) -> Job:
    async with database.transaction() as session:
        return await jobs.submit(
            session, kind, parameters, tenant=tenant, created_by="key:1", job_id=job_id, delay_s=delay_s
        )


async def ended(database: Database, jobs: Jobs, job: Job) -> Job:
    async with asyncio.timeout(20):
        async for _ in jobs.watch(job.id):
            pass
    async with database.reading() as session:
        return await jobs.get(session, job.id, tenant=job.tenant)


async def cancel(database: Database, jobs: Jobs, job: Job) -> Job:
    async with database.transaction() as session:
        return await jobs.cancel(session, job.id, tenant=job.tenant)


async def test_a_job_runs_and_its_result_is_kept(database, jobs, kinds):
    job = await submit(database, jobs, "add", a=1, b=2)
    assert (job.status, job.progress, job.result_data) == (JobStatus.QUEUED, 0, None)
    done = await ended(database, jobs, job)
    assert (done.status, done.progress, done.result_data) == (JobStatus.COMPLETED, 100, {"sum": 3})
    assert done.started_at is not None
    assert done.completed_at is not None
    assert done.created_at <= done.started_at <= done.completed_at
    assert kinds.settled == [(job.id, JobStatus.COMPLETED)]


async def test_a_job_of_a_transaction_that_is_undone_never_was(database, jobs, kinds):
    with pytest.raises(ZeroDivisionError):  # noqa: PT012
        async with database.transaction() as session:
            await jobs.submit(session, "add", {"a": 1, "b": 1}, tenant="acme", created_by="key:1")
            raise ZeroDivisionError
    last = await submit(database, jobs, "add", a=2, b=2)
    await ended(database, jobs, last)
    assert kinds.calls == [{"a": 2, "b": 2}]


async def test_the_same_id_again_is_the_same_job_and_other_parameters_are_refused(database, jobs, kinds):
    first = await submit(database, jobs, "add", job_id="job_mine", a=1, b=2)
    await ended(database, jobs, first)
    assert (await submit(database, jobs, "add", job_id="job_mine", a=1, b=2)).status == JobStatus.COMPLETED
    with pytest.raises(ConflictError, match="job_mine"):
        await submit(database, jobs, "add", job_id="job_mine", a=1, b=3)
    with pytest.raises(ConflictError):
        await submit(database, jobs, "add", job_id="job_mine", tenant="zeta", a=1, b=2)
    assert len(kinds.calls) == 1


async def test_progress_is_pushed_in_order_and_can_be_taken_up_after_any_event(database, jobs):
    job = await submit(database, jobs, "count", steps=10)
    events = [event async for event in jobs.watch(job.id)]
    assert [event.sequence for event in events] == list(range(1, 12))
    assert [event.message for event in events[:-1]] == [f"step {step}" for step in range(10)]
    assert events[-1].status is JobStatus.COMPLETED
    assert (events[-1].percent, events[3].percent) == (100, 30)
    for after in (0, 4, 11):
        assert [event async for event in jobs.watch(job.id, after)] == events[after:]


async def test_progress_reaches_a_watcher_of_this_process_within_50_ms(database, jobs):
    job = await submit(database, jobs, "count", steps=30)
    delays_ms = [(time.time() - event.at.timestamp()) * 1000 async for event in jobs.watch(job.id)]
    assert sorted(delays_ms)[len(delays_ms) // 2] < 50


async def test_a_watcher_in_another_process_sees_every_event(database, jobs, database_settings, kinds):
    elsewhere = assembled(database, database_settings, kinds)  # runs nothing and hears no bell, as an API process
    job = await submit(database, elsewhere, "count", steps=5)
    assert [event.sequence async for event in elsewhere.watch(job.id)] == list(range(1, 7))
    await elsewhere.stop()


async def test_no_watcher_leaks_when_its_consumer_goes_away(database, jobs, kinds):
    job = await submit(database, jobs, "listen")

    async def consume() -> None:
        async for _ in jobs.watch(job.id):
            pass

    tasks = [asyncio.create_task(consume()) for _ in range(20)]
    await asyncio.to_thread(kinds.begun.wait, 10)
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len(jobs._bells) == 0


async def test_a_running_job_stops_within_a_second_of_its_cancellation(database, jobs, kinds):
    job = await submit(database, jobs, "listen")
    await asyncio.to_thread(kinds.begun.wait, 10)
    started = time.monotonic()
    assert (await cancel(database, jobs, job)).status is JobStatus.RUNNING
    done = await ended(database, jobs, job)
    assert time.monotonic() - started < 1
    assert (done.status, done.error_code) == (JobStatus.CANCELLED, "JOB_CANCELLED")


async def test_a_cancellation_elsewhere_reaches_a_handler_that_never_reports(database, jobs, database_settings, kinds):
    elsewhere = assembled(database, database_settings, kinds)
    job = await submit(database, jobs, "listen")
    await asyncio.to_thread(kinds.begun.wait, 10)
    started = time.monotonic()
    await cancel(database, elsewhere, job)
    assert (await ended(database, jobs, job)).status is JobStatus.CANCELLED
    assert time.monotonic() - started < 1
    await elsewhere.stop()


async def test_a_waiting_job_is_cancelled_at_once_and_never_begins(database, jobs, kinds):
    job = await submit(database, jobs, "add", delay_s=0.5, a=1, b=1)
    assert (await cancel(database, jobs, job)).status is JobStatus.CANCELLED
    await ended(database, jobs, await submit(database, jobs, "add", delay_s=1.2, a=2, b=2))
    assert kinds.calls == [{"a": 2, "b": 2}]
    assert (await cancel(database, jobs, job)).status is JobStatus.CANCELLED


async def test_a_cancelled_job_can_be_resumed_and_a_completed_one_cannot(database, jobs, kinds):
    job = await submit(database, jobs, "listen")
    await asyncio.to_thread(kinds.begun.wait, 10)
    await cancel(database, jobs, job)
    await ended(database, jobs, job)
    kinds.release.set()
    async with database.transaction() as session:
        again = await jobs.resume(session, job.id, tenant="acme")
    assert (again.status, again.error_code, again.completed_at) == (JobStatus.QUEUED, None, None)
    assert (await ended(database, jobs, job)).result_data == {"released": True}
    with pytest.raises(ConflictError, match="is completed"):
        async with database.transaction() as session:
            await jobs.resume(session, job.id, tenant="acme")


@pytest.mark.parametrize(
    ("kind", "code", "said"),
    [
        ("refuse", "OUT_OF_RANGE", "`fast` was 0"),
        ("break_down", "INTERNAL_ERROR", "the log"),
        ("say_nan", "INTERNAL_ERROR", ""),
    ],
)
async def test_a_handler_that_fails_fails_its_job_with_the_reason_and_no_secret(database, jobs, kind, code, said):
    done = await ended(database, jobs, await submit(database, jobs, kind))
    assert (done.status, done.error_code, done.result_data) == (JobStatus.FAILED, code, None)
    assert done.error_message is not None
    assert said in done.error_message
    assert "secret" not in done.error_message


async def test_what_is_unavailable_is_tried_again_but_not_for_ever(database, jobs):
    done = await ended(database, jobs, await submit(database, jobs, "try_again", succeeds_at=3))
    assert done.result_data == {"tried": 3}
    done = await ended(database, jobs, await submit(database, jobs, "try_again", succeeds_at=99))
    assert (done.status, done.error_code) == (JobStatus.FAILED, "UNAVAILABLE")


async def test_what_a_job_saves_is_there_exactly_if_it_completed(database, jobs):
    kept = await ended(database, jobs, await submit(database, jobs, "save"))
    lost = await ended(database, jobs, await submit(database, jobs, "save", fails=True))
    assert (kept.status, lost.status, lost.error_code) == (JobStatus.COMPLETED, JobStatus.FAILED, "DOES_NOT_FIT")
    async with database.reading() as session:
        assert (await session.scalars(text("SELECT object_id FROM audit_events"))).all() == [kept.id]


async def test_a_stopped_worker_hands_its_jobs_to_the_next(database, jobs, database_settings, kinds):
    job = await submit(database, jobs, "listen")
    await asyncio.to_thread(kinds.begun.wait, 10)
    await jobs.stop()
    async with database.reading() as session:
        assert (await jobs.get(session, job.id, tenant="acme")).status is JobStatus.QUEUED
    kinds.release.set()
    following = assembled(database, database_settings, kinds)
    await following.start()
    assert (await ended(database, following, job)).status is JobStatus.COMPLETED
    await following.stop()


async def test_what_a_dead_worker_ran_is_run_again_even_if_the_engine_forgot_it(database, database_settings, kinds):
    jobs = assembled(database, database_settings, kinds)
    job = await submit(database, jobs, "add", a=1, b=2, delay_s=3600)
    async with database.transaction() as session:
        long_ago = clock.now() - timedelta(hours=1)
        session.add(WorkerRow(executor_id="gone", machine="elsewhere", pid=1, lease_until=long_ago))
        await session.execute(text("UPDATE jobs SET status = 'running', worker = 'gone', attempt = 1"))
    await jobs.start()
    done = await ended(database, jobs, job)
    await jobs.stop()
    assert (done.status, done.run, done.attempt) == (JobStatus.COMPLETED, 2, 2)


async def test_a_job_that_outlives_too_many_workers_fails(database, database_settings, kinds):
    jobs = assembled(database, database_settings, kinds)
    job = await submit(database, jobs, "add", a=1, b=2)
    async with database.transaction() as session:
        await session.execute(text("UPDATE jobs SET attempt = 3"))
    await jobs.start()
    done = await ended(database, jobs, job)
    await jobs.stop()
    assert (done.error_code, kinds.calls) == ("JOB_ATTEMPTS_EXCEEDED", [])


async def test_jobs_are_listed_newest_first_in_pages_and_by_tenant(database, jobs):
    mine = [await submit(database, jobs, "add", a=number, b=0, delay_s=60) for number in range(5)]
    await submit(database, jobs, "add", tenant="zeta", a=0, b=0, delay_s=60)
    await submit(database, jobs, "errand", a=0, b=0, delay_s=60)
    found, cursor = [], None
    async with database.reading() as session:
        while True:
            page = await jobs.list(session, tenant="acme", limit=2, cursor=cursor)
            found += [job.id for job in page.jobs]
            if (cursor := page.next_cursor) is None:
                break
        assert found == [job.id for job in reversed(mine)]
        assert len((await jobs.list(session, tenant="acme", kind="errand")).jobs) == 1
        assert (await jobs.list(session, tenant="acme", status=JobStatus.FAILED)).jobs == ()


@pytest.mark.parametrize(
    "wrong", [{"limit": 0}, {"limit": 501}, {"cursor": "x"}, {"cursor": "MjAyNg=="}, {"cursor": "ä"}]
)
async def test_a_wrong_page_is_refused(database, jobs, wrong):
    async with database.reading() as session:
        with pytest.raises(InvalidInputError):
            await jobs.list(session, tenant="acme", **wrong)


async def test_another_tenants_job_is_not_there(database, jobs):
    job = await submit(database, jobs, "add", a=1, b=1, delay_s=60)
    async with database.transaction() as session:
        for act in (jobs.get, jobs.cancel, jobs.resume):
            with pytest.raises(NotFoundError, match=job.id):
                await act(session, job.id, tenant="zeta")
    with pytest.raises(NotFoundError):
        await anext(jobs.watch("job_nope"))


async def test_the_queue_is_bounded(database, jobs):
    for _ in range(40):
        await submit(database, jobs, "add", a=1, b=1, delay_s=60)
    with pytest.raises(UnavailableError, match="40 jobs wait"):
        await submit(database, jobs, "add", a=1, b=1)


async def test_an_unknown_kind_is_refused_at_submission(database, jobs):
    with pytest.raises(InvalidInputError, match="'unheard'"):
        await submit(database, jobs, "unheard")


async def test_a_handler_hears_of_its_cancellation_when_it_reports(database, jobs):
    job = await submit(database, jobs, "count", steps=10_000)
    watched = jobs.watch(job.id)
    await anext(watched)
    await cancel(database, jobs, job)
    assert (await ended(database, jobs, job)).status is JobStatus.CANCELLED
    await watched.aclose()


async def test_a_short_job_starts_within_a_quarter_of_a_second(database, jobs):
    delays_ms = []
    for number in range(10):
        done = await ended(database, jobs, await submit(database, jobs, "add", a=number, b=0))
        assert done.started_at is not None
        delays_ms.append((done.started_at - done.created_at).total_seconds() * 1000)
    assert sorted(delays_ms)[5] < 250


async def test_the_engine_keeps_nothing_of_work_that_ended_but_the_job_remains(database, jobs):
    job = await submit(database, jobs, "add", a=1, b=2)
    waiting = await submit(database, jobs, "add", a=1, b=2, delay_s=60)
    await ended(database, jobs, job)

    async def forget() -> int | None:
        later = clock.now() + timedelta(seconds=5)
        return await asyncio.to_thread(jobs._engine.forget_ended_work, later) or None

    assert await eventually(forget) == 1
    async with database.reading() as session:
        assert (await jobs.get(session, job.id, tenant="acme")).result_data == {"sum": 3}
        kept = await session.scalars(
            text(f"SELECT workflow_uuid FROM {'' if database.is_sqlite else 'dbos.'}workflow_status")
        )
        assert kept.all() == [f"{waiting.id}:1"]


async def test_the_engine_says_nothing_on_the_console(database, database_settings, kinds, capfd):
    jobs = assembled(database, database_settings, kinds)
    await jobs.start()
    await ended(database, jobs, await submit(database, jobs, "add", a=1, b=2))
    await jobs.stop()
    assert capfd.readouterr() == ("", "")


async def parts_saved(database: Database, job: Job) -> list[str]:
    query = text("SELECT action FROM audit_events WHERE object_id = :job AND action LIKE 'test.part%' ORDER BY action")
    async with database.reading() as session:
        return list(await session.scalars(query, {"job": job.id}))


async def test_parts_are_saved_on_the_way_each_with_its_report(database, jobs):
    job = await submit(database, jobs, "save_parts")
    done = await ended(database, jobs, job)
    assert done.status is JobStatus.COMPLETED
    assert await parts_saved(database, job) == ["test.part0", "test.part1", "test.part2"]
    assert [event.percent async for event in jobs.watch(job.id) if "part" in event.message] == [0, 30, 60]


async def test_parts_saved_before_a_cancellation_stay_and_none_follows(database, jobs, kinds):
    job = await submit(database, jobs, "save_parts", hold_at=1)
    await asyncio.to_thread(kinds.begun.wait, 20)
    await cancel(database, jobs, job)
    kinds.release.set()
    assert (await ended(database, jobs, job)).status is JobStatus.CANCELLED
    assert await parts_saved(database, job) == ["test.part0", "test.part1"]


async def test_an_attempt_that_lost_its_say_saves_no_part(database, jobs, kinds):
    job = await submit(database, jobs, "save_parts", hold_at=0)
    await asyncio.to_thread(kinds.begun.wait, 20)
    async with database.transaction() as session:
        await session.execute(text("UPDATE jobs SET attempt = attempt + 1 WHERE id = :job"), {"job": job.id})
    kinds.release.set()
    await eventually(lambda: _idle(jobs, job))
    assert await parts_saved(database, job) == ["test.part0"]


async def _idle(jobs: Jobs, job: Job) -> bool | None:
    return None if jobs._runner is None or job.id in jobs._runner.running else True


async def test_a_wait_for_another_machine_ends_with_its_answer(database, jobs):
    job = await submit(database, jobs, "wait_for_another", seconds=0)
    assert (await ended(database, jobs, job)).result_data == {"call": "answered"}


async def test_a_wait_for_another_machine_ends_with_the_cancellation(database, jobs, kinds):
    job = await submit(database, jobs, "wait_for_another", seconds=600)
    await asyncio.to_thread(kinds.begun.wait, 20)
    await cancel(database, jobs, job)
    async with asyncio.timeout(5):
        assert (await ended(database, jobs, job)).status is JobStatus.CANCELLED
    assert kinds.calls == [{"call": "ended"}]
