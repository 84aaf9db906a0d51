"""A whole DPM book: 10,000 accounts of 100 positions, from the store to stored results and block orders.

The way a client's book runs: its portfolios are stored snapshots, it is submitted over the same path
as over HTTP, worked on as a durable job in as many processes as there are cores, and stored; on SQLite
and, where a server lets us in, on PostgreSQL in a database of our own that is dropped again.  Each
engine runs in a process of its own, so that its peak memory is its own.  Storing the snapshots is not
timed; reading the body and queueing the book is timed by itself.

Gate before the figures count: a sample of accounts is compared, byte for byte, with one rebalance
after the other by the engine, and the blocks are added up anew from the results of all accounts of
the sample's book.

    python benchmarks/dpm_book.py [--accounts 10000] [--engine sqlite --engine postgresql]

The last line is JSON: for each engine submit_s, seconds, accounts_per_s, peak_mb (of this process and
its helpers), stored_kb_per_account, cpu_s, what all processes used of the cores (on a busy machine
seconds say how busy it was), and cpu_here_s, what of that this process used by itself.
"""

from __future__ import annotations

import json
import os
import random
import resource
import threading
import time
from collections import defaultdict
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from on_engines import run_on_engines
from steelyard.infra.database import Database
from steelyard.infra.jobs import JobStatus
from steelyard.infra.migrations import upgrade
from steelyard.infra.principal import Principal
from steelyard.infra.settings import Settings
from steelyard.rebalance import book_service, book_store
from steelyard.rebalance.book_tables import DpmBookResultsRow
from steelyard.rebalance.engine import RunIdentity, rebalance
from steelyard.rebalance.result import SecurityTrade
from steelyard.rebalance.run_ids import derived_run_id
from steelyard.rebalance.snapshots import put_snapshots
from steelyard.rebalance.values import PortfolioSnapshot
from steelyard.rebalance.wire import read_request, request_hash
from steelyard.server.parts import running

POSITIONS = 100
INSTRUMENTS = 150
MODELS = 4
SAMPLE = 40
SNAPSHOTS_PER_TRANSACTION = 500
CORRELATION = "benchmark"
DESK = Principal("default", "benchmark", frozenset({"rebalance:read", "rebalance:write"}))
Json = dict[str, Any]


def main() -> None:
    """On each engine."""
    run_on_engines(of="accounts", default=10_000, description=__doc__, fill=fill, measure=measure)


def shared_body() -> Json:
    """Prices in three currencies, a shelf with sectors, four models and no options."""
    dice = random.Random(7)
    names = _names()
    currencies = {name: ("CHF", "USD", "EUR")[place % 3] for place, name in enumerate(names)}
    models = {}
    for number in range(MODELS):
        chosen = dice.sample(names, POSITIONS)
        raw = [dice.uniform(0.5, 2.5) for _ in chosen]
        targets = [
            {"instrument_id": name, "weight": f"{0.97 * weight / sum(raw):.6f}"}
            for name, weight in zip(chosen, raw, strict=True)
        ]
        models[f"model-{number}"] = {"targets": targets}
    return {
        "market_data_snapshot": {
            "prices": [
                {
                    "instrument_id": name,
                    "price": f"{dice.randrange(500, 30_000) / 100:.2f}",
                    "currency": currencies[name],
                }
                for name in names
            ],
            "fx_rates": [{"pair": "USD/CHF", "rate": "0.8842"}, {"pair": "EUR/CHF", "rate": "0.9377"}],
        },
        "shelf_entries": [
            {
                "instrument_id": name,
                "status": "APPROVED",
                "asset_class": dice.choice(["EQUITY", "FIXED_INCOME", "FUND"]),
                "attributes": {"sector": dice.choice(["TECH", "HEALTH", "ENERGY"])},
            }
            for name in names
        ],
        "models": models,
        "options": {},
    }


def snapshot(number: int) -> Json:
    """A portfolio of 100 positions in amounts of its own."""
    dice = random.Random(number)
    return {
        "portfolio_id": f"pf-{number:06d}",
        "base_currency": "CHF",
        "positions": [
            {"instrument_id": name, "quantity": str(dice.randrange(1, 900))}
            for name in dice.sample(_names(), POSITIONS)
        ],
        "cash_balances": [
            {"currency": "CHF", "amount": f"{dice.randrange(100_000, 40_000_000) / 100:.2f}"},
            {"currency": "USD", "amount": f"{dice.randrange(0, 1_000_000) / 100:.2f}"},
        ],
    }


def model_of(number: int) -> str:
    """The model of a portfolio."""
    return f"model-{number % MODELS}"


def _names() -> list[str]:
    return [f"XS{place:010d}" for place in range(INSTRUMENTS)]


