"""A whole book: 100,000 portfolios of 100 positions, from the store to stored records and block orders.

The way a client's book runs: submitted, worked on as a durable job, stored; on SQLite and, where a
server lets us in, on PostgreSQL in a database of our own that is dropped again.  Each engine runs in
a process of its own, so that its peak memory is its own.  Making the holdings is not timed.

Gate after the timing: the blocks of the book are summed anew from the stored parts, allocations add
up, and a sample of portfolios is compared with one rebalance after the other.

    python benchmarks/book.py [--portfolios 100000] [--engine sqlite --engine postgresql]

Times of a portfolio are those of its part of 5,000, divided: the book works on parts.
The last line is JSON: for each engine seconds, portfolios_per_s, peak_rss_mb, us_p50, us_p99, us_max,
and cpu_s, what the process used of the cores: on a busy machine seconds say how busy it was.
"""

from __future__ import annotations

import resource
import time
from collections import Counter
from decimal import Decimal
from typing import Any

import numpy as np
import orjson
from sqlalchemy import insert, text

from on_engines import run_on_engines
from steelyard.core import clock
from steelyard.infra.database import Database
from steelyard.infra.jobs import JobStatus
from steelyard.infra.migrations import upgrade
from steelyard.infra.principal import Principal
from steelyard.infra.settings import Settings
from steelyard.models import book_service, book_store
from steelyard.models.built_in import AccountRow, Security, save_securities
from steelyard.models.document import Model, Position
from steelyard.models.options import RebalanceOptions
from steelyard.models.orders import Rebalance, rebalance_portfolios
from steelyard.models.sql_store import SqlModelStore
from steelyard.models.views import position_views
from steelyard.server.app import running

POSITIONS = 100
PORTFOLIOS_PER_MODEL = 50_000
ACCOUNTS_PER_INSERT = 500
SAMPLE = 200
DESK = Principal("default", "benchmark", frozenset({"models:read", "models:write"}))


def main() -> None:
    """On each engine."""
    run_on_engines(of="portfolios", default=100_000, description=__doc__, fill=fill, measure=measure)


async def fill(url: str, portfolios: int) -> None:
    """Securities, models and accounts, with seeds of their own."""
    rng = np.random.default_rng(20240607)
    database = Database(Settings(database_url=url))
    await upgrade(database)
    securities = [f"SEC{k:021d}" for k in range(2 * POSITIONS)]
    prices = {one: Decimal(int(rng.integers(500, 60_000))) / 100 for one in securities}
    async with database.transaction() as session:
        await save_securities(session, DESK, [Security(one, one, price) for one, price in prices.items()])
    store = SqlModelStore(database)
    for first in range(0, portfolios, PORTFOLIOS_PER_MODEL):
        ids = [f"portfolio-{n:07d}" for n in range(first, min(first + PORTFOLIOS_PER_MODEL, portfolios))]
        chosen = rng.choice(securities, POSITIONS, replace=False).tolist()
        targets = [Decimal("0.005") * int(part) for part in rng.integers(1, 3, POSITIONS)]
        positions = [
            Position(one, target, Decimal("0.005"), Decimal("0.003"))
            for one, target in zip(chosen, targets, strict=True)
        ]
        await store.create(DESK, Model(f"model {first}", tuple(positions), tuple(ids)))
        held = chosen[5:] + [one for one in securities if one not in chosen][:5]
        await _fill_accounts(database, rng, ids, held, prices)
    await database.dispose()


async def _fill_accounts(
    database: Database, rng: np.random.Generator, ids: list[str], held: list[str], prices: dict[str, Decimal]
) -> None:
    """Each holds what its model wants but for five securities, in amounts that have drifted."""
    price = np.array([float(prices[one]) for one in held])
    for start in range(0, len(ids), ACCOUNTS_PER_INSERT):
        some = ids[start : start + ACCOUNTS_PER_INSERT]
        value = 10 ** rng.uniform(4.8, 7, len(some))
        units = (value[:, None] / POSITIONS * rng.uniform(0.5, 1.5, (len(some), POSITIONS)) / price).astype(np.int64)
        rows = [
            {
                "tenant": DESK.tenant,
                "portfolio_id": portfolio_id,
                "name": None,
                "cash": Decimal(int(worth * rng.uniform(0, 10))) / 100,
                "holdings": orjson.dumps(dict(zip(held, map(str, row.tolist()), strict=True))).decode(),
                "updated_at": clock.now(),
            }
            for portfolio_id, worth, row in zip(some, value, units, strict=True)
        ]
        async with database.transaction() as session:
            await session.execute(insert(AccountRow), rows)


