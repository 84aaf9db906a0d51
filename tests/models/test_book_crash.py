"""kill -9 in the middle of a book: no portfolio is lost, none is done twice, and all go by the same prices."""

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import func, select

from steelyard.infra.jobs import Jobs, JobStatus
from steelyard.models import book_service
from steelyard.models.blocks import block_orders
from steelyard.models.book_job import BOOK
from steelyard.models.book_plan import plan_book
from steelyard.models.book_tables import BookPortfolioRow
from steelyard.models.built_in import Account, Security, save_accounts, save_securities
from steelyard.models.orders import Rebalance, rebalance_portfolios
from steelyard.models.sql_store import SqlModelStore
from steelyard.models.valuation import Portfolio
from steelyard.models.views import position_views
from tests.models.book_worker import settings_for
from tests.models.domain import TODAY, model, position, prices, security
from tests.models.stores import ACME

ROOT = Path(__file__).parents[2]
PORTFOLIOS, PART = 14, 3
PRICES = prices(A="33.37", B="101.5", X="5.25")


def run_worker(task, ticks):
    """Let a worker die at that tick; whether it finished before."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.models.book_worker", json.dumps({**task, "ticks": ticks})],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode in (0, -9), done.stderr
    assert "finished" in done.stdout or done.returncode, (done.stdout, done.stderr)
    return done.returncode == 0


async def fill(database):
    """A model, its portfolios and prices; the model and the portfolios."""
    ids = tuple(f"p{n:02}" for n in range(PORTFOLIOS))
    held = [{"A": n, "B": "0.5" if n % 4 == 0 else n % 3, "X": 2 * n} for n in range(PORTFOLIOS)]
    portfolios = [
        Portfolio(one, Decimal(900 * n - 50), {security(name): Decimal(units) for name, units in row.items()})
        for n, (one, row) in enumerate(zip(ids, held, strict=True))
    ]
    async with database.transaction() as session:
        await save_accounts(session, ACME, [Account(one) for one in portfolios])
        await save_securities(session, ACME, [Security(one, one, price) for one, price in PRICES.items()])
    targets = (position("A", "0.30", "0.1", "0.1"), position("B", "0.25", "0.2", "0.2"))
    return await SqlModelStore(database).create(ACME, model(*targets, portfolios=ids)), portfolios


async def make_dearer(database):
    async with database.transaction() as session:
        await save_securities(session, ACME, [Security(one, one, 2 * price) for one, price in PRICES.items()])


@pytest.mark.parametrize("deaths", [(4, 5, 9, 17), (1, 2, 3, 7, 12)], ids=str)
async def test_wherever_its_workers_die_a_book_ends_as_if_none_had(database, tmp_path, deaths):
    one_model, portfolios = await fill(database)
    jobs = Jobs(settings_for(database.url), database)
    jobs.register(BOOK, lambda *_: {})
    plan = plan_book([one_model], TODAY, part_portfolios=PART)
    async with database.transaction() as session:
        job = await book_service.submit_book(session, jobs, ACME, plan)
    trace = tmp_path / "trace"
    task = {"url": database.url, "book_id": job.id, "trace": str(trace)}
    done_before = 0
    for ticks in (*deaths, 0):
        trace.write_text("")
        finished = await asyncio.to_thread(run_worker, task, ticks)
        assert finished == (ticks == 0)
        read = trace.read_text().split()
        async with database.reading() as session:
            status = await book_service.get_book(session, jobs, ACME.tenant, job.id)
        done = status.counts.rebalanced + status.counts.failed
        assert Counter(read) == Counter(read[:1] and [f"p{n:02}" for n in range(done_before, done_before + len(read))])
        assert done >= done_before
        done_before = done
        if done:  # the prices of a book stay what they were when it was begun
            await make_dearer(database)
    assert status.job.status is JobStatus.COMPLETED
    await check(database, status, one_model, portfolios)


async def check(database, status, one_model, portfolios):
    answers = rebalance_portfolios(one_model, portfolios, PRICES, trade_date=TODAY)
    async with database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(BookPortfolioRow)) == PORTFOLIOS
        for answer in answers:
            found = await book_service.portfolio_of_book(session, status.book, answer.portfolio_id)
            expected = position_views(answer) if isinstance(answer, Rebalance) else ()
            assert found.positions == expected
        heads = await book_service.require_blocks(session, status)
    blocks = [one async for one in book_service.each_block(database, status.book.book_id, heads)]
    assert tuple(blocks) == block_orders(one for one in answers if isinstance(one, Rebalance))
    marked = await SqlModelStore(database).find(ACME.tenant, one_model.model_id)
    assert marked is not None
    assert marked.last_rebalance_date == status.book.created_at