async def fill(url: str, accounts: int) -> None:
    """Store a snapshot for each account."""
    database = Database(Settings(database_url=url))
    await upgrade(database)
    for first in range(0, accounts, SNAPSHOTS_PER_TRANSACTION):
        numbers = range(first, min(first + SNAPSHOTS_PER_TRANSACTION, accounts))
        async with database.transaction() as session:
            await put_snapshots(session, DESK.tenant, {f"pf-{n:06d}": _typed(n) for n in numbers})
    await database.dispose()


def _typed(number: int) -> PortfolioSnapshot:
    return read_request(json.dumps(single(number, shared_body_once())).encode()).portfolio_snapshot


_shared: Json = {}


def shared_body_once() -> Json:
    """As :func:`shared_body`, made once."""
    if not _shared:
        _shared.update(shared_body())
    return _shared


def single(number: int, shared: Json) -> Json:
    """The request of an account by itself."""
    return {
        "portfolio_snapshot": snapshot(number),
        "market_data_snapshot": shared["market_data_snapshot"],
        "model_portfolio": shared["models"][model_of(number)],
        "shelf_entries": shared["shelf_entries"],
        "options": shared["options"],
    }


async def measure(url: str, accounts: int) -> dict[str, float]:
    """Submit, wait, check; the figures."""
    portfolios = [{"snapshot_name": f"pf-{n:06d}", "model": model_of(n)} for n in range(accounts)]
    body = json.dumps({**shared_body(), "portfolios": portfolios}).encode()
    peak = _Peak()
    async with running(Settings(database_url=url)) as parts:
        started = time.perf_counter()
        submission = book_service.read_submission(body, None, CORRELATION)
        async with parts.database.transaction() as session:
            status = await book_service.submit_book(session, parts.jobs, DESK, submission)
        submitted, cpu_s, here_s = time.perf_counter(), _cpu_s(), time.process_time()
        async for _ in parts.jobs.watch(status.book.book_id):
            pass
        seconds = time.perf_counter() - submitted
        figures = {
            "submit_s": round(submitted - started, 2),
            "seconds": round(seconds, 2),
            "accounts_per_s": round(accounts / seconds),
            "cpu_s": round(_cpu_s() - cpu_s, 2),
            "cpu_here_s": round(time.process_time() - here_s, 2),
            "peak_mb": round(peak.end()),
        }
        await check(parts.database, parts.jobs, status.book.book_id, accounts)
        async with parts.database.reading() as session:
            stored = await session.scalar(select(func.sum(func.length(DpmBookResultsRow.results))))
        figures["stored_kb_per_account"] = round((stored or 0) / accounts / 1000, 1)
    return figures


async def check(database: Database, jobs: Any, book_id: str, accounts: int) -> None:
    """Compare a sample with the engine one by one, and the blocks with all results."""
    async with database.reading() as session:
        status = await book_service.get_book(session, jobs, DESK.tenant, book_id)
        assert status.job.status is JobStatus.COMPLETED, status.job
        assert status.counts["READY"] > accounts // 2, status.counts
        blocks = await book_service.require_blocks(session, status)
    numbers = sorted(random.Random(1).sample(range(accounts), min(SAMPLE, accounts)))
    traded: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for number in numbers:
        request = read_request(json.dumps(single(number, shared_body_once())).encode())
        hashed = request_hash(request)
        alone = rebalance(request, RunIdentity(derived_run_id(hashed), CORRELATION, hashed))
        async with database.reading() as session:
            stored = await book_service.get_result(session, book_id, f"pf-{number:06d}")
        assert stored == alone.to_bytes(), number
        for intent in alone.intents:
            if isinstance(intent, SecurityTrade) and alone.status == "READY":
                traded[intent.instrument_id, intent.side, f"pf-{number:06d}"] += intent.quantity
    for block in blocks:
        async with database.reading() as session:
            whole = await book_store.find_block(session, book_id, block.side, block.instrument_id)
        assert whole is not None
        shares = whole.shares()
        assert (sum(one.quantity for one in shares), len(shares)) == (block.quantity, block.account_count)
        for one in shares:
            expected = traded.pop((block.instrument_id, block.side, one.portfolio_id), None)
            assert expected in (None, one.quantity), (block, one)
    assert not traded, "orders of the sample are in no block"


class _Peak:
    """The most memory that this process and its children held together, looked at ten times a second."""

    def __init__(self) -> None:
        self._most = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def end(self) -> float:
        """In megabytes."""
        self._stop.set()
        self._thread.join()
        return self._most

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            self._most = max(self._most, sum(map(_rss_mb, [os.getpid(), *_children()])))


def _children() -> list[int]:
    found = []
    for path in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):  # the thread has ended
            found += map(int, path.read_text().split())
    return found


def _rss_mb(process: int) -> float:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith("VmRSS")), 0)


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    main()
