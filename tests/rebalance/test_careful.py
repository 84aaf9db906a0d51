"""Bodies that need explaining: in FastAPI's words, and never in another request's way."""

import asyncio
import json
import threading
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Header
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, given, settings
from pydantic import BaseModel, field_validator

from steelyard.rebalance import schemas
from steelyard.rebalance.careful import INLINE_BODY_BYTES_MAX, CarefulRoute
from tests.rebalance.test_wire import BOOK, spoilt

AS_JSON = {"Content-Type": "application/json"}


class Slow(BaseModel):
    """A body whose validation ends once another request was answered."""

    text: str

    @field_validator("text")
    @classmethod
    def _wait(cls, text: str) -> str:
        if not ANSWERED.wait(5):
            raise ValueError("nobody was answered meanwhile")
        return text


ANSWERED = threading.Event()


def app(*, careful: bool) -> FastAPI:
    router = APIRouter(route_class=CarefulRoute if careful else APIRoute)

    @router.post("/simulate")
    async def simulate(body: schemas.RebalanceRequest, x_key: Annotated[str, Header()]) -> Any:
        return body.model_dump(mode="json")

    @router.post("/slow")
    async def slow(body: Slow) -> int:
        return len(body.text)

    @router.get("/other")
    async def other() -> None:
        ANSWERED.set()

    service = FastAPI()
    service.include_router(router)
    return service


CAREFUL, PLAIN = app(careful=True), app(careful=False)


def client(service):
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=service), base_url="http://dpm", headers=AS_JSON)


async def ask(service, path, content, headers=None):
    async with client(service) as asking:
        return await asking.post(path, content=content, headers=headers)


@pytest.fixture(params=[0, INLINE_BODY_BYTES_MAX], ids=["in a thread", "on the loop"], scope="module")
def _wherever_read(request):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("steelyard.rebalance.careful.INLINE_BODY_BYTES_MAX", request.param)
        yield


@pytest.mark.usefixtures("_wherever_read")
@given(spoilt())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_a_body_is_explained_as_fastapi_explains_it(body):
    for headers in ({}, {"X-Key": "k"}):
        content = json.dumps(body).encode()
        ours, theirs = (asyncio.run(ask(service, "/simulate", content, headers)) for service in (CAREFUL, PLAIN))
        assert (ours.status_code, ours.json()) == (theirs.status_code, theirs.json())


@pytest.mark.usefixtures("_wherever_read")
@pytest.mark.parametrize("raw", [b"", b"{", b'{"a": }', b"[]", b"null", b'"text"'])
async def test_what_is_no_request_is_refused_as_fastapi_refuses_it(raw):
    ours, theirs = [await ask(service, "/simulate", raw) for service in (CAREFUL, PLAIN)]
    assert (ours.status_code, ours.json()) == (theirs.status_code, theirs.json())


@pytest.mark.usefixtures("_wherever_read")
@pytest.mark.parametrize(
    ("raw", "place", "reason"),
    [
        (b'{"a": "\xff"}', 7, "not utf-8: invalid start byte"),
        (b"[" * 100_000, 0, "nested too deeply"),
        (b'{"a": ' + b"9" * 10_000 + b"}", 0, "a number has too many digits"),
    ],
)
async def test_json_that_python_cannot_hold_is_a_fault_of_the_body(raw, place, reason):
    answer = await ask(CAREFUL, "/simulate", raw)
    fault = {"type": "json_invalid", "loc": ["body", place], "msg": "JSON decode error", "input": {}}
    assert answer.status_code == 422
    assert answer.json() == {"detail": [{**fault, "ctx": {"error": reason}}]}


async def test_another_request_is_answered_while_a_large_body_is_explained():
    ANSWERED.clear()
    body = {"text": "x" * INLINE_BODY_BYTES_MAX}
    async with client(CAREFUL) as one, client(CAREFUL) as two:
        slow, _ = await asyncio.gather(one.post("/slow", json=body), two.get("/other"))
    assert (slow.status_code, slow.json()) == (200, INLINE_BODY_BYTES_MAX)


async def test_a_large_sound_body_needs_its_headers_all_the_same():
    body = BOOK | {"extra": "x" * INLINE_BODY_BYTES_MAX}
    answer = await ask(CAREFUL, "/simulate", json.dumps(body).encode())
    assert [fault["loc"] for fault in answer.json()["detail"]] == [["header", "x-key"]]
