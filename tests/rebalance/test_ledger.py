"""The ledger on both engines: batches, keys of idempotency, and what a failure costs."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from steelyard.core.clock import frozen_at
from steelyard.core.errors import ConflictError, UnavailableError
from steelyard.infra.database import Database
from steelyard.rebalance.ledger import Ledger, RunIdTakenError
from steelyard.rebalance.runs import Period, Run, Shelf, page_of_runs, purge_runs, run_by_key
from steelyard.rebalance.tables import ReplayRow

NOON = datetime(2026, 2, 3, 12, tzinfo=UTC)


def run(number: int, key: str | None = "k", *, request: str = "a", tenant: str = "acme", **other: object) -> Run:
    fields = {
        "id": f"rr_{number:08x}",
        "tenant": tenant,
        "correlation_id": "c_none",
        "request_hash": f"sha256:{request}",
        "idempotency_key": key,
        "portfolio_id": "pf",
        "status": "READY",
        "created_at": NOON + timedelta(seconds=number),
        "result": b'{"run":%d}' % number,
    }
    return Run(**{**fields, **other})  # type: ignore[arg-type]


def ledger_on(database: Database, *, keys_max: int = 100, kept_since: datetime | None = None) -> Ledger:
    return Ledger(database, keys_max=keys_max, kept_since=lambda: kept_since)


async def stored(database: Database, tenant: str = "acme") -> list[str]:
    async with database.reading() as session:
        rows, _ = await page_of_runs(session, Shelf(tenant, None), period=Period(), limit=200)
    return sorted(row.id for row in rows)


async def test_of_fifty_runs_with_one_key_one_is_stored_and_all_answer_with_it(database):
    ledger = ledger_on(database)
    answers = await asyncio.gather(*[ledger.record(run(number), may_replay=True) for number in range(50)])
    assert len(set(answers)) == 1
    assert await stored(database) == ["rr_00000000"]


async def test_two_processes_with_one_key_have_one_effect(database, database_settings):
    # A second Database has connections of its own, as another process has.
    other = Database(database_settings)
    ours, theirs = ledger_on(database), ledger_on(other)
    runs = [(ledger, run(number, f"k{number % 7}")) for number in range(40) for ledger in (ours, theirs)]
    runs = [(ledger, run(index, one.idempotency_key)) for index, (ledger, one) in enumerate(runs)]
    answers = await asyncio.gather(*[ledger.record(one, may_replay=True) for ledger, one in runs])
    await other.dispose()
    by_key: dict[str | None, set[bytes]] = {}
    for (_, one), answer in zip(runs, answers, strict=True):
        by_key.setdefault(one.idempotency_key, set()).add(answer)
    assert [len(found) for found in by_key.values()] == [1] * 7
    assert len(await stored(database)) == 7


async def test_a_key_with_another_request_is_refused_and_keeps_its_run(database):
    ledger = ledger_on(database)
    await ledger.record(run(1), may_replay=True)
    with pytest.raises(ConflictError) as refused:
        await ledger.record(run(2, request="b"), may_replay=True)
    assert refused.value.code == "IDEMPOTENCY_KEY_CONFLICT"
    assert await stored(database) == ["rr_00000001"]


async def test_a_key_that_comes_again_is_answered_before_anything_is_computed(database):
    ledger = ledger_on(database)
    await ledger.record(run(1), may_replay=True)
    assert await ledger.answered("acme", "k", "sha256:a") == b'{"run":1}'
    with pytest.raises(ConflictError) as refused:
        await ledger.answered("acme", "k", "sha256:b")
    assert refused.value.code == "IDEMPOTENCY_KEY_CONFLICT"
    assert await ledger.answered("acme", "other", "sha256:a") is None
    assert await ledger.answered("globex", "k", "sha256:a") is None
    assert await ledger_on(database, kept_since=NOON + timedelta(minutes=1)).answered("acme", "k", "sha256:a") is None


async def test_keys_that_are_looked_up_together_cost_one_read(database, monkeypatch):
    ledger = ledger_on(database)
    await asyncio.gather(*[ledger.record(run(number, f"k{number}"), may_replay=True) for number in range(20)])
    reads, reading = 0, database.reading

    def counted():
        nonlocal reads
        reads += 1
        return reading()

    monkeypatch.setattr(database, "reading", counted)
    asked = [ledger.answered("acme", f"k{number}", "sha256:a") for number in range(40)]
    assert await asyncio.gather(*asked) == [b'{"run":%d}' % number for number in range(20)] + [None] * 20
    assert reads == 1


async def test_a_key_that_was_answered_with_counts_as_used(database):
    ledger = ledger_on(database, keys_max=2)
    with frozen_at(NOON) as time:
        for number, key in enumerate("ab"):
            time.advance(seconds=1)
            await ledger.record(run(number, key), may_replay=True)
        time.advance(seconds=1)
        assert await ledger.answered("acme", "a", "sha256:a") == b'{"run":0}'
        time.advance(seconds=1)
        await ledger.record(run(2, "c"), may_replay=True)
        assert await ledger.answered("acme", "a", "sha256:a") == b'{"run":0}'
        assert await ledger.answered("acme", "b", "sha256:a") is None


async def test_processes_that_use_and_forget_the_same_keys_do_not_wait_for_each_other(database, database_settings):
    other = Database(database_settings)
    ledgers = [ledger_on(database, keys_max=3), ledger_on(other, keys_max=3)]

    async def work(ledger: Ledger, begin: int) -> None:
        for number in range(begin, begin + 40):
            key = f"k{number % 12}"
            if await ledger.answered("acme", key, "sha256:a") is None:
                await ledger.record(run(number, key), may_replay=True)

    await asyncio.gather(*[work(ledger, 1000 * place) for place, ledger in enumerate(ledgers * 3)])
    await other.dispose()
    async with database.reading() as session:
        kept = await session.scalar(select(func.count()).select_from(ReplayRow))
    assert 3 <= kept <= 3 * len(ledgers)  # each keeps three, and does not see those that the other is just writing
    await ledgers[0].record(run(9000, "last"), may_replay=True)  # which sees them all
    async with database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(ReplayRow)) == 3


async def test_another_tenant_may_use_the_same_key(database):
    ledger = ledger_on(database)
    both = (run(1), run(2, request="b", tenant="other"))
    assert await asyncio.gather(*[ledger.record(one, may_replay=True) for one in both]) == [b'{"run":1}', b'{"run":2}']


async def test_without_replay_every_run_is_stored_and_the_key_stands_for_the_last(database):
    ledger = ledger_on(database)
    for number in (1, 2):
        assert await ledger.record(run(number, request=str(number)), may_replay=False) == b'{"run":%d}' % number
    async with database.reading() as session:
        assert (await run_by_key(session, Shelf("acme", None), "k")).id == "rr_00000002"


async def test_the_least_recently_used_key_is_forgotten(database):
    ledger = ledger_on(database, keys_max=2)
    with frozen_at(NOON) as time:
        for number, key in enumerate(("a", "b", "a", "c")):  # a is used again, so b is the oldest when c comes
            time.advance(seconds=1)
            await ledger.record(run(number, key), may_replay=True)
        time.advance(seconds=1)
        assert await ledger.record(run(10, "a"), may_replay=True) == b'{"run":0}'
        assert await ledger.record(run(11, "b", request="new"), may_replay=True) == b'{"run":11}'


async def test_keys_that_come_together_are_forgotten_one_by_one(database):
    ledger = ledger_on(database, keys_max=3)
    await asyncio.gather(*[ledger.record(run(number, f"k{number}"), may_replay=True) for number in range(5)])
    again = [await ledger.record(run(10 + number, f"k{number}"), may_replay=True) for number in (2, 3, 4)]
    assert again == [b'{"run":2}', b'{"run":3}', b'{"run":4}']


async def test_a_key_whose_run_is_kept_no_longer_is_free(database):
    await ledger_on(database).record(run(1), may_replay=True)
    later = ledger_on(database, kept_since=NOON + timedelta(minutes=1))
    fresh = run(2, request="b", created_at=NOON + timedelta(minutes=2))
    assert await later.record(fresh, may_replay=True) == b'{"run":2}'
    assert await later.record(run(3, request="b"), may_replay=True) == b'{"run":2}'


async def test_a_purged_run_takes_its_key_with_it(database):
    ledger = ledger_on(database)
    await ledger.record(run(1), may_replay=True)
    async with database.transaction() as session:
        assert await purge_runs(session, NOON + timedelta(hours=1), at_most=10) == 1
    assert await ledger.record(run(2, request="b"), may_replay=True) == b'{"run":2}'


async def test_an_id_that_is_taken_costs_only_its_own_request(database):
    ledger = ledger_on(database)
    await ledger.record(run(1, "first"), may_replay=True)
    outcomes = await asyncio.gather(
        *[ledger.record(run(number, f"k{number}"), may_replay=True) for number in (2, 1, 3)], return_exceptions=True
    )
    assert outcomes[0] == b'{"run":2}'
    assert isinstance(outcomes[1], RunIdTakenError)
    assert outcomes[2] == b'{"run":3}'
    # Nothing is remembered of a key whose run was not stored.
    assert await ledger.record(run(4, "k1", request="b"), may_replay=True) == b'{"run":4}'


async def test_a_client_that_has_gone_leaves_the_others_their_answers(database):
    ledger = ledger_on(database)
    tasks = [asyncio.create_task(ledger.record(run(number, f"k{number}"), may_replay=True)) for number in range(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert outcomes[0] == b'{"run":0}'
    assert outcomes[2] == b'{"run":2}'


async def test_text_that_postgres_cannot_hold_is_stored_all_the_same(database):
    ledger = ledger_on(database)
    await ledger.record(run(1, portfolio_id="pf\x00one"), may_replay=True)
    async with database.reading() as session:
        found, _ = await page_of_runs(session, Shelf("acme", None), period=Period(), limit=1, portfolio_id="pf\x00one")
    assert [row.id for row in found] == ["rr_00000001"]


async def test_where_the_database_is_away_every_request_hears_of_it_at_once(database, monkeypatch):
    tried = 0

    def away():
        nonlocal tried
        tried += 1
        raise UnavailableError("away", code="DATABASE_BUSY")

    ledger = ledger_on(database)
    monkeypatch.setattr(database, "transaction", away)
    writing = [ledger.record(run(number, f"k{number}"), may_replay=True) for number in range(9)]
    outcomes = await asyncio.gather(*writing, return_exceptions=True)
    assert [getattr(outcome, "code", None) for outcome in outcomes] == ["DATABASE_BUSY"] * 9
    assert tried == 1
    monkeypatch.undo()
    assert await ledger.record(run(1, "k1"), may_replay=True) == b'{"run":1}'


async def test_more_requests_than_may_wait_are_refused(database, monkeypatch):
    monkeypatch.setattr("steelyard.rebalance.ledger.WAITING_MAX", 3)
    ledger = ledger_on(database)
    writing = [ledger.record(run(number, f"k{number}"), may_replay=True) for number in range(5)]
    looking = [ledger.answered("acme", f"k{number}", "sha256:a") for number in range(5)]
    for waiting in (writing, looking):
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert [isinstance(outcome, UnavailableError) for outcome in outcomes] == [False] * 3 + [True] * 2
