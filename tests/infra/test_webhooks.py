"""Webhooks: signed so that a receiver can tell, delivered with what they tell, tried again as planned."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from steelyard.core import clock
from steelyard.core.errors import ConfigurationError, InvalidInputError, UnauthenticatedError
from steelyard.infra.database import Database
from steelyard.infra.jobs import Jobs
from steelyard.infra.outbound import Outbound
from steelyard.infra.settings import Settings
from steelyard.infra.webhook_signatures import checked_secrets, sign, verify
from steelyard.infra.webhooks import Delivery, Webhooks, delay_s
from tests.eventually import eventually
from tests.http_servers import Received, Reply, serve

OLD, NEW = SecretStr("whsec_" + base64.b64encode(b"old secret").decode()), SecretStr("a new secret, plain")
EVENT = {"event_type": "sweep.completed", "ticker": "NVDA", "progress": 100, "unsaid": None}
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_signature_is_that_of_the_specification():
    headers = sign([OLD], "msg_1", NOW, b'{"a":1}')
    expected = hmac.new(b"old secret", b'msg_1.1767225600.{"a":1}', hashlib.sha256).digest()
    assert headers == {
        "webhook-id": "msg_1",
        "webhook-timestamp": "1767225600",
        "webhook-signature": "v1," + base64.b64encode(expected).decode(),
    }


@given(
    st.binary(max_size=100), st.sampled_from([[OLD], [NEW], [NEW, OLD]]), st.sampled_from([[OLD], [NEW], [NEW, OLD]])
)
def test_a_receiver_accepts_exactly_what_one_of_its_secrets_signed(body, ours, theirs):
    with clock.frozen_at(NOW):
        headers = sign(ours, "msg_1", NOW, body)
        if set(map(str, map(SecretStr.get_secret_value, ours))) & set(map(SecretStr.get_secret_value, theirs)):
            verify(theirs, headers, body)
        else:
            with pytest.raises(UnauthenticatedError):
                verify(theirs, headers, body)
        with pytest.raises(UnauthenticatedError):
            verify(theirs, headers, body + b"!")


@pytest.mark.parametrize("late_s", [-301, 301])
def test_a_replay_is_refused(late_s):
    headers = sign([OLD], "msg_1", NOW, b"")
    with clock.frozen_at(NOW) as turned:
        turned.advance(seconds=late_s)
        with pytest.raises(UnauthenticatedError, match="300 s"):
            verify([OLD], headers, b"")


@pytest.mark.parametrize("timestamp", ["", "now", "1e9", "²", "9" * 40])
def test_a_timestamp_that_is_none_is_refused(timestamp):
    with pytest.raises(UnauthenticatedError, match="webhook-timestamp"):
        verify([OLD], {"webhook-id": "a", "webhook-timestamp": timestamp, "webhook-signature": "v1,x"}, b"")


def test_without_a_secret_nothing_is_accepted_and_nothing_is_signed():
    headers = sign([], "msg_1", clock.now(), b"")
    assert "webhook-signature" not in headers
    with pytest.raises(UnauthenticatedError):
        verify([], headers, b"")


@pytest.mark.parametrize("wrong", [["whsec_not base64!"], ["a", "b", "c"]])
def test_secrets_that_cannot_be_used_are_refused_at_start(wrong):
    with pytest.raises(ConfigurationError, match="STEELYARD_WEBHOOK_SECRETS"):
        checked_secrets([SecretStr(text) for text in wrong])


@given(st.integers(1, 10), st.floats(0, 200_000))
def test_an_attempt_is_due_at_its_time_or_if_that_is_past_after_the_usual_distance(number, age_s):
    schedule_s = Settings().webhook_schedule_s
    wait_s = delay_s(schedule_s, number, age_s)
    usual_s = schedule_s[number - 1] - (schedule_s[number - 2] if number > 1 else 0)
    expected_s = schedule_s[number - 1] - age_s if schedule_s[number - 1] > age_s else usual_s
    assert expected_s <= wait_s <= expected_s * 1.1 + 1e-9


@pytest.fixture
async def webhooks(database: Database, database_settings: Settings) -> AsyncIterator[Webhooks]:
    changes = {"webhook_secrets": (NEW, OLD), "webhook_schedule_s": (0.0, 0.05, 0.1), "webhook_timeout_s": 10}
    settings = database_settings.model_copy(update=changes)
    jobs = Jobs(settings, database)
    webhooks = Webhooks(settings, database, jobs, Outbound(settings))
    await jobs.start()
    yield webhooks
    await jobs.stop()


async def send(database: Database, webhooks: Webhooks, url: str) -> str:
    async with database.transaction() as session:
        return await webhooks.send(session, tenant="acme", subject="job_1", url=url, event=EVENT)


async def ended(database: Database, webhooks: Webhooks) -> Delivery:
    async def delivery() -> Delivery | None:
        async with database.reading() as session:
            (found,) = await webhooks.deliveries(session, tenant="acme", subject="job_1")
        return None if found.status == "pending" else found

    return await eventually(delivery)


async def test_an_event_arrives_signed_and_once(database, webhooks):
    seen: list[Received] = []

    def note(request: Received) -> Reply:
        seen.append(request)
        return Reply(204, b"")

    with serve(note) as url:
        webhook_id = await send(database, webhooks, url + "/hook")
        delivery = await ended(database, webhooks)
    assert (delivery.status, len(delivery.attempts), delivery.attempts[0].status_code) == ("delivered", 1, 204)
    (request,) = seen
    assert (request.method, request.path, json.loads(request.body)) == ("POST", "/hook", EVENT)
    assert request.headers["webhook-id"] == webhook_id
    assert len(request.headers["webhook-signature"].split(" ")) == 2
    verify([OLD], request.headers, request.body)
    verify([NEW], request.headers, request.body)


async def test_an_event_of_a_transaction_that_is_undone_is_never_sent(database, webhooks):
    with pytest.raises(ZeroDivisionError):  # noqa: PT012
        async with database.transaction() as session:
            await webhooks.send(session, tenant="acme", subject="job_1", url="http://127.0.0.1:1", event=EVENT)
            raise ZeroDivisionError
    async with database.reading() as session:
        assert await webhooks.deliveries(session, tenant="acme", subject="job_1") == []


async def test_a_receiver_that_fails_is_tried_again_with_the_same_id_and_body(database, webhooks):
    seen: list[Received] = []
    replies = iter([Reply(500), Reply(302, b"", {"Location": "http://127.0.0.1:1/"}), Reply(200)])

    def note(request: Received) -> Reply:
        seen.append(request)
        return next(replies)

    with serve(note) as url:
        await send(database, webhooks, url)
        delivery = await ended(database, webhooks)
    assert delivery.status == "delivered"
    assert [attempt.status_code for attempt in delivery.attempts] == [500, 302, 200]
    assert len({(request.headers["webhook-id"], request.body) for request in seen}) == 1


async def test_after_the_last_attempt_it_has_failed_and_every_reason_is_kept(database, webhooks):
    await send(database, webhooks, "http://127.0.0.1:1/")
    delivery = await ended(database, webhooks)
    assert delivery.status == "failed"
    assert [attempt.number for attempt in delivery.attempts] == [1, 2, 3]
    assert all(attempt.error and "127.0.0.1" in attempt.error for attempt in delivery.attempts)


async def test_a_receiver_that_is_gone_is_left_alone(database, webhooks):
    with serve(lambda _: Reply(410)) as url:
        await send(database, webhooks, url)
        delivery = await ended(database, webhooks)
    assert (delivery.status, len(delivery.attempts)) == ("gone", 1)


async def test_an_inner_address_is_refused_at_every_attempt_and_no_url_at_once(database, webhooks):
    await send(database, webhooks, "http://10.0.0.1/")
    delivery = await ended(database, webhooks)
    assert ["not public" in (attempt.error or "") for attempt in delivery.attempts] == [True] * 3
    with pytest.raises(InvalidInputError):
        await send(database, webhooks, "ftp://a.example")


async def test_another_tenant_sees_no_attempts(database, webhooks):
    with serve(lambda _: Reply()) as url:
        await send(database, webhooks, url)
        await ended(database, webhooks)
    async with database.reading() as session:
        assert await webhooks.deliveries(session, tenant="zeta", subject="job_1") == []
