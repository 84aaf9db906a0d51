"""Which runs wait for a review, and finding runs, on both engines: right, and without reading them all."""

import contextlib
import functools
import itertools
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from steelyard.core.errors import ConflictError
from steelyard.infra.migrations.versions.s0011_review_queue import ENDED
from steelyard.rebalance import review_queue, reviews
from steelyard.rebalance.run_search import search_runs
from steelyard.rebalance.runs import Period, Shelf, insert_runs, run_by_id
from steelyard.rebalance.tables import RunRow
from steelyard.rebalance.toggles import Toggles
from tests.rebalance.test_ledger import NOON, run
from tests.rebalance.test_records import ACME, REVIEWER, pages

ON = Toggles.read({"DPM_WORKFLOW_ENABLED": "yes"})
OFF = Toggles.read({})
BOTH = Toggles.read(
    {"DPM_WORKFLOW_ENABLED": "yes", "DPM_WORKFLOW_REQUIRES_REVIEW_FOR_STATUSES": "PENDING_REVIEW,BLOCKED"}
)


async def decide(database, number, action, *, toggles=BOTH, **given):
    async with database.transaction() as session:
        found = await run_by_id(session, ACME, f"rr_{number:08x}")
        return await reviews.review(
            session,
            toggles,
            REVIEWER,
            found,
            action=action,
            reason_code="OK",
            comment=None,
            actor_id="reviewer",
            correlation_id="c_none",
            **given,
        )


async def waiting(database, toggles=BOTH, shelf=ACME, limit=50):
    async with database.reading() as session:
        found = await pages(
            lambda size, cursor: review_queue.page_of_waiting(session, shelf, toggles, limit=size, cursor=cursor), limit
        )
        assert len(found) == await review_queue.count_waiting(session, shelf, toggles)
    return [int(row.id[3:], 16) for row in found]


