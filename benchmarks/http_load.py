"""Load on a real server: requests over kept connections, and the processor time that they cost it.

Not a benchmark by itself; `dpm_simulate.py` and `proposals.py` use it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 32
START_S_MAX = 90
_BUFFER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Server:
    """A running server process."""

    port: int
    pid: int

    def cpu_s(self) -> float:
        """Processor time used so far, of all its threads; wall time where the system does not say."""
        stat = Path(f"/proc/{self.pid}/stat")
        if not stat.exists():
            return time.perf_counter()
        fields = stat.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """A server on a free port with fresh data, ended at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "steelyard.cli", "serve", "--port", str(port), "--data-dir", folder]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                _wait_until_up(port)
                yield Server(port, process.pid)
            finally:
                process.terminate()
                process.wait()


def simulations_per_s(server: Server, body: bytes, count: int) -> tuple[float, float]:
    """How many simulations of ``body``, each recorded under a key of its own, per second: (of processor, of wall)."""
    asyncio.run(_send(server.port, body, 2 * CONNECTIONS))
    cpu_s, wall_s = server.cpu_s(), time.perf_counter()
    asyncio.run(_send(server.port, body, count))
    return count / (server.cpu_s() - cpu_s), count / (time.perf_counter() - wall_s)


def latencies_ms(server: Server, path: str, body: bytes, *, clients: int, per_client: int) -> list[float]:
    """How long each POST of ``body`` to ``path`` took, each under a key of its own: ``clients`` at once, no pauses."""

    async def load() -> list[float]:
        found = [_client(server.port, path, body, per_client) for _ in range(clients)]
        return [one for latencies in await asyncio.gather(*found) for one in latencies]

    return asyncio.run(load())


async def _send(port: int, body: bytes, count: int) -> None:
    path = "/rebalance/simulate"
    await asyncio.gather(*[_client(port, path, body, count // CONNECTIONS) for _ in range(CONNECTIONS)])


async def _client(port: int, path: str, body: bytes, count: int) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=_BUFFER_BYTES)
    latencies = []
    for _ in range(count):
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Idempotency-Key: {secrets.token_hex(16)}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        began = time.perf_counter()
        writer.write(head.encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert answer.startswith(b"http/1.1 200 "), answer
        length = next(line for line in answer.split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.split(b":")[1]))
        latencies.append(1_000 * (time.perf_counter() - began))
    writer.close()
    await writer.wait_closed()
    return latencies


def _wait_until_up(port: int) -> None:
    give_up = time.monotonic() + START_S_MAX
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5).close()
        except OSError:
            assert time.monotonic() < give_up, "the server did not start"
            time.sleep(0.1)
        else:
            return
