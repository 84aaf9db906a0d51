"""A real server on a free port, with its own data folder: what a client would meet."""

import asyncio
import contextlib
import socket
import threading
import time

import httpx
import pytest
import uvicorn

from steelyard.infra.database import Database
from steelyard.infra.keys import DEVELOPMENT_KEY, create_key
from steelyard.infra.settings import read_settings, use_settings
from steelyard.server.app import create_app

START_SECONDS_MAX = 30


@contextlib.contextmanager
def serving(**settings):
    """The address of a server that runs inside the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = create_app(read_settings(port=port, **settings))
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, timeout_graceful_shutdown=2))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        give_up = time.monotonic() + START_SECONDS_MAX
        while not server.started:
            assert thread.is_alive(), "the server ended while it started"
            assert time.monotonic() < give_up, "the server did not start"
            thread.join(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
        use_settings(None)


@pytest.fixture(scope="module")
def base_url(tmp_path_factory):
    with serving(data_dir=tmp_path_factory.mktemp("data")) as address:
        yield address


@pytest.fixture
def client(base_url):
    with httpx.Client(base_url=base_url, headers={"X-API-Key": DEVELOPMENT_KEY}, timeout=30) as client:
        yield client


@pytest.fixture
def anonymous(base_url):
    with httpx.Client(base_url=base_url, timeout=30) as client:
        yield client


def key_of(tenant, *scopes, **settings):
    """A key with these scopes, or every one, for a tenant of a server with these settings."""

    async def make():
        database = Database(read_settings(**settings))
        async with database.transaction() as session:
            _, secret = await create_key(session, name="stranger", scopes=list(scopes) or ["admin"], tenant=tenant)
        await database.dispose()
        return secret

    return asyncio.run(make())


def eventually(look, *, seconds=30):
    """What ``look()`` returns once it is true."""
    give_up = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < give_up, "it never came true"
        time.sleep(0.02)
    return found