@pytest.fixture
async def recorded(database):
    """Twelve runs in three statuses, pairs made in the same instant, one of another tenant."""
    statuses = ("PENDING_REVIEW", "READY", "BLOCKED")
    runs = [
        run(n, f"key-{n}", status=statuses[n % 3], portfolio_id=f"pf-{n % 4}", created_at=NOON + timedelta(n // 2))
        for n in range(12)
    ]
    async with database.transaction() as session:
        await insert_runs(session, [*runs, run(99, status="PENDING_REVIEW", tenant="other", portfolio_id="pf-0")])
    return database


async def test_the_queue_is_every_run_of_a_reviewed_status_oldest_first(recorded):
    for limit in (1, 2, 50):
        assert await waiting(recorded, ON, limit=limit) == [0, 3, 6, 9]
        assert await waiting(recorded, BOTH, limit=limit) == [0, 2, 3, 5, 6, 8, 9, 11]
        assert await waiting(recorded, ON, Shelf("acme", NOON + timedelta(days=2)), limit) == [6, 9]
    assert await waiting(recorded, ON, Shelf("other", None)) == [99]
    assert await waiting(recorded, OFF) == []


async def test_a_run_leaves_the_queue_when_it_is_decided_and_returns_when_changes_are_asked_for(recorded):
    await decide(recorded, 3, "APPROVE")
    await decide(recorded, 6, "REJECT")
    await decide(recorded, 9, "REQUEST_CHANGES")
    assert await waiting(recorded, ON) == [0, 9]
    await decide(recorded, 6, "REQUEST_CHANGES")
    await decide(recorded, 3, "REJECT")
    assert await waiting(recorded, ON) == [0, 6, 9]


async def test_the_next_page_is_found_though_its_cursor_was_decided_meanwhile(recorded):
    async with recorded.reading() as session:
        first, cursor = await review_queue.page_of_waiting(session, ACME, ON, limit=2)
    await decide(recorded, 3, "APPROVE")
    assert [row.id for row in first][-1] == cursor == "rr_00000003"
    async with recorded.reading() as session:
        second, _ = await review_queue.page_of_waiting(session, ACME, ON, limit=2, cursor=cursor)
    assert [row.id for row in second] == ["rr_00000006", "rr_00000009"]


async def test_the_queue_is_what_the_decisions_come_to(database):
    """A run for each sequence of up to three decisions; the queue against the status that its latest one gives."""
    actions = ("APPROVE", "REJECT", "REQUEST_CHANGES")
    sequences = [sequence for length in range(4) for sequence in itertools.product(actions, repeat=length)]
    async with database.transaction() as session:
        await insert_runs(session, [run(n, None, status="BLOCKED") for n in range(len(sequences))])
    for number, sequence in enumerate(sequences):
        for action in sequence:
            with contextlib.suppress(ConflictError):
                await decide(database, number, action)
    async with database.reading() as session:
        found = [await run_by_id(session, ACME, f"rr_{number:08x}") for number in range(len(sequences))]
        latest = await review_queue.latest_decisions(session, [row.id for row in found])
    open_ones = [row for row in found if reviews.status_of(BOTH, row, latest.get(row.id)) == "PENDING_REVIEW"]
    expected = [int(row.id[3:], 16) for row in open_ones]
    assert 1 < len(expected) < len(sequences)
    assert await waiting(database) == expected
    async with database.transaction() as session:  # as runs were before the migration that brought the queue
        await session.execute(update(RunRow).values(is_decided=False))
        await session.execute(text(ENDED))
    assert await waiting(database) == expected


async def test_who_has_not_seen_the_latest_decision_is_told_instead(recorded):
    first = await decide(recorded, 0, "APPROVE", seen=[])
    with pytest.raises(ConflictError, match="reviewer decided APPROVE meanwhile") as refused:
        await decide(recorded, 0, "REJECT", seen=[])
    assert refused.value.code == "DPM_WORKFLOW_DECIDED_MEANWHILE"
    await decide(recorded, 0, "REJECT", seen=[first.id])
    async with recorded.reading() as session:
        latest = await review_queue.latest_decisions(session, ["rr_00000000", "rr_00000003"])
    assert {name: row.action for name, row in latest.items()} == {"rr_00000000": "REJECT"}


FOUND: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
    ({"text": "pf-3"}, [11, 7, 3]),
    ({"text": "key-7"}, [7]),
    ({"text": "sha256:a", "status": "READY"}, [10, 7, 4, 1]),
    ({"text": "c_none", "period": Period(NOON + timedelta(days=4), None)}, [11, 10, 9, 8]),
    ({"text": "rr_00000005"}, [5]),
    ({"text": "rr_00000063"}, []),
    ({"text": "pf"}, []),
    ({"status": "BLOCKED", "period": Period(None, NOON + timedelta(days=1))}, [2]),
]


async def test_runs_are_found_by_all_their_names(recorded):
    async with recorded.reading() as session:
        for (wanted, numbers), limit in itertools.product(FOUND, (2, 50)):
            search = functools.partial(search_runs, session, ACME, **wanted)
            found = await pages(lambda size, cursor, search=search: search(limit=size, cursor=cursor), limit)
            assert [int(row.id[3:], 16) for row in found] == numbers, wanted


async def test_neither_the_queue_nor_the_search_reads_every_run(recorded):
    asked: list[str] = []
    async with recorded.reading() as session:
        connection = await session.connection()
        real, is_sqlite = connection.sync_connection.execute, recorded.is_sqlite
        if not is_sqlite:
            await session.execute(text("SET LOCAL enable_seqscan = off"))

        def explained(statement, *rest, **named):
            compiled = statement.compile(connection.sync_connection, compile_kwargs={"literal_binds": True})
            prefix = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
            asked.extend(str(row) for row in real(text(prefix + str(compiled).replace(":", r"\:"))))
            return real(statement, *rest, **named)

        connection.sync_connection.execute = explained
        for look in (
            review_queue.page_of_waiting(session, ACME, BOTH, limit=5),
            search_runs(session, ACME, text="pf-1", limit=5),
        ):
            asked.clear()
            await look
            plan = "\n".join(asked)
            assert "ix_rebalance_runs_tenant" in plan, plan
            assert "SCAN rebalance_runs" not in plan.replace("SCAN rebalance_runs USING", ""), plan
            assert "Seq Scan on rebalance_runs" not in plan, plan
