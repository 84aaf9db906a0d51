"""The artifact of a run: its decision as one document with a hash that anyone can recompute.

The hash is the canonical hash of the document without every key named ``artifact_hash``.

Source: contract dpm, section 11.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from steelyard.core.canonical import canonical_hash
from steelyard.rebalance.result import RebalanceResult

ARTIFACT_VERSION = "1.0"
UNKNOWN_ENGINE = "unknown"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What is stored beside a result.

    Attributes:
        created_at: ISO 8601 with an offset.
    """

    portfolio_id: str
    request_hash: str
    created_at: str
    idempotency_key: str | None = None


def build_artifact(result: RebalanceResult, record: RunRecord) -> dict[str, Any]:
    """The artifact as plain values, its hash included."""
    plain = result.to_dict()
    artifact: dict[str, Any] = {
        "artifact_id": "dra_" + result.rebalance_run_id.removeprefix("rr_"),
        "artifact_version": ARTIFACT_VERSION,
        "rebalance_run_id": result.rebalance_run_id,
        "correlation_id": result.correlation_id,
        "idempotency_key": record.idempotency_key,
        "portfolio_id": record.portfolio_id,
        "status": result.status,
        "request_snapshot": {"portfolio_id": record.portfolio_id, "request_hash": record.request_hash},
        "before_summary": plain["before"],
        "after_summary": plain["after_simulated"],
        "order_intents": plain["intents"],
        "rule_outcomes": plain["rule_results"],
        "diagnostics": plain["diagnostics"],
        "result": plain,
        "evidence": {
            "engine_version": plain["lineage"]["engine_version"] or UNKNOWN_ENGINE,
            "run_created_at": record.created_at,
            "hashes": {"request_hash": record.request_hash},
        },
    }
    artifact["evidence"]["hashes"]["artifact_hash"] = hash_without(artifact, "artifact_hash")
    return artifact


def hash_without(document: Any, *keys: str) -> str:
    """The canonical hash of a document without the keys of these names, at every level."""
    return canonical_hash(_without(document, frozenset(keys)))


def _without(value: Any, keys: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {key: _without(item, keys) for key, item in value.items() if key not in keys}
    if isinstance(value, list):
        return [_without(item, keys) for item in value]
    return value
