"""Models, their positions and portfolios over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from steelyard.infra.principal import Principal
from steelyard.infra.web import require_unless_open
from steelyard.models import changes, service
from steelyard.models.document import Model
from steelyard.models.exact_json import ExactRoute
from steelyard.models.schemas import ModelPost, ModelPut, PortfoliosBody, PositionBody, SecurityBody
from steelyard.models.stores import ModelStore
from steelyard.models.views import REFUSALS, ModelView, model_view

PAGE_MAX = 1_000
"""Models or records of one page."""

Reader = Annotated[Principal, Depends(require_unless_open("models:read"))]
Writer = Annotated[Principal, Depends(require_unless_open("models:write"))]
Offset = Annotated[int, Query(ge=0, le=10_000_000)]
VersionQuery = Annotated[int, Query(ge=1, le=2**31 - 1)]


def model_store(request: Request) -> ModelStore:
    """The store of this server."""
    store: ModelStore = request.app.state.model_store
    return store


Store = Annotated[ModelStore, Depends(model_store)]

router = APIRouter(prefix="/api/v1", tags=["models"], route_class=ExactRoute, responses=REFUSALS)


@router.get("/models", response_model=list[ModelView])
async def list_models(
    *,
    principal: Reader,
    store: Store,
    offset: Offset = 0,
    limit: Annotated[int | None, Query(ge=1, le=PAGE_MAX)] = None,
    sort_by: Annotated[str | None, Query(max_length=200, examples=["name"])] = None,
) -> Response:
    """All models, or a page of them: oldest first, or by `name, modelId, lastRebalanceDate, version`."""
    fields = service.sort_fields(sort_by)
    found = await store.list_models(principal.tenant, offset=offset, limit=limit, sort_by=fields)
    return json_response([model_view(model) for model in found])


@router.post("/models", status_code=201, response_model=ModelView)
async def create_model(body: ModelPost, principal: Writer, store: Store) -> Response:
    """Create a model; positions with target 0 are dropped."""
    return _shown(await service.create_model(store, principal, body.to_model()), 201)


@router.get("/model/{model_id}", response_model=ModelView)
async def read_model(model_id: str, principal: Reader, store: Store) -> Response:
    """One model."""
    return _shown(await service.get_model(store, principal.tenant, model_id))


@router.put("/model/{model_id}", response_model=ModelView)
async def replace_model(model_id: str, body: ModelPut, principal: Writer, store: Store) -> Response:
    """Replace a model whose version is still the given one; without `options` it keeps its own."""
    checked_id = service.checked_id("modelId", model_id)
    replaced = await service.replace_model(
        store,
        principal,
        body.to_replacement(checked_id),
        keep_options="options" not in body.model_fields_set,
        rebalanced=body.last_rebalance_date,
    )
    return _shown(replaced)


@router.delete("/model/{model_id}", status_code=204)
async def delete_model(model_id: str, version: VersionQuery, principal: Writer, store: Store) -> Response:
    """Delete a model; the records of its rebalances stay."""
    await service.delete_model(store, principal, model_id, version)
    return Response(status_code=204)


@router.post("/model/{model_id}/position", response_model=ModelView)
async def add_position(model_id: str, body: PositionBody, principal: Writer, store: Store) -> Response:
    """Add a position; 409 if the model has the security."""
    position = body.to_position()
    return await _changed(store, principal, model_id, lambda model: changes.add_position(model, position))


@router.put("/model/{model_id}/position", response_model=ModelView)
async def update_position(model_id: str, body: PositionBody, principal: Writer, store: Store) -> Response:
    """Replace the position of that security; a target of 0 removes it."""
    position = body.to_position()
    return await _changed(store, principal, model_id, lambda model: changes.replace_position(model, position))


@router.delete("/model/{model_id}/position", response_model=ModelView)
async def remove_position(model_id: str, body: SecurityBody, principal: Writer, store: Store) -> Response:
    """Remove the position of that security."""
    security_id = body.security_id
    return await _changed(store, principal, model_id, lambda model: changes.remove_position(model, security_id))


@router.post("/model/{model_id}/portfolio", response_model=ModelView)
async def add_portfolios(model_id: str, body: PortfoliosBody, principal: Writer, store: Store) -> Response:
    """Let portfolios follow the model; those that do already change nothing."""
    ids = body.portfolios
    return await _changed(store, principal, model_id, lambda model: changes.add_portfolios(model, ids))


@router.delete("/model/{model_id}/portfolio", response_model=ModelView)
async def remove_portfolios(model_id: str, body: PortfoliosBody, principal: Writer, store: Store) -> Response:
    """Let portfolios follow the model no longer; those that do not change nothing."""
    ids = body.portfolios
    return await _changed(store, principal, model_id, lambda model: changes.remove_portfolios(model, ids))


def json_response(content: Any, status: int = 200) -> Response:
    """JSON, made directly: hot lists through a validating model take longer than the work behind them."""
    return Response(orjson.dumps(content), status_code=status, media_type="application/json")


async def _changed(
    store: ModelStore, principal: Principal, model_id: str, change: Callable[[Model], Model]
) -> Response:
    return _shown(await service.change_model(store, principal, model_id, change))


def _shown(model: Model, status: int = 200) -> Response:
    return json_response(model_view(model), status)
