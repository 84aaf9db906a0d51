"""The dependencies of every endpoint, in a real application."""

from typing import Annotated

import httpx
import pytest
from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse

from steelyard.core.errors import SteelyardError
from steelyard.infra.auth import Authenticator
from steelyard.infra.database import Database
from steelyard.infra.keys import DEVELOPMENT_KEY, create_key, list_keys
from steelyard.infra.principal import Principal
from steelyard.infra.sessions import COOKIE, open_session
from steelyard.infra.settings import Settings
from steelyard.infra.web import Session, require


def application(database: Database) -> FastAPI:
    app = FastAPI()
    app.state.database = database
    app.state.authenticator = Authenticator(Settings(), database)

    @app.get("/keys")
    async def keys(session: Session, who: Annotated[Principal, Depends(require("admin"))]) -> list[str]:
        return [key.name for key in await list_keys(session, tenant=who.tenant)]

    @app.post("/keys")
    async def create(session: Session, name: str, fail: bool = False) -> None:
        await create_key(session, name=name, scopes=["admin"])
        if fail:
            raise SteelyardError("no")

    @app.exception_handler(SteelyardError)
    def refuse(_: Request, error: SteelyardError) -> JSONResponse:
        return JSONResponse({"code": error.code}, error.http_status)

    return app


@pytest.fixture
async def client(database: Database):
    transport = httpx.ASGITransport(application(database))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def test_what_a_request_wrote_is_there_for_the_next_and_a_failed_one_wrote_nothing(client):
    assert (await client.post("/keys", params={"name": "kept"})).status_code == 200
    assert (await client.post("/keys", params={"name": "lost", "fail": True})).status_code == 500
    assert (await client.get("/keys", headers={"X-API-Key": DEVELOPMENT_KEY})).json() == ["kept"]


async def test_it_is_401_without_a_credential_and_403_without_the_scope(client, database: Database):
    async with database.transaction() as session:
        _, narrow = await create_key(session, name="narrow", scopes=["data:read"])
        session_id = await open_session(session, Principal("t", "s", frozenset({"admin"})), lifetime_hours=1)
    assert (await client.get("/keys")).status_code == 401
    assert (await client.get("/keys", headers={"X-API-Key": ""})).status_code == 401
    assert (await client.get("/keys", headers={"X-API-Key": narrow})).json() == {"code": "SCOPE_MISSING"}
    assert (await client.get("/keys", headers={"Authorization": f"bearer {DEVELOPMENT_KEY}"})).status_code == 200
    assert (await client.get("/keys", headers={"Cookie": f"{COOKIE}={session_id}"})).json() == []
