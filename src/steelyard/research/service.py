"""Sweeps as jobs: checked when they are submitted, run by a worker, stored with the job's completion."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.core import clock
from steelyard.core.errors import InvalidInputError, NotFoundError
from steelyard.infra.audit import record
from steelyard.infra.job_context import JobContext
from steelyard.infra.job_runner import Settle
from steelyard.infra.jobs import Job, Jobs, JobStatus
from steelyard.infra.principal import Principal
from steelyard.infra.settings import get_settings
from steelyard.infra.webhooks import Webhooks
from steelyard.market.bars import PriceSeries
from steelyard.market.loading import load_prices
from steelyard.research import store
from steelyard.research.execution import Execution, Fill
from steelyard.research.ranges import span_windows
from steelyard.research.result import SweepResult, plain
from steelyard.research.schemas import SweepRequest
from steelyard.research.spec import SweepSpec
from steelyard.research.sweep import BARS_BEYOND_WINDOWS, sweep_series

SWEEP = "sweep"
"""The kind of job."""

TICKERS_MAX = 50
"""Tickers of one sweep."""

_BAR_COMBINATIONS_PER_S = 1e9


@dataclass(frozen=True, slots=True)
class Plan:
    """A request that has passed every check, with its prices.

    Attributes:
        specs: one per series; they differ only where a fill needs opens that a series lacks.
    """

    series: tuple[PriceSeries, ...]
    specs: tuple[SweepSpec, ...]

    @property
    def combinations(self) -> int:
        """Valid combinations, of all tickers together."""
        return sum(len(spec.combinations()) for spec in self.specs)

    @property
    def estimated_seconds(self) -> int:
        """A guess at how long the sweep takes, at least 1."""
        sizes = (len(one) * len(spec.combinations()) for one, spec in zip(self.series, self.specs, strict=True))
        return 1 + int(sum(sizes) / _BAR_COMBINATIONS_PER_S)


def plan_sweep(request: SweepRequest, *, data_dir: Path | None = None) -> Plan:
    """Load the prices and check everything that can be checked before the work; blocks.

    Raises:
        InvalidInputError: a range, a ticker or a price, named with its value.
        DataIntegrityError: a data file is not what its manifest promises.
        TooLargeError: too many combinations.
    """
    series = tuple(_load(ticker, request, data_dir) for ticker in tickers_of(request))
    specs = tuple(_spec(request, one) for one in series)
    for one, spec in zip(series, specs, strict=True):
        needed = spec.look_back + BARS_BEYOND_WINDOWS
        if len(one) < needed:
            message = f"{one.symbol} has {len(one)} bars; these ranges look back so far that they need {needed}"
            raise InvalidInputError(message, code="TOO_SHORT", details={"ticker": one.symbol, "bars": len(one)})
    return Plan(series, specs)


def tickers_of(request: SweepRequest) -> tuple[str, ...]:
    """The tickers of a request, which come separated by commas, each once.

    Raises:
        InvalidInputError: none, or more than ``TICKERS_MAX``.
    """
    tickers = tuple(dict.fromkeys(part.strip() for part in request.ticker.split(",") if part.strip()))
    if not 1 <= len(tickers) <= TICKERS_MAX:
        raise InvalidInputError(f"`ticker` held {len(tickers)} tickers; it holds 1 to {TICKERS_MAX}")
    return tickers


async def submit_sweep(
    session: AsyncSession, jobs: Jobs, principal: Principal, request: SweepRequest, plan: Plan
) -> Job:
    """Queue a planned sweep in the transaction of ``session``."""
    parameters = request.model_dump(mode="json") | {"combinations": plan.combinations}
    job = await jobs.submit(
        session, SWEEP, parameters, tenant=principal.tenant, created_by=principal.subject, job_id=_job_id(request)
    )
    record(session, principal, "sweep.submit", job.id, {"ticker": request.ticker})
    return job


def run_sweep_job(context: JobContext, parameters: dict[str, Any]) -> dict[str, Any]:
    """The handler of sweep jobs: plan again, since data may have changed, then sweep, then store."""
    started = time.monotonic()
    request = SweepRequest.model_validate(parameters)
    plan = plan_sweep(request, data_dir=get_settings().data_dir)
    results = [_swept(context, plan, number) for number in range(len(plan.series))]
    seconds = round(time.monotonic() - started, 3)
    run = store.SweepRun(
        id=f"run_{context.job.id.removeprefix('sweep_')}",
        tenant=context.job.tenant,
        job_id=context.job.id,
        ticker=request.ticker,
        strategy_type=request.strategy_type,
        parameters=parameters,
        combinations=plan.combinations,
        execution_time_seconds=seconds,
        created_at=clock.now(),
    )
    summaries = [
        store.SweepTicker(run_id=run.id, ticker=result.series.symbol, position=position, summary=result.summary())
        for position, result in enumerate(results)
    ]
    rows = [row for result in results for row in result_rows(run.id, result)]

    async def save(session: AsyncSession) -> None:
        await store.save_run(session, run, summaries, rows)

    context.save_at_completion(save)
    return {
        "sweep_run_id": run.id,
        "total_combinations": plan.combinations,
        "execution_time_seconds": seconds,
        "completed_at": clock.isoformat_z(clock.now()),
    }


def announcing(webhooks: Webhooks) -> Settle:
    """What ends a sweep's job: in its last transaction, the webhook that its request asked for."""

    async def announce(session: AsyncSession, job: Job) -> None:
        if url := job.parameters.get("webhook_url"):
            await webhooks.send(session, tenant=job.tenant, subject=job.id, url=url, event=callback_of(job))

    return announce


