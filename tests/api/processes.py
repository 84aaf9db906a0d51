"""A real server as a process of its own, for what needs its own environment or has to be killed."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

START_SECONDS_MAX = 60


@dataclass
class Server:
    """A running server."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextlib.contextmanager
def server_process(data_dir: Path, environment: Mapping[str, str]) -> Iterator[Server]:
    """A server with these variables, on a free port and its own data; killed at the end."""
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DPM_", "PROPOSAL_"))}
    log = data_dir / "server.log"
    command = [sys.executable, "-m", "steelyard.cli", "serve", "--port", str(port), "--data-dir", str(data_dir)]
    with log.open("ab") as output:
        process = subprocess.Popen(command, env={**kept, **environment}, stdout=output, stderr=output)
    try:
        _wait_until_ready(f"http://127.0.0.1:{port}", process, log)
        yield Server(f"http://127.0.0.1:{port}", process, log)
    finally:
        process.kill()
        process.wait()


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + START_SECONDS_MAX
    while True:
        assert process.poll() is None, f"the server ended while it started:\n{log.read_text()[-2000:]}"
        assert time.monotonic() < give_up, "the server did not start"
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/health/ready", timeout=5).status_code == 200:
                return
        time.sleep(0.05)
