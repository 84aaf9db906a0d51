"""`steelyard serve` and `steelyard demo`."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from steelyard.core.errors import SteelyardError
from steelyard.infra.settings import Settings, read_settings

Host = Annotated[str | None, typer.Option(help="Address to listen on; anything but loopback needs credentials.")]
Port = Annotated[int | None, typer.Option(help="Port to listen on.")]
DataDir = Annotated[Path | None, typer.Option(help="Folder of the price store and the embedded database.")]

_ROWS_SHOWN = 5
_OBJECTS_PER_COLLECTION = 20_000
DEMO_SWEEP = {"ticker": "AAPL", "fast_range": [5, 100], "slow_range": [20, 300], "step": 5, "min_trades": 20}


def serve(
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    role: Annotated[str | None, typer.Option(help="all, api, worker or dashboard.")] = None,
) -> None:
    """Start the server: API, dashboard and worker in one process, or one role of it."""
    run_server(_settings(host=host, port=port, data_dir=data_dir, role=role))


def demo(
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Load and sweep only.")] = False,
) -> None:
    """Load the demo data, run a sweep on real prices, store it, start the server and say where to look."""
    from steelyard.market.demo import install_demo  # noqa: PLC0415 - `steelyard --help` must not wait for numerics
    from steelyard.market.store import PriceStore  # noqa: PLC0415

    settings = _settings(host=host, port=port, data_dir=data_dir)
    console = Console()
    with console.status("loading the demo data"):
        store = PriceStore(settings.data_dir)
        install_demo(store)
        models, rebalances, proposals = asyncio.run(_demo_books(settings))
    console.print(f"demo data: {len(store.symbols())} series in {settings.data_dir}/", highlight=False)
    console.print(f"demo models: {models or 'there already'}; their portfolios are synthetic", highlight=False)
    console.print(f"demo desk: {rebalances} DPM rebalances, {proposals} advisory proposals", highlight=False)
    run_id = asyncio.run(_demo_sweep(settings, console))
    if no_serve:
        return
    base = f"http://{settings.host}:{settings.port}"
    pages = {"dashboard": "/", "this sweep": f"/sweeps/{run_id}", "models": "/models"}
    pages |= {"rebalances": "/rebalances", "proposals": "/proposals", "API": "/docs"}
    console.print("\n" + "".join(f"  {name:<12}{base}{path}\n" for name, path in pages.items()), highlight=False)
    run_server(settings)


def run_server(settings: Settings) -> None:
    """Serve until interrupted.

    Raises:
        UnavailableError: the database does not answer in the time that a start waits for it.
    """
    import uvicorn  # noqa: PLC0415

    from steelyard.infra.database_wait import wait_for_database  # noqa: PLC0415
    from steelyard.infra.logs import configure_logs  # noqa: PLC0415
    from steelyard.server.app import create_app  # noqa: PLC0415

    configure_logs(settings)
    app = create_app(settings)
    asyncio.run(wait_for_database(settings))  # before the server starts, which would hide the cause in a traceback
    _collect_garbage_less_often()
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=5,
    )


def _collect_garbage_less_often() -> None:
    """What is loaded now stays: it is left out of collections, and those are made for more objects at a time.

    With the interpreter's own settings a request waited for some of them, on 300,000 objects that never go.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS_PER_COLLECTION, 20, 50)


async def _demo_books(settings: Settings) -> tuple[int, int, int]:
    """How many models were brought in, and how many rebalances and proposals there are."""
    from steelyard.infra.auth import DEVELOPER  # noqa: PLC0415
    from steelyard.market.store import PriceStore  # noqa: PLC0415
    from steelyard.models.demo import install_demo_models  # noqa: PLC0415
    from steelyard.server.demo_desk import (  # noqa: PLC0415
        install_demo_book,
        install_demo_proposals,
        install_demo_rebalances,
    )
    from steelyard.server.parts import running  # noqa: PLC0415

    async with running(settings, works=False) as parts:
        models = await install_demo_models(parts.models.store, parts.database, DEVELOPER, PriceStore(settings.data_dir))
        await install_demo_book(parts, DEVELOPER)
        return models, await install_demo_rebalances(parts, DEVELOPER), await install_demo_proposals(parts, DEVELOPER)


async def _demo_sweep(settings: Settings, console: Console) -> str:
    """A sweep the way a client's runs: submitted, worked on as a durable job, stored."""
    from steelyard.infra.auth import DEVELOPER  # noqa: PLC0415
    from steelyard.research import service, store  # noqa: PLC0415
    from steelyard.research.schemas import SweepRequest  # noqa: PLC0415
    from steelyard.research.terminal import print_sweep  # noqa: PLC0415
    from steelyard.server.parts import running  # noqa: PLC0415

    request = SweepRequest.model_validate(DEMO_SWEEP)
    plan = service.plan_sweep(request, data_dir=settings.data_dir)
    async with running(settings) as parts:
        jobs, database = parts.jobs, parts.database
        async with database.transaction() as session:
            job = await service.submit_sweep(session, jobs, DEVELOPER, request, plan)
        with Progress(TextColumn("{task.description}"), BarColumn(), console=console, transient=True) as bar:
            task = bar.add_task("sweeping", total=100)
            async for event in jobs.watch(job.id):
                bar.update(task, completed=event.percent, description=event.message or "sweeping")
        async with database.reading() as session:
            done = await jobs.get(session, job.id, tenant=DEVELOPER.tenant)
            if done.result_data is None:
                raise SteelyardError(f"the demo's sweep ended as {done.status}: {done.error_message}")
            run_id = str(done.result_data["sweep_run_id"])
            (ticker,) = await store.tickers_of(session, run_id)
            best = await store.results(session, run_id, ticker=ticker.ticker, limit=_ROWS_SHOWN)
    print_sweep(ticker.summary, best, combinations=plan.combinations)
    return run_id


def _settings(**options: Any) -> Settings:
    return read_settings(**{name: value for name, value in options.items() if value is not None})
