"""Runs, operations, decisions and packs as clients read them; stored results go out as the bytes they are.

Source: contract dpm, sections 9 to 11.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from steelyard.rebalance.artifact import RunRecord, build_artifact
from steelyard.rebalance.lineage import Edge
from steelyard.rebalance.operations import is_executable
from steelyard.rebalance.result import RebalanceResult
from steelyard.rebalance.service import timestamp
from steelyard.rebalance.tables import DecisionRow, OperationRow, RunRow


def run_view(run: RunRow) -> dict[str, Any]:
    """A run with its result."""
    return {
        "rebalance_run_id": run.id,
        "correlation_id": run.correlation_id,
        "request_hash": run.request_hash,
        "idempotency_key": run.idempotency_key,
        "portfolio_id": run.portfolio_id,
        "created_at": timestamp(run.created_at),
        "result": msgspec.Raw(run.result),
    }


def run_item(run: RunRow) -> dict[str, Any]:
    """A run in a list."""
    return {
        "rebalance_run_id": run.id,
        "correlation_id": run.correlation_id,
        "request_hash": run.request_hash,
        "idempotency_key": run.idempotency_key,
        "portfolio_id": run.portfolio_id,
        "status": run.status,
        "created_at": timestamp(run.created_at),
    }


def key_view(run: RunRow) -> dict[str, Any]:
    """What a key of idempotency stands for."""
    return {
        "idempotency_key": run.idempotency_key,
        "request_hash": run.request_hash,
        "rebalance_run_id": run.id,
        "created_at": timestamp(run.created_at),
    }


def history_view(key: str, runs: Iterable[RunRow]) -> dict[str, Any]:
    """Every run that was computed under a key."""
    history = [
        {
            "rebalance_run_id": run.id,
            "correlation_id": run.correlation_id,
            "request_hash": run.request_hash,
            "created_at": timestamp(run.created_at),
        }
        for run in runs
    ]
    return {"idempotency_key": key, "history": history}


def artifact_bytes(run: RunRow) -> bytes:
    """The artifact of a run: as it was stored with it, or derived from its result, which gives the same."""
    if run.artifact is not None:
        return run.artifact
    result = msgspec.json.decode(run.result, type=RebalanceResult)
    record = RunRecord(run.portfolio_id, run.request_hash, timestamp(run.created_at), run.idempotency_key)
    return msgspec.json.encode(build_artifact(result, record))


def lineage_view(entity_id: str, edges: Sequence[Edge], next_cursor: str | None) -> dict[str, Any]:
    """Edges of an entity."""
    return {"entity_id": entity_id, "edges": edges, "next_cursor": next_cursor}


def decision_view(decision: DecisionRow) -> dict[str, Any]:
    """A decision."""
    return {
        "decision_id": decision.id,
        "run_id": decision.run_id,
        "action": decision.action,
        "reason_code": decision.reason_code,
        "comment": decision.comment,
        "actor_id": decision.actor_id,
        "decided_at": timestamp(decision.decided_at),
        "correlation_id": decision.correlation_id,
    }


def decisions_view(run: RunRow, decisions: Iterable[DecisionRow]) -> dict[str, Any]:
    """The decisions about a run."""
    return {"run_id": run.id, "decisions": [decision_view(one) for one in decisions]}


def operation_item(row: OperationRow) -> dict[str, Any]:
    """An operation in a list."""
    return {
        "operation_id": row.id,
        "operation_type": row.operation_type,
        "status": row.status,
        "is_executable": is_executable(row),
        "correlation_id": row.correlation_id,
        "created_at": timestamp(row.created_at),
        "started_at": row.started_at and timestamp(row.started_at),
        "finished_at": row.finished_at and timestamp(row.finished_at),
    }


def operation_view(row: OperationRow) -> dict[str, Any]:
    """An operation with what came of it."""
    error = None
    if row.error_code is not None:
        error = {"code": row.error_code, "message": row.error_message or ""}
    result = None if row.result is None else msgspec.Raw(row.result)
    return operation_item(row) | {"result": result, "error": error}


def accepted_view(row: OperationRow) -> dict[str, Any]:
    """An operation as it is accepted."""
    status_url = f"/rebalance/operations/{row.id}"
    return {
        "operation_id": row.id,
        "operation_type": row.operation_type,
        "status": "PENDING",
        "correlation_id": row.correlation_id,
        "created_at": timestamp(row.created_at),
        "status_url": status_url,
        "execute_url": f"{status_url}/execute",
    }
