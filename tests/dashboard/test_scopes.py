"""Which pages a key opens, and which buttons it sees there."""

import httpx
import pytest

from steelyard.infra import keys
from steelyard.infra.settings import Settings
from steelyard.server.app import create_app

PAGE = {"Accept": "text/html"}


@pytest.fixture
async def log_in(tmp_path):
    """Opens a session for a key with the given scopes, as the login form does."""
    app = create_app(Settings(data_dir=tmp_path, development_key_enabled=False))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:

            async def enter(*scopes: str) -> httpx.AsyncClient:
                async with app.state.database.transaction() as session:
                    _, secret = await keys.create_key(session, name="page", scopes=list(scopes), tenant="default")
                await client.post("/login", data={"api_key": secret})
                return client

            yield enter


async def test_a_key_that_may_only_read_sees_no_button_that_writes(log_in):
    client = await log_in("models:read")
    for path, button in (("/models", "New model"), ("/books", "Rebalance book")):
        answer = await client.get(path, headers=PAGE)
        assert answer.status_code == 200
        assert button not in answer.text.replace(f"with {button}", "")


async def test_a_key_that_may_write_sees_them(log_in):
    client = await log_in("models:read", "models:write")
    for path, button in (("/models", "New model"), ("/books", "Rebalance book")):
        assert button in (await client.get(path, headers=PAGE)).text.replace(f"with {button}", "")


async def test_a_key_for_sweeps_opens_no_page_of_models(log_in):
    client = await log_in("sweeps:read", "sweeps:write")
    for path in ("/models", "/models/" + "0" * 24, "/books", "/books/book_1", "/books/book_1/blocks/csv"):
        assert (await client.get(path, headers=PAGE)).status_code == 403, path


async def test_what_is_not_there_is_a_404_in_the_words_of_the_api(log_in):
    client = await log_in("models:read")
    for path, said in (("/models/" + "0" * 24, "there is no model"), ("/books/book_1", "there is no rebalance batch")):
        answer = await client.get(path, headers=PAGE)
        assert answer.status_code == 404
        assert said in answer.text


async def test_a_key_that_may_only_read_proposals_makes_none(log_in):
    client = await log_in("proposals:read")
    answer = await client.get("/proposals", headers=PAGE)
    assert answer.status_code == 200
    assert "No proposal yet." in answer.text
    assert answer.text.count("New proposal") == 1  # in the sentence, not on a button


async def test_a_key_for_models_opens_no_page_of_proposals(log_in):
    client = await log_in("models:read", "rebalance:read")
    for path in ("/proposals", "/proposals/pp_1", "/proposals/pp_1/versions/1/files/pdf"):
        assert (await client.get(path, headers=PAGE)).status_code == 403, path


async def test_a_proposal_that_is_not_there_is_a_404_in_the_words_of_the_api(log_in):
    client = await log_in("proposals:read")
    for path in ("/proposals/pp_1", "/proposals/pp_1/versions/1/files/html"):
        answer = await client.get(path, headers=PAGE)
        assert (answer.status_code, "there is no proposal" in answer.text) == (404, True), path
