"""Rebalances over HTTP: make one, read the stored ones, see who has drifted."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from steelyard.core.errors import InvalidInputError, NotFoundError
from steelyard.models import monitor, rebalancing, service
from steelyard.models.composition import ModelParts
from steelyard.models.document import Model
from steelyard.models.endpoints import PAGE_MAX, Offset, Reader, Store, VersionQuery, Writer, json_response
from steelyard.models.exact_json import ExactRoute
from steelyard.models.option_json import options_to_json
from steelyard.models.options import RebalanceOptions
from steelyard.models.orders import Solver
from steelyard.models.rebalancing import Answer, Ask
from steelyard.models.schemas import PortfoliosBody, RebalanceBody
from steelyard.models.stores import ModelStore, RebalanceRecord
from steelyard.models.validation import check_portfolio_ids
from steelyard.models.views import (
    REFUSALS,
    DriftReportView,
    RebalanceView,
    RecordPortfolioView,
    RecordView,
    RecordWithPortfoliosView,
    rebalance_view,
    record_portfolio_view,
    record_view,
)

RECORDS_BY_DEFAULT = 50
MODELS_ASKED_MAX = 100
PORTFOLIOS_ASKED_MAX = 1_000
"""Portfolio ids of one search for records."""


def model_parts(request: Request) -> ModelParts:
    """What this server's rebalances work with."""
    parts: ModelParts = request.app.state.model_parts
    return parts


Parts = Annotated[ModelParts, Depends(model_parts)]
IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=200)]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX)]
UseSolver = Annotated[Solver, Query(description="`exact`, or a MILP solver behind the same checks")]

router = APIRouter(prefix="/api/v1", tags=["rebalances"], route_class=ExactRoute, responses=REFUSALS)


@router.post("/model/{model_id}/rebalance", response_model=list[RebalanceView])
async def rebalance_model(
    *,
    model_id: str,
    principal: Writer,
    parts: Parts,
    body: RebalanceBody | None = None,
    solver: UseSolver = "exact",
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Orders for every portfolio of a model, in its order; a portfolio that fails carries an `error`."""
    answer = await rebalancing.rebalance_model(parts, principal, model_id, _ask(body, solver, idempotency_key))
    return await run_in_threadpool(_answered, answer, is_list=True)


@router.post("/portfolio/{portfolio_id:path}/rebalance", response_model=RebalanceView)
async def rebalance_portfolio(
    *,
    portfolio_id: str,
    principal: Writer,
    parts: Parts,
    body: RebalanceBody | None = None,
    solver: UseSolver = "exact",
    model_id: Annotated[str | None, Query(alias="modelId", description="Where it follows several")] = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Orders for one portfolio."""
    ask = _ask(body, solver, idempotency_key, model_id)
    answer = await rebalancing.rebalance_portfolio(parts, principal, portfolio_id, model_id, ask)
    return _answered(answer, is_list=False)


@router.get("/drift", response_model=DriftReportView)
async def drift(
    *,
    principal: Reader,
    parts: Parts,
    model_id: Annotated[list[str] | None, Query(alias="modelId", max_length=MODELS_ASKED_MAX)] = None,
    offset: Offset = 0,
    limit: Limit = 100,
) -> Response:
    """Portfolios with positions outside their bands, worst first, of these models or of all; nothing is traded."""
    return json_response(await monitor.drift_report(parts, principal.tenant, model_id, offset=offset, limit=limit))


@router.get("/rebalances", response_model=list[RecordView])
async def list_rebalances(
    *, principal: Reader, store: Store, offset: Offset = 0, limit: Limit = RECORDS_BY_DEFAULT
) -> Response:
    """Stored rebalances, newest first."""
    records = await store.list_rebalances(principal.tenant, offset=offset, limit=limit)
    return json_response([record_view(record) for record in records])


@router.post("/rebalances/portfolios", response_model=list[RecordWithPortfoliosView])
async def rebalances_of_portfolios(
    *, body: PortfoliosBody, principal: Reader, store: Store, limit: Limit = RECORDS_BY_DEFAULT
) -> Response:
    """Stored rebalances with orders for any of these portfolios, newest first, each with these portfolios only."""
    ids = list(dict.fromkeys(body.portfolios))
    if not 1 <= len(ids) <= PORTFOLIOS_ASKED_MAX:
        msg = f"`portfolios` had {len(ids)} ids; give 1 to {PORTFOLIOS_ASKED_MAX}"
        raise InvalidInputError(msg, code="PORTFOLIOS_COUNT")
    check_portfolio_ids(ids)
    records = await store.rebalances_of(principal.tenant, ids, limit=limit)
    return json_response([await _whole(store, principal.tenant, record, ids) for record in records])


@router.get("/rebalance/{rebalance_id}", response_model=RecordWithPortfoliosView)
async def read_rebalance(rebalance_id: str, principal: Reader, store: Store) -> Response:
    """A stored rebalance whole."""
    record = await service.get_rebalance(store, principal.tenant, rebalance_id)
    return json_response(await _whole(store, principal.tenant, record))


@router.delete("/rebalance/{rebalance_id}", status_code=204)
async def delete_rebalance(rebalance_id: str, version: VersionQuery, principal: Writer, store: Store) -> Response:
    """Delete a stored rebalance."""
    await service.delete_rebalance(store, principal, rebalance_id, version)
    return Response(status_code=204)


@router.get("/rebalance/{rebalance_id}/portfolios", response_model=list[RecordPortfolioView])
async def portfolios_of_rebalance(rebalance_id: str, principal: Reader, store: Store) -> Response:
    """The portfolios of a stored rebalance that got orders, in the model's order."""
    record = await service.get_rebalance(store, principal.tenant, rebalance_id)
    return json_response((await _whole(store, principal.tenant, record))["portfolios"])


@router.get("/rebalance/{rebalance_id}/portfolio/{portfolio_id:path}/positions", response_model=list[dict[str, Any]])
async def positions_of_rebalance(rebalance_id: str, portfolio_id: str, principal: Reader, store: Store) -> Response:
    """The positions of one portfolio of a stored rebalance."""
    record = await service.get_rebalance(store, principal.tenant, rebalance_id)
    portfolios = (await _whole(store, principal.tenant, record, [portfolio_id]))["portfolios"]
    if not portfolios:
        details = {"rebalanceId": record.rebalance_id, "portfolioId": portfolio_id}
        msg = f"rebalance {record.rebalance_id} has no orders for portfolio {portfolio_id[:64]}"
        raise NotFoundError(msg, code="PORTFOLIO_NOT_IN_REBALANCE", details=details)
    return json_response(portfolios[0]["positions"])


def _ask(body: RebalanceBody | None, solver: Solver, key: str | None, model_id: str | None = None) -> Ask:
    def options(model: Model) -> RebalanceOptions:
        return (model.options or RebalanceOptions()) if body is None else body.over(model)

    named = [] if body is None else sorted(body.model_fields_set)
    given = {} if body is None else options_to_json(body.to_options())
    return Ask(options, solver, key, fingerprint=[named, given, model_id])


def _answered(answer: Answer, *, is_list: bool) -> Response:
    record = answer.record
    views = [] if record is None else [rebalance_view(record, result) for result in answer.results]
    response = json_response(views if is_list else views[0])
    if answer.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


async def _whole(
    store: ModelStore, tenant: str, record: RebalanceRecord, portfolio_ids: list[str] | None = None
) -> dict[str, Any]:
    results = await store.results_of(tenant, record.rebalance_id, portfolio_ids)
    portfolios = [record_portfolio_view(result) for result in results if result.error is None]
    return {**record_view(record), "portfolios": portfolios}
