"""A start waits for its database, so long and no longer, and says what for."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from typing import Any

import pytest
from sqlalchemy import make_url

from steelyard.core.errors import UnavailableError
from steelyard.infra.database_wait import wait_for_database
from steelyard.infra.settings import Settings
from tests.api.processes import free_port
from tests.infra.test_logs_and_metrics import lines

__all__ = ["lines"]


def away(port: int, **settings: object) -> Settings:
    url = f"postgresql://desk:s3cret@127.0.0.1:{port}/steelyard"
    return Settings(database_url=url, **settings)  # type: ignore[arg-type]


async def test_an_embedded_database_is_there():
    await wait_for_database(Settings(database_start_wait_s=0))


async def test_a_database_that_stays_away_ends_the_start_with_where_and_why(lines):
    port = free_port()
    with pytest.raises(UnavailableError, match=f"127.0.0.1:{port}/steelyard.*refused.*0.3 s") as refused:
        await wait_for_database(away(port, database_start_wait_s=0.3))
    assert refused.value.code == "DATABASE_UNAVAILABLE"
    assert "s3cret" not in refused.value.message
    retries = [line for line in lines() if line["event"] == "retrying"]
    assert [line["attempt"] for line in retries] == list(range(1, len(retries) + 1))
    assert retries
    assert all(f"127.0.0.1:{port}/steelyard" in line["cause"] for line in retries)


async def test_a_server_that_never_speaks_counts_as_away(monkeypatch):
    monkeypatch.setattr("steelyard.infra.database_wait.ANSWER_S_MAX", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(UnavailableError, match=r"nothing came within 0\.1 s"):
            await wait_for_database(away(port, database_start_wait_s=0.2))


@pytest.mark.postgres
async def test_a_database_that_comes_up_late_is_waited_for(postgres_url):
    """A door in front of the server opens once somebody has knocked in vain."""
    url, port = make_url(postgres_url), free_port()
    waiting = asyncio.create_task(
        wait_for_database(
            Settings(
                database_url=url.set(host="127.0.0.1", port=port).render_as_string(hide_password=False),
                database_start_wait_s=30,
            )
        )
    )
    done, _ = await asyncio.wait([waiting], timeout=0.3)
    assert not done
    carried: list[asyncio.Task[Any] | None] = []

    async def carry(reader, writer):
        carried.append(asyncio.current_task())
        await _through(url.host, url.port or 5432, reader, writer)

    door = await asyncio.start_server(carry, "127.0.0.1", port)
    await asyncio.wait_for(waiting, 30)
    door.close()
    await asyncio.gather(*filter(None, carried))


async def _through(host, port, reader, writer):
    there_reader, there_writer = await asyncio.open_connection(host, port)
    with contextlib.suppress(ConnectionError):
        await asyncio.gather(_pipe(reader, there_writer), _pipe(there_reader, writer))


async def _pipe(reader, writer):
    while piece := await reader.read(65_536):
        writer.write(piece)
        await writer.drain()
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("db", "upgrade")])
def test_a_command_ends_with_the_cause_and_its_own_exit_code(command, tmp_path):
    """In a process of its own: a server that could not start must say why on one line."""
    environment = {
        **os.environ,
        "STEELYARD_DATABASE_URL": f"postgresql://desk:s3cret@127.0.0.1:{free_port()}/steelyard",
        "STEELYARD_DATABASE_START_WAIT_S": "0.1",
        "STEELYARD_DATA_DIR": str(tmp_path),
    }
    program = [sys.executable, "-m", "steelyard.cli", *command]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == UnavailableError.exit_status
    assert "error [DATABASE_UNAVAILABLE]: the database at 127.0.0.1" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert "s3cret" not in done.stderr
