"""Characters that no database, or not every one, can hold: refused or kept, on every route, never a defect."""

import copy
import json
from urllib.parse import quote

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.result import Ok

from steelyard.infra.keys import DEVELOPMENT_KEY
from steelyard.infra.settings import read_settings
from steelyard.server.app import create_app
from tests.api.conftest import serving
from tests.api.test_rebalance import SWITCHED_ON

HOSTILE = ("a\0b", "\ud800")
LEAVES_MAX = 8
"""So many texts of a body are replaced, one at a time."""


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def address(request, tmp_path_factory):
    place = {"data_dir": tmp_path_factory.mktemp("data")}
    if request.param == "postgresql":
        place["database_url"] = request.getfixturevalue("postgres_url")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SWITCHED_ON.items():
            patch.setenv(name, value)
        with serving(**place) as address:
            yield address


def operations():
    """Each operation of the product's document, read without a server."""
    schema = schemathesis.openapi.from_dict(create_app(read_settings()).openapi())
    return {one.ok().label: one.ok() for one in schema.get_all_operations() if isinstance(one, Ok)}


OPERATIONS = operations()


def quoted(text):
    """As it stands in an address."""
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def text_places(value, path=()):
    """Where the texts of a body are."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from text_places(item, (*path, key))


def with_text(body, path, text):
    """A body with ``text`` at a place."""
    if not path:
        return text
    changed = copy.deepcopy(body)
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = text
    return changed


@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")  # what Schemathesis does
@pytest.mark.parametrize("label", OPERATIONS)
def test_no_text_meets_a_defect(label, address):
    method, path = label.split(" ", 1)

    @given(case=OPERATIONS[label].as_strategy())
    @settings(
        max_examples=1, phases=[Phase.generate], deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    def throw(case):
        query = {name: str(value) for name, value in (case.query or {}).items()}
        places = {name: str(value) for name, value in (case.path_parameters or {}).items()}
        body = case.body if isinstance(case.body, dict | list) else None
        for text in HOSTILE:
            send(path, dict.fromkeys(places, text), query, body)
            for name in query:
                send(path, places, query | {name: text}, body)
            for place in list(text_places(body))[:LEAVES_MAX]:
                send(path, places, query, with_text(body, place, text))

    def send(path, places, query, body):
        for name, value in places.items():
            path = path.replace(f"{{{name}}}", quoted(value))
        asked = "&".join(f"{name}={quoted(value)}" for name, value in query.items())
        content = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": "hostile", "X-API-Key": DEVELOPMENT_KEY}
        answer = httpx.request(method, f"{address}{path}?{asked}", content=content, headers=headers, timeout=60)
        assert answer.status_code < 500 or answer.status_code == 503, (path, asked, content, answer.text[:500])

    throw()
