"""Rebalance of one model over HTTP: 50 portfolios of 100 positions, each upstream call answered after 5 ms.

Two real processes on loopback: our server, and one that plays the four upstream services and counts
what it is asked.  The first rebalance after a start asks for every ticker and name; later ones
remember them, and ask for holdings and prices each time.  Gate: every portfolio gets orders, and
all answers are the same.

    python benchmarks/rebalance_http.py [--rounds 7]

The last line is JSON: cold_seconds, warm_seconds, cold_calls, warm_calls, portfolios_failed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

PORTFOLIOS, POSITIONS, DELAY_S = 50, 100, 0.005
SECURITIES = [f"SEC{number:021d}" for number in range(POSITIONS)]
VARIABLES = ("PORTFOLIO_ACCOUNTING_URL", "PRICING_URL", "SECURITY_URL", "PORTFOLIO_URL")
START_SECONDS_MAX = 60


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--mocks-at", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.mocks_at is not None:
        serve_mocks(options.mocks_at)
        return
    with servers() as (ours, mocks), httpx.Client(timeout=60) as client:
        model_id = create_model(client, ours)
        timings = [measure(client, ours, mocks, model_id) for _ in range(1 + options.rounds)]
    answers = {json.dumps(without_ids(answer)) for _, _, answer in timings}
    assert len(answers) == 1, "the rounds gave different orders"
    failed = sum("error" in result for result in timings[0][2])
    assert not failed, "a portfolio failed"
    (cold_s, cold_calls, answer), warm = timings[0], timings[1:]
    warm_s = statistics.median(seconds for seconds, _, _ in warm)
    warm_calls = max(calls for _, calls, _ in warm)
    orders = sum(len(result["transactions"]) for result in answer)
    print(f"{PORTFOLIOS} portfolios x {POSITIONS} positions, {orders} orders, {1000 * DELAY_S:g} ms per upstream call")
    print(f"{'':24}{'seconds':>10}{'calls':>8}")
    print(f"{'first after a start':24}{cold_s:>10.3f}{cold_calls:>8}")
    print(f"{'later, median':24}{warm_s:>10.3f}{warm_calls:>8}")
    print(f"one call after the other would wait {cold_calls * DELAY_S:.2f} s for the first")
    figures = {"cold_seconds": round(cold_s, 3), "warm_seconds": round(warm_s, 3)}
    print(json.dumps(figures | {"cold_calls": cold_calls, "warm_calls": warm_calls, "portfolios_failed": failed}))


def measure(client: httpx.Client, ours: str, mocks: str, model_id: str) -> tuple[float, int, list[dict[str, Any]]]:
    """Seconds and upstream calls of one rebalance, and its answer."""
    client.delete(f"{mocks}/calls")
    started = time.perf_counter()
    answer = client.post(f"{ours}/api/v1/model/{model_id}/rebalance")
    seconds = time.perf_counter() - started
    answer.raise_for_status()
    return seconds, client.get(f"{mocks}/calls").json(), answer.json()


def create_model(client: httpx.Client, ours: str) -> str:
    """A model of 100 equal positions that 50 portfolios follow; its id."""
    numbers = {"target": "0.005", "highDrift": "0.004", "lowDrift": "0.004"}
    body = {
        "name": "benchmark",
        "positions": [{"securityId": security_id, **numbers} for security_id in SECURITIES],
        "portfolios": [f"P{number}" for number in range(PORTFOLIOS)],
    }
    answer = client.post(f"{ours}/api/v1/models", json=body)
    answer.raise_for_status()
    return str(answer.json()["modelId"])


def without_ids(answer: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The answer without what is new each time."""
    return [{name: value for name, value in result.items() if name != "rebalanceId"} for result in answer]


@contextlib.contextmanager
def servers() -> Iterator[tuple[str, str]]:
    """Addresses of our server and of the mocks, each a process of its own."""
    ours, mocks = free_port(), free_port()
    address = f"http://127.0.0.1:{mocks}"
    environment = {**os.environ, **dict.fromkeys(VARIABLES, address)}
    serve = [str(Path(sys.executable).with_name("steelyard")), "serve", "--port", str(ours)]
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("wb") as log:
        commands = [[sys.executable, __file__, "--mocks-at", str(mocks)], [*serve, "--data-dir", folder]]
        running = [subprocess.Popen(command, env=environment, stderr=log) for command in commands]
        try:
            for url in (f"{address}/calls", f"http://127.0.0.1:{ours}/health/live"):
                wait_for(url)
            yield f"http://127.0.0.1:{ours}", address
        finally:
            for process in running:
                process.terminate()
                process.wait(30)


def serve_mocks(port: int) -> None:
    """Play the upstream services: plain ASGI, so that the delay and not the framework is measured."""
    import uvicorn

    calls = 0

    async def app(scope: Any, _receive: Any, send: Any) -> None:
        nonlocal calls
        parts = scope["path"].strip("/").split("/")
        if parts == ["calls"]:
            content: Any = calls
            calls = 0 if scope["method"] == "DELETE" else calls
        else:
            calls += 1
            await asyncio.sleep(DELAY_S)
            content = upstream_answer(parts)
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(content).encode()})

    uvicorn.run(app, port=port, log_level="warning", lifespan="off")


def upstream_answer(parts: list[str]) -> Any:
    """What the service of that path says."""
    match parts:
        case ["api", "v1", "portfolios", portfolio, "summary"]:
            number = int(portfolio.removeprefix("P"))
            held = [(security_id, (7 * number + 3 * place) % 20) for place, security_id in enumerate(SECURITIES)]
            securities = [{"securityId": security_id, "netQuantity": quantity} for security_id, quantity in held]
            return {"portfolioId": portfolio, "cashBalance": "1000000.25", "securities": securities}
        case ["api", "v1", "prices"]:
            return [{"ticker": f"T{place}", "close": 20 + place / 4} for place in range(POSITIONS)]
        case ["api", "v1", "security", security_id]:
            return {"securityId": security_id, "ticker": f"T{int(security_id.removeprefix('SEC'))}"}
        case _:
            return {"portfolioId": parts[-1], "name": f"Portfolio {parts[-1]}"}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_for(url: str) -> None:
    """Wait until somebody answers there."""
    give_up = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < give_up:
        with contextlib.suppress(httpx.HTTPError):
            httpx.get(url)
            return
        time.sleep(0.05)
    sys.exit(f"nobody answers at {url}")


if __name__ == "__main__":
    main()
