"""Stored portfolio snapshots over HTTP: put, read, list, delete; books refer to them by name."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from steelyard.infra.audit import record as note
from steelyard.infra.web import Session
from steelyard.rebalance import book_answer_schemas as answers
from steelyard.rebalance import schemas, snapshots
from steelyard.rebalance.book_schemas import SnapshotsPut
from steelyard.rebalance.book_views import snapshot_view
from steelyard.rebalance.limits import NAME_CHARACTERS_MAX
from steelyard.rebalance.values import PortfolioSnapshot
from steelyard.rebalance.web import Limit, Reader, Writer, as_json, runs_store
from steelyard.rebalance.wire import values_of

_TAGS: list[str | Enum] = ["Whole Books"]
_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"description": "No such snapshot"}}

router = APIRouter(prefix="/rebalance/snapshots", tags=_TAGS, dependencies=[Depends(runs_store)])
Name = Annotated[str, Path(max_length=NAME_CHARACTERS_MAX)]


@router.post("", response_model=answers.SnapshotsPutView)
async def put_many(body: SnapshotsPut, principal: Writer, session: Session) -> Response:
    """Store many snapshots at once; all or none."""
    given = {name: values_of(one, PortfolioSnapshot) for name, one in body.snapshots.items()}
    heads, created = await snapshots.put_snapshots(session, principal.tenant, given)
    note(session, principal, "dpm_snapshots.put", "many", {"snapshots": len(heads)})
    return as_json({"created": created, "items": [snapshot_view(head) for head in heads]})


@router.get("", response_model=answers.SnapshotListView)
async def list_all(
    *,
    principal: Reader,
    session: Session,
    portfolio_id: Annotated[str | None, Query(max_length=NAME_CHARACTERS_MAX)] = None,
    limit: Limit = 50,
    cursor: Annotated[str | None, Query(max_length=NAME_CHARACTERS_MAX)] = None,
) -> Response:
    """Stored snapshots by name, without their contents."""
    heads, following = await snapshots.list_snapshots(
        session, principal.tenant, limit=limit, after=cursor, portfolio_id=portfolio_id
    )
    return as_json({"items": [snapshot_view(head) for head in heads], "next_cursor": following})


@router.put(
    "/{name:path}",
    response_model=answers.SnapshotView,
    responses={201: {"description": "The name is new", "model": answers.SnapshotView}},
)
async def put_one(name: Name, body: schemas.PortfolioSnapshot, principal: Writer, session: Session) -> Response:
    """Store a snapshot under a name; the same content again changes nothing, another one counts `version` up."""
    heads, created = await snapshots.put_snapshots(
        session, principal.tenant, {name: values_of(body, PortfolioSnapshot)}
    )
    note(session, principal, "dpm_snapshots.put", name)
    return as_json(snapshot_view(heads[0]), status=201 if created else 200)


@router.get("/{name:path}", response_model=answers.StoredSnapshotView, responses=_NOT_FOUND)
async def read_one(name: Name, principal: Reader, session: Session) -> Response:
    """A stored snapshot."""
    head, content = await snapshots.get_snapshot(session, principal.tenant, name)
    return as_json({**snapshot_view(head), "portfolio_snapshot": msgspec.Raw(content)})


@router.delete("/{name:path}", status_code=204, responses=_NOT_FOUND)
async def delete_one(name: Name, principal: Writer, session: Session) -> Response:
    """Remove a stored snapshot; books that named it keep what they copied."""
    await snapshots.delete_snapshot(session, principal.tenant, name)
    note(session, principal, "dpm_snapshots.delete", name)
    return Response(status_code=204)
