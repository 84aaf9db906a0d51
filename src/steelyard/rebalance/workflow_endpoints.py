"""Review over HTTP: where it stands, what was decided, and deciding.

Source: contract dpm, sections 2 and 11.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from steelyard.infra.web import Session
from steelyard.rebalance import reviews, runs
from steelyard.rebalance.careful import CarefulRoute
from steelyard.rebalance.located import WAYS, Find
from steelyard.rebalance.run_schemas import (
    DpmRunWorkflowActionRequest,
    DpmRunWorkflowHistoryResponse,
    DpmRunWorkflowResponse,
    DpmWorkflowDecisionListResponse,
)
from steelyard.rebalance.service import NO_CORRELATION
from steelyard.rebalance.tables import DecisionRow, RunRow
from steelyard.rebalance.toggles import Toggles, require_enabled
from steelyard.rebalance.views import decision_view, decisions_view
from steelyard.rebalance.web import (
    CorrelationId,
    Cursor,
    From,
    Limit,
    Reader,
    Service,
    To,
    Writer,
    as_json,
    period,
    runs_store,
)
from steelyard.rebalance.workflow import Action

router = APIRouter(
    prefix="/rebalance",
    route_class=CarefulRoute,
    dependencies=[Depends(runs_store)],
    tags=["DPM Run Supportability"],
)


@router.get("/workflow/decisions", response_model=DpmWorkflowDecisionListResponse)
async def list_decisions(
    *,
    principal: Reader,
    service: Service,
    session: Session,
    rebalance_run_id: Annotated[str | None, Query()] = None,
    action: Annotated[Action | None, Query()] = None,
    actor_id: Annotated[str | None, Query()] = None,
    reason_code: Annotated[str | None, Query()] = None,
    from_: From = None,
    to: To = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Decisions, newest first."""
    _require_workflow(service.toggles)
    found, next_cursor = await reviews.page_of_decisions(
        session,
        service.shelf(principal),
        period=period(from_, to),
        limit=limit,
        cursor=cursor,
        run_id=rebalance_run_id,
        action=action,
        actor_id=actor_id,
        reason_code=reason_code,
    )
    return as_json({"items": [decision_view(one) for one in found], "next_cursor": next_cursor})


@router.get("/workflow/decisions/by-correlation/{correlation_id}", response_model=DpmRunWorkflowHistoryResponse)
async def decisions_by_correlation(
    correlation_id: str, principal: Reader, service: Service, session: Session
) -> Response:
    """The decisions about the latest run of a correlation id, oldest first."""
    _require_workflow(service.toggles)
    run = await runs.run_by_correlation(session, service.shelf(principal), correlation_id)
    return as_json(decisions_view(run, await reviews.decisions_of(session, run)))


def _add_workflow(path: str, found: Any) -> None:
    @router.get(f"{path}/workflow", response_model=DpmRunWorkflowResponse)
    async def read_workflow(*, find: Find = found, principal: Reader, service: Service, session: Session) -> Response:
        """Whether a run needs review, and where that stands."""
        _require_workflow(service.toggles)
        run = await find(session, service.shelf(principal))
        return as_json(_workflow_view(service.toggles, run, await reviews.latest_decision(session, run)))

    @router.get(f"{path}/workflow/history", response_model=DpmRunWorkflowHistoryResponse)
    async def read_history(*, find: Find = found, principal: Reader, service: Service, session: Session) -> Response:
        """The decisions about a run, oldest first."""
        _require_workflow(service.toggles)
        run = await find(session, service.shelf(principal))
        return as_json(decisions_view(run, await reviews.decisions_of(session, run)))

    @router.post(
        f"{path}/workflow/actions",
        response_model=DpmRunWorkflowResponse,
        responses={404: {"description": "Unknown, or switched off"}, 409: {"description": "Not possible now"}},
    )
    async def act(
        *,
        find: Find = found,
        body: DpmRunWorkflowActionRequest,
        principal: Writer,
        service: Service,
        session: Session,
        x_correlation_id: CorrelationId = None,
    ) -> Response:
        """Approve a run, reject it, or ask for changes."""
        _require_workflow(service.toggles)
        run = await find(session, service.shelf(principal))
        decision = await reviews.review(
            session,
            service.toggles,
            principal,
            run,
            action=body.action,
            reason_code=body.reason_code,
            comment=body.comment,
            actor_id=body.actor_id,
            correlation_id=x_correlation_id or NO_CORRELATION,
        )
        return as_json(_workflow_view(service.toggles, run, decision))


for _path, _found in WAYS:
    _add_workflow(_path, _found)


def _workflow_view(toggles: Toggles, run: RunRow, latest: DecisionRow | None) -> dict[str, Any]:
    return {
        "run_id": run.id,
        "run_status": run.status,
        "workflow_status": reviews.status_of(toggles, run, latest),
        "requires_review": reviews.requires_review(toggles, run.status),
        "latest_decision": None if latest is None else decision_view(latest),
    }


def _require_workflow(toggles: Toggles) -> None:
    require_enabled("DPM_SUPPORT_APIS", enabled=toggles.support_apis)
    require_enabled("DPM_WORKFLOW", enabled=toggles.workflow)
