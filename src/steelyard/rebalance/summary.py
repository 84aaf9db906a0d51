"""How much is recorded: runs, operations, decisions and edges, counted.

Source: contract dpm, section 11.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, func
from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.rebalance.reviews import decisions
from steelyard.rebalance.runs import Shelf, counts_by
from steelyard.rebalance.service import timestamp
from steelyard.rebalance.tables import DecisionRow, OperationRow, RunRow


async def summarize(session: AsyncSession, shelf: Shelf, operations: Select[OperationRow]) -> dict[str, Any]:
    """The counts of what a tenant has."""
    runs, decided = shelf.query(), decisions(shelf)
    is_postgres = session.get_bind().dialect.name == "postgresql"
    run_counts = await counts_by(session, runs, RunRow.status)
    keyed = await session.scalar(runs.with_only_columns(func.count(RunRow.idempotency_key)))
    operation_counts = await counts_by(session, operations, OperationRow.status)
    action_counts = await counts_by(session, decided, DecisionRow.action)
    run_count, operation_count = sum(run_counts.values()), sum(operation_counts.values())
    return {
        "store_backend": "POSTGRES" if is_postgres else "SQL",
        "run_count": run_count,
        "operation_count": operation_count,
        "operation_status_counts": operation_counts,
        "run_status_counts": run_counts,
        "workflow_decision_count": sum(action_counts.values()),
        "workflow_action_counts": action_counts,
        "workflow_reason_code_counts": await counts_by(session, decided, DecisionRow.reason_code),
        # One edge for each run's correlation, one for each key's run, one for each operation.
        "lineage_edge_count": run_count + (keyed or 0) + operation_count,
        **await _ends(session, runs, RunRow.created_at, "run"),
        **await _ends(session, operations, OperationRow.created_at, "operation"),
    }


async def _ends(session: AsyncSession, query: Select[Any], at: Any, name: str) -> dict[str, str | None]:
    oldest, newest = (await session.execute(query.with_only_columns(func.min(at), func.max(at)))).one()
    return {
        f"oldest_{name}_created_at": _text(oldest),
        f"newest_{name}_created_at": _text(newest),
    }


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else timestamp(moment)
