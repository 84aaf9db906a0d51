"""Runs, operations, reviews and lineage as the OpenAPI document describes them.

Source: contract dpm, sections 9 and 11.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from steelyard.rebalance.limits import COMMENT_CHARACTERS_MAX, NAME_CHARACTERS_MAX
from steelyard.rebalance.result_schemas import RebalanceResult
from steelyard.rebalance.schema_fields import (
    CorrelationId,
    CreatedAt,
    FinishedAt,
    IsExecutable,
    Key,
    NextCursor,
    OperationId,
    OperationStatus,
    OperationType,
    PortfolioId,
    PossibleKey,
    RequestHash,
    ReviewAction,
    RunId,
    StartedAt,
)


class DpmAsyncAcceptedResponse(BaseModel):
    """An analysis that was accepted to be run."""

    operation_id: OperationId
    operation_type: OperationType
    correlation_id: CorrelationId
    status: OperationStatus
    created_at: CreatedAt
    execute_url: str = Field(
        description="Where to have it run.", examples=["/rebalance/operations/dop_1a2b3c4d5e6f/execute"]
    )
    status_url: str = Field(
        description="Where to ask how far it is.", examples=["/rebalance/operations/dop_1a2b3c4d5e6f"]
    )


class DpmAsyncError(BaseModel):
    """Why an operation failed."""

    code: str = Field(description="Reason, for programs.", examples=["JOB_ATTEMPTS_EXCEEDED"])
    message: str = Field(description="Reason, for people.", examples=["the worker ended"])


class DpmAsyncOperationStatusResponse(BaseModel):
    """An operation and what came of it."""

    operation_id: OperationId
    operation_type: OperationType
    correlation_id: CorrelationId
    status: OperationStatus
    is_executable: IsExecutable
    created_at: CreatedAt
    started_at: StartedAt = None
    finished_at: FinishedAt = None
    result: dict[str, Any] | None = Field(None, description="What came of it.", examples=[{}])
    error: DpmAsyncError | None = Field(
        None, description="Why it failed.", examples=[{"code": "INTERNAL_ERROR", "message": "the job failed"}]
    )


class DpmAsyncOperationListItemResponse(BaseModel):
    """An operation in a list."""

    operation_id: OperationId
    operation_type: OperationType
    correlation_id: CorrelationId
    status: OperationStatus
    is_executable: IsExecutable
    created_at: CreatedAt
    started_at: StartedAt = None
    finished_at: FinishedAt = None


class DpmAsyncOperationListResponse(BaseModel):
    """Operations, newest first."""

    items: list[DpmAsyncOperationListItemResponse] = Field(default_factory=list, description="The page.", examples=[[]])
    next_cursor: NextCursor = None


class DpmRunLookupResponse(BaseModel):
    """A run with its result."""

    rebalance_run_id: RunId
    correlation_id: CorrelationId
    idempotency_key: PossibleKey = None
    request_hash: RequestHash
    portfolio_id: PortfolioId
    created_at: CreatedAt
    result: RebalanceResult = Field(description="What came of it.", examples=[{}])


class DpmRunListItemResponse(BaseModel):
    """A run in a list."""

    rebalance_run_id: RunId
    correlation_id: CorrelationId
    idempotency_key: PossibleKey = None
    request_hash: RequestHash
    portfolio_id: PortfolioId
    status: str = Field(description="How far it is, or its outcome.", examples=["SUCCEEDED"])
    created_at: CreatedAt


class DpmRunListResponse(BaseModel):
    """Runs, newest first."""

    items: list[DpmRunListItemResponse] = Field(default_factory=list, description="The page.", examples=[[]])
    next_cursor: NextCursor = None


class DpmRunIdempotencyLookupResponse(BaseModel):
    """The run that a key stands for."""

    rebalance_run_id: RunId
    idempotency_key: Key
    request_hash: RequestHash
    created_at: CreatedAt


class DpmRunIdempotencyHistoryItem(BaseModel):
    """One run of a key."""

    rebalance_run_id: RunId
    correlation_id: CorrelationId
    request_hash: RequestHash
    created_at: CreatedAt


class DpmRunIdempotencyHistoryResponse(BaseModel):
    """Every run that was computed under a key, oldest first."""

    idempotency_key: Key
    history: list[DpmRunIdempotencyHistoryItem] = Field(default_factory=list, description="Its runs.", examples=[[]])


class DpmRunArtifactHashes(BaseModel):
    """Hashes that anyone can recompute."""

    request_hash: RequestHash
    artifact_hash: str = Field(
        description="Canonical hash of the artifact without its hash.", examples=["sha256:d4735e3a265e16ee"]
    )


class DpmRunArtifactEvidence(BaseModel):
    """What an artifact rests on."""

    engine_version: str = Field(description="Version of the engine.", examples=["unknown"])
    hashes: DpmRunArtifactHashes = Field(
        description="Hashes.",
        examples=[{"request_hash": "sha256:6b86b273ff34fce1", "artifact_hash": "sha256:d4735e3a265e16ee"}],
    )
    run_created_at: str = Field(description="When the run was made.", examples=["2026-02-03T10:15:30.123456+00:00"])


class DpmRunArtifactResponse(BaseModel):
    """A run as one document."""

    artifact_id: str = Field(description="Id of the artifact.", examples=["dra_1a2b3c4d"])
    artifact_version: str = Field(description="Version of the document.", examples=["1.0"])
    rebalance_run_id: RunId
    correlation_id: CorrelationId
    idempotency_key: PossibleKey = None
    portfolio_id: PortfolioId
    status: str = Field(description="How far it is, or its outcome.", examples=["SUCCEEDED"])
    result: RebalanceResult = Field(description="What came of it.", examples=[{}])
    after_summary: dict[str, Any] = Field(description="The portfolio after.", examples=[{}])
    before_summary: dict[str, Any] = Field(description="The portfolio before.", examples=[{}])
    diagnostics: dict[str, Any] = Field(default_factory=dict, description="What the run noticed.", examples=[{}])
    evidence: DpmRunArtifactEvidence = Field(description="What it rests on.", examples=[{}])
    order_intents: list[dict[str, Any]] = Field(default_factory=list, description="The orders.", examples=[[]])
    request_snapshot: dict[str, Any] = Field(description="What was asked.", examples=[{"portfolio_id": "pf-1001"}])
    rule_outcomes: list[dict[str, Any]] = Field(
        default_factory=list, description="The rules and how they held.", examples=[[]]
    )


class DpmLineageEdgeResponse(BaseModel):
    """One step from a source to a target."""

    created_at: CreatedAt
    source_entity_id: str = Field(description="Where the edge begins.", examples=["corr_1a2b3c4d5e6f"])
    edge_type: Literal["CORRELATION_TO_RUN", "IDEMPOTENCY_TO_RUN", "OPERATION_TO_CORRELATION"] = Field(
        description="Kind of the edge.", examples=["CORRELATION_TO_RUN"]
    )
    target_entity_id: str = Field(description="Where it ends.", examples=["rr_1a2b3c4d"])
    metadata: dict[str, Any] = Field(
        default_factory=dict, description="Further facts.", examples=[{"request_hash": "sha256:6b86b273ff34fce1"}]
    )


class DpmLineageResponse(BaseModel):
    """Edges that begin or end at an entity, oldest first."""

    entity_id: str = Field(description="Whose edges.", examples=["rr_1a2b3c4d"])
    edges: list[DpmLineageEdgeResponse] = Field(default_factory=list, description="The edges.", examples=[[]])
    next_cursor: str | None = Field(
        None,
        description="Where the next page begins; null on the last.",
        examples=["2026-02-03T10:15:30.123456+00:00|key-1|IDEMPOTENCY_TO_RUN|rr_1a2b3c4d"],
    )


class DpmRunWorkflowActionRequest(BaseModel):
    """What a reviewer decides."""

    action: ReviewAction
    reason_code: str = Field(
        pattern="^[A-Z][A-Z0-9_]*$",
        max_length=NAME_CHARACTERS_MAX,
        description="Why, for programs.",
        examples=["REVIEWED"],
    )
    comment: str | None = Field(
        None, max_length=COMMENT_CHARACTERS_MAX, description="In words.", examples=["cash is on its way"]
    )
    actor_id: str = Field(max_length=NAME_CHARACTERS_MAX, description="Who decides.", examples=["reviewer-7"])


class DpmRunWorkflowDecisionResponse(BaseModel):
    """A decision about a run."""

    decision_id: str = Field(description="Id of the decision.", examples=["dwd_1a2b3c4d5e6f"])
    run_id: RunId
    correlation_id: CorrelationId
    action: ReviewAction
    reason_code: str = Field(description="Why, for programs.", examples=["REVIEWED"])
    comment: str | None = Field(None, description="In words.", examples=["cash is on its way"])
    actor_id: str = Field(description="Who decides.", examples=["reviewer-7"])
    decided_at: str = Field(description="When.", examples=["2026-02-03T10:15:30.123456+00:00"])


class DpmRunWorkflowHistoryResponse(BaseModel):
    """Decisions about a run, oldest first."""

    run_id: RunId
    decisions: list[DpmRunWorkflowDecisionResponse] = Field(
        default_factory=list, description="The decisions.", examples=[[]]
    )


class DpmRunWorkflowResponse(BaseModel):
    """Whether a run needs review, and where that stands."""

    run_id: RunId
    latest_decision: DpmRunWorkflowDecisionResponse | None = Field(
        None, description="The newest decision.", examples=[{}]
    )
    requires_review: bool = Field(description="Whether the run is reviewed.", examples=[True])
    run_status: str = Field(description="Outcome of the run.", examples=["PENDING_REVIEW"])
    workflow_status: Literal["NOT_REQUIRED", "PENDING_REVIEW", "APPROVED", "REJECTED"] = Field(
        description="Where the review stands.", examples=["APPROVED"]
    )


class DpmWorkflowDecisionListResponse(BaseModel):
    """Decisions, newest first."""

    items: list[DpmRunWorkflowDecisionResponse] = Field(default_factory=list, description="The page.", examples=[[]])
    next_cursor: NextCursor = None


class DpmRunSupportBundleResponse(BaseModel):
    """Everything about a run."""

    run: DpmRunLookupResponse = Field(description="The run.", examples=[{}])
    artifact: DpmRunArtifactResponse | None = Field(None, description="Its artifact.", examples=[{}])
    async_operation: DpmAsyncOperationStatusResponse | None = Field(
        None, description="The operation of its correlation id.", examples=[{}]
    )
    idempotency_history: DpmRunIdempotencyHistoryResponse | None = Field(
        None, description="The runs of its key.", examples=[{}]
    )
    lineage: DpmLineageResponse = Field(description="Its edges.", examples=[{}])
    workflow_history: DpmRunWorkflowHistoryResponse = Field(description="The decisions about it.", examples=[{}])


class DpmSupportabilitySummaryResponse(BaseModel):
    """How much of what is recorded."""

    store_backend: str = Field(description="Where it is kept.", examples=["SQL"])
    retention_days: int = Field(description="Days that runs are kept; 0: for ever.", examples=[0])
    lineage_edge_count: int = Field(description="Edges.", examples=[27])
    newest_operation_created_at: str | None = Field(
        None, description="When the newest operation was made.", examples=["2026-02-03T10:15:30.123456+00:00"]
    )
    newest_run_created_at: str | None = Field(
        None, description="When the newest run was made.", examples=["2026-02-03T10:15:30.123456+00:00"]
    )
    oldest_operation_created_at: str | None = Field(
        None, description="When the oldest operation was made.", examples=["2026-02-03T10:15:30.123456+00:00"]
    )
    oldest_run_created_at: str | None = Field(
        None, description="When the oldest run was made.", examples=["2026-02-03T10:15:30.123456+00:00"]
    )
    operation_count: int = Field(description="Operations.", examples=[3])
    operation_status_counts: dict[str, int] = Field(
        default_factory=dict, description="Operations by status.", examples=[{"SUCCEEDED": 3}]
    )
    run_count: int = Field(description="Runs.", examples=[12])
    run_status_counts: dict[str, int] = Field(
        default_factory=dict, description="Runs by status.", examples=[{"READY": 12}]
    )
    workflow_action_counts: dict[str, int] = Field(
        default_factory=dict, description="Decisions by action.", examples=[{"APPROVE": 1}]
    )
    workflow_decision_count: int = Field(description="Decisions.", examples=[1])
    workflow_reason_code_counts: dict[str, int] = Field(
        default_factory=dict, description="Decisions by reason.", examples=[{"REVIEWED": 1}]
    )
