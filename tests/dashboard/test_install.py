"""What the dashboard takes over, what it leaves alone, and whom it lets in."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from steelyard.dashboard.visit import own_path
from steelyard.infra.settings import Settings
from steelyard.server.app import create_app

PAGE = {"Accept": "text/html"}


@pytest.fixture(params=["http://127.0.0.1:8000"])
async def client(request, tmp_path) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(Settings(data_dir=tmp_path))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=request.param) as client:
            yield client


async def test_pages_are_served_and_what_no_page_has_is_a_page_with_status_404(client):
    assert (await client.get("/", headers=PAGE)).status_code == 200
    missing = await client.get("/nowhere", headers=PAGE)
    assert (missing.status_code, missing.headers["content-type"]) == (404, "text/html; charset=utf-8")


async def test_an_unknown_api_route_and_a_wrong_method_stay_the_api_s_business(client):
    missing = await client.get("/api/v1/nowhere", headers=PAGE)
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "NOT_FOUND")
    assert (await client.post("/health")).status_code == 405
    assert (await client.get("/nowhere")).json()["code"] == "NOT_FOUND"


@pytest.mark.parametrize("client", ["http://rebound.example:8000"], indirect=True)
async def test_a_foreign_name_that_points_to_loopback_is_not_the_developer(client):
    answer = await client.get("/", headers=PAGE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2F")


async def test_no_page_names_another_host(client):
    for path in ("/", "/jobs", "/data", "/login", "/nowhere"):
        text = (await client.get(path, headers=PAGE)).text
        assert "//cdn" not in text
        assert "https://" not in text, path


@pytest.mark.parametrize(
    ("target", "used"),
    [("/jobs?x=1", "/jobs?x=1"), ("//evil.example", "/"), ("/\\evil.example", "/"), ("https://evil.example", "/"),
     ("javascript:alert(1)", "/"), ("/a\nb", "/"), ("", "/")],
)  # fmt: skip
def test_a_login_leads_nowhere_but_to_this_server(target, used):
    assert own_path(target) == used


async def test_two_applications_in_one_process_serve_their_own_data(tmp_path):
    for name in ("one", "two"):
        app = create_app(Settings(data_dir=tmp_path / name))
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
                assert (await client.get("/", headers=PAGE)).status_code == 200
        await asyncio.sleep(0)
