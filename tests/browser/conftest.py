"""A real server on a free port and the system's Chromium."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, sync_playwright

from steelyard.infra.keys import DEVELOPMENT_KEY

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
ARGUMENTS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
START_S_MAX = 60


@dataclass(frozen=True)
class Server:
    """A running server and its folder."""

    url: str
    data_dir: Path

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Ask its API, as the development principal; what it answers."""
        headers = {"X-API-Key": DEVELOPMENT_KEY, "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.loads(response.read())

    def sweep(self, **changes: object) -> str:
        """Run a sweep to its end; the id of the run."""
        body = {"ticker": "AAPL", "fast_range": [5, 25], "slow_range": [30, 60], "step": 5, "min_trades": 10, **changes}
        job_id = self.call("POST", "/api/v1/strategy/sweep", body)["job_id"]
        until(lambda: self.call("GET", f"/api/v1/jobs/{job_id}")["status"] == "completed")
        run_id: str = self.call("GET", f"/api/v1/jobs/{job_id}")["sweep_run_id"]
        return run_id


def until(holds: Callable[[], bool]) -> None:
    """Wait for something that happens elsewhere."""
    end = time.monotonic() + START_S_MAX
    while not holds():
        assert time.monotonic() < end, "nothing came of it in time"
        time.sleep(0.05)


def start(data_dir: Path, **environment: str) -> tuple[subprocess.Popen[bytes], Server]:
    """A server process of its own and where it listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "STEELYARD"))}
    command = [sys.executable, "-m", "steelyard.cli", "serve", "--port", str(port), "--data-dir", str(data_dir)]
    process = subprocess.Popen(command, env={**inherited, **environment}, stderr=subprocess.STDOUT)
    server = Server(f"http://127.0.0.1:{port}", data_dir)

    def answers() -> bool:
        assert process.poll() is None, "the server ended"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    until(answers)
    return process, server


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[Server]:
    """As `steelyard serve` starts it: embedded, on loopback."""
    process, server = start(tmp_path_factory.mktemp("data"))
    yield server
    process.terminate()
    process.wait(20)


@pytest.fixture(scope="session")
def closed_server(tmp_path_factory) -> Iterator[Server]:
    """The same, but without the development key: everybody has to log in."""
    process, server = start(tmp_path_factory.mktemp("closed"), STEELYARD_DEVELOPMENT_KEY_ENABLED="false")
    yield server
    process.terminate()
    process.wait(20)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, headless.  While it is there its event loop runs in this thread, so no asynchronous test can."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: apt install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(params=[(1300, 900)])
def page(request, browser: Browser) -> Iterator[Page]:
    """A window that fails its test if the page complains, asks in vain, or asks anyone but the server."""
    width, height = request.param
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme="light")
    page = context.new_page()
    complaints: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(f"{message.type}: {message.text}")

    def on_request(asked: Request) -> None:
        if not asked.url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")):
            complaints.append(f"asked {asked.url}")

    def on_response(response: Response) -> None:
        is_page = response.request.is_navigation_request()  # a page may say that something is not there
        if response.status >= 500 or (response.status >= 400 and not is_page):
            complaints.append(f"{response.status} {response.url}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", on_request)
    page.on("response", on_response)
    page.set_default_timeout(20_000)
    yield page
    context.close()
    assert [text for text in complaints if "status of 404" not in text] == []  # assets that miss are told by their URL
