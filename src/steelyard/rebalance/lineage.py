"""Lineage: which correlation, key and operation led to which run.

The edges are read from runs and operations, oldest first, a page at a time.

Source: contract dpm, section 11.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

from msgspec import Struct, field
from sqlalchemy import ColumnElement, Select, and_, literal, or_
from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.rebalance.runs import Period, Shelf
from steelyard.rebalance.service import timestamp
from steelyard.rebalance.tables import OperationRow, RunRow

CORRELATION, KEY, OPERATION = "CORRELATION_TO_RUN", "IDEMPOTENCY_TO_RUN", "OPERATION_TO_CORRELATION"
_CURSOR = re.compile(rf"([^|]+)\|(.*)\|({CORRELATION}|{KEY}|{OPERATION})\|(.*)", re.DOTALL)


class Edge(Struct, frozen=True):
    """One step from a source to a target."""

    source_entity_id: str
    edge_type: str
    target_entity_id: str
    created_at: str
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def place(self) -> tuple[str, str, str, str]:
        """What the order of edges goes by."""
        return (self.created_at, self.source_entity_id, self.edge_type, self.target_entity_id)


class LineageReader:
    """Reads the edges that a tenant may see."""

    def __init__(self, session: AsyncSession, shelf: Shelf, operations: Select[OperationRow]) -> None:
        self._session = session
        self._runs = shelf.query()
        self._operations = operations

    async def page(
        self, entity: str, *, period: Period, limit: int, edge_type: str | None = None, cursor: str | None = None
    ) -> tuple[list[Edge], str | None]:
        """Edges that begin or end at ``entity``, and the cursor to those after them.

        A cursor that is none of the edges ends the list.
        """
        after = None
        if cursor is not None and (after := await self._edge_at(cursor)) is None:
            return [], None
        found: dict[tuple[str, str, str, str], Edge] = {}
        for query in self._queries(entity, period, after):
            for row in (await self._session.scalars(query.limit(limit + 1))).all():
                for edge in _edges(row):
                    touches = entity in (edge.source_entity_id, edge.target_entity_id)
                    if touches and edge_type in (None, edge.edge_type) and (after is None or edge.place > after.place):
                        found[edge.place] = edge
        places = sorted(found)
        page = [found[place] for place in places[:limit]]
        return page, "|".join(page[-1].place) if len(places) > limit else None

    def _queries(self, entity: str, period: Period, after: Edge | None) -> Iterator[Select[Any]]:
        # In each, rows come in the order of their edges, so a page of edges needs no more than a page of rows.
        for column, kind in ((RunRow.correlation_id, CORRELATION), (RunRow.idempotency_key, KEY)):
            later = _later(RunRow, after, partial(_after_same_time, entity, kind))
            query = self._runs.where(column == entity, later, *period.clauses(RunRow.created_at))
            yield query.order_by(RunRow.created_at, RunRow.id)
        later = _later(OperationRow, after, lambda edge: OperationRow.id >= edge.source_entity_id)
        of_operations = self._operations.where(OperationRow.correlation_id == entity, later)
        in_period = of_operations.where(*period.clauses(OperationRow.created_at))
        yield in_period.order_by(OperationRow.created_at, OperationRow.id)
        yield self._runs.where(RunRow.id == entity, *period.clauses(RunRow.created_at))
        yield self._operations.where(OperationRow.id == entity, *period.clauses(OperationRow.created_at))

    async def _edge_at(self, cursor: str) -> Edge | None:
        parts = _CURSOR.fullmatch(cursor)
        if parts is None:
            return None
        _, source, kind, target = parts.groups()
        of_operation = self._operations.where(OperationRow.id == source)
        of_run = self._runs.where(RunRow.id == target)
        row: Any = await self._session.scalar(of_operation if kind == OPERATION else of_run)
        return next((edge for edge in _edges(row) if edge.place == parts.groups()), None)


def _later(kind: Any, after: Edge | None, at_same_time: Callable[[Edge], Any]) -> ColumnElement[bool]:
    """Rows whose edges may come after ``after``."""
    if after is None:
        return literal(True)
    moment = datetime.fromisoformat(after.created_at)
    return or_(kind.created_at > moment, and_(kind.created_at == moment, at_same_time(after)))


def _after_same_time(entity: str, kind: str, edge: Edge) -> Any:
    ours, theirs = (entity, kind), (edge.source_entity_id, edge.edge_type)
    return RunRow.id > edge.target_entity_id if ours == theirs else literal(ours > theirs)


def _edges(row: Any) -> Iterator[Edge]:
    match row:
        case RunRow():
            at, metadata = timestamp(row.created_at), {"request_hash": row.request_hash}
            yield Edge(row.correlation_id, CORRELATION, row.id, at, metadata)
            if row.idempotency_key is not None:
                yield Edge(row.idempotency_key, KEY, row.id, at, metadata)
        case OperationRow():
            metadata = {"operation_type": row.operation_type}
            yield Edge(row.id, OPERATION, row.correlation_id, timestamp(row.created_at), metadata)
