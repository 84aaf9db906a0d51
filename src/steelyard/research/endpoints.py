"""Sweeps over HTTP: submit one, read what it found."""

from __future__ import annotations

import json
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from steelyard.core import clock
from steelyard.infra.cursors import cursor_after, position_of
from steelyard.infra.idempotency import Answer, answer_once
from steelyard.infra.jobs import Jobs
from steelyard.infra.principal import Principal
from steelyard.infra.web import Session, require
from steelyard.research import service, store
from steelyard.research.schemas import SweepRequest

RESULTS_MAX = 10_000
RUNS_MAX = 500

Reader = Annotated[Principal, Depends(require("sweeps:read"))]
Writer = Annotated[Principal, Depends(require("sweeps:write"))]
Limit = Annotated[int, Query(ge=1, le=RESULTS_MAX)]
Offset = Annotated[int, Query(ge=0, le=10_000_000)]
Ticker = Annotated[str | None, Query(max_length=32)]

router = APIRouter(prefix="/api/v1", tags=["sweeps"])

_FORM = "application/x-www-form-urlencoded"
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": SweepRequest.model_json_schema(ref_template="#/components/schemas/{model}")}
            for kind in ("application/json", _FORM)
        },
    }
}


async def sweep_request(request: Request) -> SweepRequest:
    """The body of a submission, a form or JSON; each refusal names its field."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in (_FORM, "multipart/form-data"):
        body: Any = dict((await request.form(max_fields=50, max_files=0)).items())
    else:
        try:
            body = json.loads(await request.body() or b"null")
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            found = {"type": "json_invalid", "loc": ("body",), "msg": f"the body is no JSON: {error}", "input": None}
            raise RequestValidationError([found]) from None
    try:
        return SweepRequest.model_validate(body)
    except ValidationError as error:
        found_all = error.errors(include_url=False, include_context=False)
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in found_all]) from None


@router.post("/strategy/sweep", status_code=202, openapi_extra=_BODY)
async def submit(
    *,
    principal: Writer,
    request: Request,
    session: Session,
    body: Annotated[SweepRequest, Depends(sweep_request)],
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """Queue a sweep; its progress is at `status_url` and, pushed, at `stream_url`."""
    jobs: Jobs = request.app.state.jobs
    plan = await run_in_threadpool(service.plan_sweep, body)

    async def effect() -> Answer:
        job = await service.submit_sweep(session, jobs, principal, body, plan)
        status_url = f"/api/v1/jobs/{job.id}"
        answer = {
            "job_id": job.id,
            "status": job.status,
            "message": "Sweep queued",
            "parameters": job.parameters,
            "estimated_duration_seconds": plan.estimated_seconds,
            "webhook_url": job.parameters["webhook_url"],
            "status_url": status_url,
            "stream_url": f"{status_url}/stream",
            "created_at": clock.isoformat_z(job.created_at),
        }
        return Answer(202, orjson.dumps(answer))

    if idempotency_key is None:
        answer = await effect()
    else:
        answer = await answer_once(
            session,
            tenant=principal.tenant,
            route="POST /api/v1/strategy/sweep",
            key=idempotency_key,
            request=body.model_dump(mode="json"),
            effect=effect,
        )
    headers = {"Idempotent-Replayed": "true"} if answer.replayed else None
    return Response(answer.body, status_code=answer.status, media_type="application/json", headers=headers)


@router.get("/sweeps")
async def list_sweeps(
    *,
    principal: Reader,
    session: Session,
    limit: Annotated[int, Query(ge=1, le=RUNS_MAX)] = 50,
    offset: Offset = 0,
    cursor: Annotated[str | None, Query(max_length=300)] = None,
) -> dict[str, Any]:
    """Finished sweeps, newest first; `next_cursor` goes on where the page ends."""
    before = None if cursor is None else position_of(cursor)
    runs = await store.list_runs(session, principal.tenant, limit=limit + 1, offset=offset, before=before)
    page = runs[:limit]
    more = cursor_after(page[-1].created_at, page[-1].id) if len(runs) > limit else None
    return {"sweeps": [run_view(run) for run in page], "returned": len(page), "next_cursor": more}


@router.get("/sweeps/{sweep_run_id}")
async def read_sweep(
    *,
    sweep_run_id: str,
    principal: Reader,
    session: Session,
    ticker: Ticker = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """A sweep whole (`latest` is the newest): what each ticker came to, and a page of its combinations."""
    run = await service.find_run(session, principal.tenant, sweep_run_id)
    tickers = await service.require_ticker(session, run, ticker)
    rows = await store.results(session, run.id, ticker=_only(ticker, tickers), limit=limit, offset=offset)
    total = await store.count_results(session, run.id, ticker=ticker)
    summaries = [{"ticker": one.ticker, **one.summary} for one in tickers]
    page = {"results": rows, "total_results": total, "returned": len(rows), "limit": limit, "offset": offset}
    return _json(run_view(run) | {"tickers": summaries} | page)


@router.get("/sweeps/{sweep_run_id}/best")
async def best(
    *,
    sweep_run_id: str,
    principal: Reader,
    session: Session,
    ticker: Ticker = None,
    limit: Limit = 10,
    include_below_min_trades: bool = False,
) -> Response:
    """The best combinations, best first; those that traded too little are left out unless asked for."""
    run = await service.find_run(session, principal.tenant, sweep_run_id)
    tickers = await service.require_ticker(session, run, ticker)
    only = _only(ticker, tickers)
    rows = await store.results(
        session, run.id, ticker=only, limit=limit, only_enough_trades=not include_below_min_trades
    )
    return _json(
        {
            "sweep_run_id": run.id,
            "ticker": only,
            "results": rows,
            "total_results": await store.count_results(session, run.id, ticker=ticker),
            "returned": len(rows),
            "query_timestamp": clock.isoformat_z(clock.now()),
        }
    )


@router.get("/sweeps/{sweep_run_id}/best-per-ticker")
async def best_per_ticker(sweep_run_id: str, principal: Reader, session: Session) -> Response:
    """The best combination of each ticker, best first."""
    run = await service.find_run(session, principal.tenant, sweep_run_id)
    rows = await store.results(session, run.id, limit=service.TICKERS_MAX, rank_max=1)
    answer = {"sweep_run_id": run.id, "results": rows, "total_results": len(rows), "returned": len(rows)}
    return _json(answer | {"query_timestamp": clock.isoformat_z(clock.now())})


def run_view(run: store.SweepRun) -> dict[str, Any]:
    """A run as clients read it, without its results."""
    return {
        "sweep_run_id": run.id,
        "job_id": run.job_id,
        "ticker": run.ticker,
        "strategy_type": run.strategy_type,
        "parameters": run.parameters,
        "total_combinations": run.combinations,
        "execution_time_seconds": run.execution_time_seconds,
        "created_at": clock.isoformat_z(run.created_at),
    }


def _only(ticker: str | None, tickers: Any) -> str | None:
    return ticker or (tickers[0].ticker if len(tickers) == 1 else None)


def _json(content: dict[str, Any]) -> Response:
    return Response(orjson.dumps(content), media_type="application/json")
