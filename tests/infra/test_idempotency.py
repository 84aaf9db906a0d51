"""Idempotency: many requests, one effect, one answer; and the audit log that keeps what happened."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from steelyard.core.errors import ConflictError, InvalidInputError
from steelyard.infra import audit, idempotency
from steelyard.infra.database import Database
from steelyard.infra.idempotency import Answer, answer_once
from steelyard.infra.principal import Principal

ASKER = Principal("acme", "key:1", frozenset({"admin"}))


async def ask(database: Database, request: Any, *, key: str = "k", tenant: str = "acme", fail: bool = False) -> Answer:
    """One request whose effect is a row in the audit log."""
    async with database.transaction() as session:

        async def effect() -> Answer:
            audit.record(session, ASKER, "test.effect", key, {"request": request})
            await session.flush()
            if fail:
                raise ZeroDivisionError
            return Answer(201, b'{"answer":  1.10}')

        return await answer_once(session, tenant=tenant, route="POST /things", key=key, request=request, effect=effect)


async def effects(database: Database) -> int:
    async with database.reading() as session:
        return await session.scalar(text("SELECT count(*) FROM audit_events")) or 0


async def test_fifty_requests_at_once_have_one_effect_and_equal_answers(database: Database):
    answers = await asyncio.gather(*(ask(database, {"a": 1}) for _ in range(50)))
    assert {(answer.status, answer.body) for answer in answers} == {(201, b'{"answer":  1.10}')}
    assert [answer.replayed for answer in answers].count(False) == 1
    assert await effects(database) == 1


async def test_fifty_keys_at_once_have_fifty_effects(database: Database):
    await asyncio.gather(*(ask(database, {"a": 1}, key=f"k{i}") for i in range(50)))
    assert await effects(database) == 50


async def test_the_order_of_fields_is_not_another_request_but_a_value_is(database: Database):
    await ask(database, {"a": 1, "b": 2})
    assert (await ask(database, {"b": 2, "a": 1})).replayed
    with pytest.raises(ConflictError, match="used before with another request") as refused:
        await ask(database, {"a": 1, "b": 3})
    assert refused.value.code == "IDEMPOTENCY_KEY_CONFLICT"


async def test_another_tenant_has_keys_of_its_own(database: Database):
    await ask(database, {"a": 1})
    assert not (await ask(database, {"a": 2}, tenant="zeta")).replayed


async def test_an_effect_that_fails_is_undone_and_its_key_is_free(database: Database):
    with pytest.raises(ZeroDivisionError):
        await ask(database, {"a": 1}, fail=True)
    assert not (await ask(database, {"a": 2})).replayed
    assert await effects(database) == 1


async def test_of_a_failing_and_a_waiting_request_the_waiting_one_takes_effect(database: Database):
    results = await asyncio.gather(
        ask(database, {"a": 1}, fail=True), *(ask(database, {"a": 1}) for _ in range(5)), return_exceptions=True
    )
    assert sum(isinstance(result, Answer) and not result.replayed for result in results) == 1
    assert await effects(database) == 1


@pytest.mark.parametrize("key", ["", "k" * 201])
async def test_a_key_has_a_sensible_length(database: Database, key):
    with pytest.raises(InvalidInputError, match="idempotency key"):
        await ask(database, {}, key=key)


async def test_waiting_for_the_first_request_is_bounded(database: Database, monkeypatch):
    if database.is_sqlite:  # there the writer's turn is awaited, whose bound test_database proves
        return
    monkeypatch.setattr(idempotency, "WAIT_S_MAX", 1)
    started, release = asyncio.Event(), asyncio.Event()

    async def slow() -> Answer:
        async with database.transaction() as session:

            async def effect() -> Answer:
                started.set()
                await release.wait()
                return Answer(200, b"{}")

            return await answer_once(session, tenant="acme", route="POST /things", key="k", request={}, effect=effect)

    first = asyncio.create_task(slow())
    await started.wait()
    with pytest.raises(ConflictError, match="has been running") as refused:
        await ask(database, {})
    assert refused.value.code == "IDEMPOTENCY_KEY_IN_FLIGHT"
    release.set()
    assert (await first).status == 200


@pytest.mark.parametrize("change", ["UPDATE audit_events SET actor = 'nobody'", "DELETE FROM audit_events"])
async def test_nothing_changes_the_audit_log(database: Database, change):
    await ask(database, {})
    with pytest.raises(DBAPIError, match="append-only"):
        async with database.transaction() as session:
            await session.execute(text(change))
    assert await effects(database) == 1