def callback_of(job: Job) -> dict[str, Any]:
    """The webhook's body; receivers know two ends only, so a cancelled sweep is a failed one that says so."""
    status = JobStatus.COMPLETED if job.status is JobStatus.COMPLETED else JobStatus.FAILED
    result = job.result_data or {}
    body = {
        "event_type": f"sweep.{status}",
        "job_id": job.id,
        "sweep_run_id": result.get("sweep_run_id"),
        "status": status,
        "ticker": job.parameters["ticker"],
        "error_message": job.error_message,
        "result_data": job.result_data,
        "progress": job.progress,
        "parameters": job.parameters,
        "timestamp": clock.isoformat_z(job.completed_at or clock.now()),
    }
    return {name: value for name, value in body.items() if value is not None}


def result_rows(run_id: str, result: SweepResult) -> list[dict[str, Any]]:
    """A result's table as rows of :class:`store.SweepResultRow`: undefined figures null, infinity a flag."""
    table = result.table.reindex(columns=[name for name in store.RESULT_COLUMN_NAMES if name in result.table])
    table = table.assign(profit_factor_infinite=table["profit_factor"] == float("inf"))
    fixed = {"run_id": run_id, "ticker": result.series.symbol, "strategy_type": result.spec.strategy.value}
    empty = dict.fromkeys(store.RESULT_COLUMN_NAMES)
    records = table.to_dict("records")
    return [empty | plain(row) | fixed | {"rank": rank} for rank, row in enumerate(records, start=1)]


async def find_run(session: AsyncSession, tenant: str, run_id: str) -> store.SweepRun:
    """A run of ``tenant``, ``latest`` being the newest.

    Raises:
        NotFoundError: there is none; another tenant's is none.
    """
    latest = run_id == "latest"
    run = await (store.latest_run(session, tenant) if latest else store.find_run(session, tenant, run_id))
    if run is None:
        message = "there is no sweep yet" if latest else f"there is no sweep `{run_id[:100]}`"
        raise NotFoundError(message, code="SWEEP_NOT_FOUND")
    return run


async def require_ticker(session: AsyncSession, run: store.SweepRun, ticker: str | None) -> Sequence[store.SweepTicker]:
    """What the tickers of a run came to; one of them if asked for.

    Raises:
        NotFoundError: the run has no such ticker.
    """
    tickers = await store.tickers_of(session, run.id)
    if ticker is None:
        return tickers
    found = [one for one in tickers if one.ticker == ticker]
    if not found:
        has = ", ".join(one.ticker for one in tickers)
        raise NotFoundError(f"the sweep {run.id} has no ticker `{ticker[:40]}`; it has {has}", code="UNKNOWN_TICKER")
    return found


def _load(ticker: str, request: SweepRequest, data_dir: Path | None) -> PriceSeries:
    try:
        return load_prices(ticker, data_dir=data_dir, start=_iso(request.start), end=_iso(request.end))
    except NotFoundError as unknown:  # in a request's body a name that leads nowhere is a wrong value
        raise InvalidInputError(unknown.message, code=unknown.code, details={"field": "ticker"}) from None


def _iso(day: Any) -> str | None:
    return None if day is None else str(day)


def _spec(request: SweepRequest, series: PriceSeries) -> SweepSpec:
    is_realistic = request.config_path == "standard"
    at_next: Fill = "next_close" if series.open is None else "next_open"
    return SweepSpec.read(
        request.strategy_type,
        span_windows("fast_range", *request.fast_range, request.step),
        span_windows("slow_range", *request.slow_range, request.step),
        span_windows("signal_range", *(request.signal_range or (9, 9)), request.step),
        execution=Execution(
            fee=request.fee, slippage_bp=request.slippage_bp, fill=at_next if is_realistic else "same_close"
        ),
        periods_per_year=series.periods_per_year,
        min_trades=request.min_trades,
        rank_by=request.rank_by,
    )


def _swept(context: JobContext, plan: Plan, number: int) -> SweepResult:
    series, spec = plan.series[number], plan.specs[number]

    def report(share: float) -> None:
        percent = 100 * (number + share) / len(plan.series)
        context.report(percent, f"{series.symbol}: {share:.0%} of {len(spec.combinations()):,} combinations")

    def is_cancelled() -> bool:
        context.raise_if_cancelled()
        return False

    return sweep_series(series, spec, threads=get_settings().sweep_threads, progress=report, cancelled=is_cancelled)


def _job_id(request: SweepRequest) -> str:
    slug = re.sub("[^a-z0-9]", "", request.ticker.lower())[:24]
    return f"sweep_{clock.now():%Y%m%d_%H%M%S}_{slug}_{secrets.token_hex(4)}"


def results_frame(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Stored rows as a table again, for export: an infinite profit factor is infinite again."""
    frame = pd.DataFrame(list(rows), columns=list(store.RESULT_COLUMN_NAMES))
    frame.loc[frame["profit_factor_infinite"].astype(bool), "profit_factor"] = float("inf")
    return frame.drop(columns="profit_factor_infinite")