async def measure(url: str, portfolios: int) -> dict[str, float]:
    """Submit the book, wait for its end, then check it."""
    async with running(Settings(database_url=url)) as parts:
        started, cpu_before = time.perf_counter(), _cpu_s()
        plan = await book_service.plan_of(parts.models, DESK.tenant, None, None, lambda _: RebalanceOptions())
        async with parts.database.transaction() as session:
            job = await book_service.submit_book(session, parts.jobs, DESK, plan)
        reported = [event.at async for event in parts.jobs.watch(job.id)]
        seconds = time.perf_counter() - started
        cpu_s = _cpu_s() - cpu_before
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        async with parts.database.reading() as session:
            status = await book_service.get_book(session, parts.jobs, DESK.tenant, job.id)
            size = await _stored_mb(session)
        assert status.job.status is JobStatus.COMPLETED, status.job
        assert status.counts.rebalanced + status.counts.failed == portfolios, status.counts
        await check(parts.database, parts.models.providers, status)
    begun = status.job.started_at or status.job.created_at
    part_s = np.diff([moment.timestamp() for moment in [begun, *reported[: len(plan.parts)]]])
    parts_us = part_s / np.diff([*(one.first for one in plan.parts), portfolios]) * 1e6
    return {
        "seconds": round(seconds, 2),
        "cpu_s": round(cpu_s, 2),
        "portfolios_per_s": round(portfolios / seconds),
        "peak_rss_mb": round(peak_mb),
        "us_p50": round(float(np.percentile(parts_us, 50)), 1),
        "us_p99": round(float(np.percentile(parts_us, 99)), 1),
        "us_max": round(float(parts_us.max()), 1),
        "rebalanced": status.counts.rebalanced,
        "failed": status.counts.failed,
        "blocks": (status.job.result_data or {})["blocks"],
        **size,
    }


async def check(database: Database, providers: Any, status: book_service.BookStatus) -> None:
    """Blocks against the stored parts, and a sample of portfolios against rebalances of their own."""
    book = status.book
    async with database.reading() as session:
        numbers, _ = await book_store.part_numbers(session, book.book_id)
        wanted: Counter[tuple[str, str]] = Counter()
        for number in numbers:
            _, prices, columns = await book_store.read_columns(session, book.book_id, number)
            securities = list(prices)
            for side, sign in (("BUY", 1), ("SELL", -1)):
                units = np.maximum(sign * columns.change, 0)
                summed = np.zeros(len(securities), np.int64)
                np.add.at(summed, columns.security, units)
                wanted.update({(side, one): int(n) for one, n in zip(securities, summed, strict=True) if n})
        heads = await book_store.list_blocks(session, book.book_id)
        assert {(head.side.value, head.security_id): head.quantity for head in heads} == wanted
        allocated = 0
        for head in heads:
            rows = await book_store.read_block(session, book.book_id, head.side, head.security_id)
            assert rows is not None
            assert int(rows.asked.sum()) == head.quantity
            allocated += len(rows.asked)
        part = await book_store.read_part(session, book.book_id, numbers[-1])
    found = await providers.portfolios.portfolios(DESK.tenant, part.portfolio_ids[:SAMPLE])
    held = {one for portfolio in found.values() for one in portfolio.holdings}
    model = book.models[part.model]
    prices = await providers.prices.prices(DESK.tenant, held | {one.security_id for one in model.positions})
    for answer in rebalance_portfolios(model, list(found.values()), prices, trade_date=book.trade_date):
        async with database.reading() as session:
            stored = await book_service.portfolio_of_book(session, book, answer.portfolio_id)
        expected = position_views(answer) if isinstance(answer, Rebalance) else ()
        assert stored.positions == expected, answer.portfolio_id
    print(f"gate: {len(heads)} blocks, {allocated:,} allocations add up; {SAMPLE} portfolios as one by one")


async def _stored_mb(session: Any) -> dict[str, float]:
    """What the book takes in the database, in compressed columns and in all."""
    columns = await session.scalar(text("SELECT SUM(LENGTH(columns)) FROM book_parts_done"))
    blocks = await session.scalar(text("SELECT SUM(LENGTH(allocations)) FROM book_blocks"))
    return {"columns_mb": round(float(columns) / 1e6, 1), "allocations_mb": round(float(blocks) / 1e6, 1)}


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
