"""Stored proposals as the OpenAPI document describes them: bodies that are accepted, answers that are given.

Source: contract dpm, section 14.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field

from steelyard.proposals.artifact_schemas import ProposalArtifact
from steelyard.proposals.lifecycle import ApprovalType, Event, State
from steelyard.proposals.limits import (
    NOTES_CHARACTERS_MAX,
    REASON_CHARACTERS_MAX,
    TITLE_CHARACTERS_MAX,
    VERSION_NO_MAX,
)
from steelyard.proposals.result_schemas import ProposalResult
from steelyard.proposals.schemas import ProposalSimulateRequest
from steelyard.rebalance.limits import NAME_CHARACTERS_MAX
from steelyard.rebalance.result_schemas import GateDecision


def _storable(value: dict[str, Any]) -> dict[str, Any]:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if len(text) > REASON_CHARACTERS_MAX:
        raise ValueError(f"its JSON has {len(text)} characters; {REASON_CHARACTERS_MAX} are kept")
    return value


def _kept_as_it_is(value: str) -> str:
    if "\0" in value:
        raise ValueError("it has a NUL, which would not be kept, and hashes would differ")
    return value


Name = Annotated[str, Field(max_length=NAME_CHARACTERS_MAX), AfterValidator(_kept_as_it_is)]
Note = Annotated[str, Field(min_length=1, max_length=NOTES_CHARACTERS_MAX), AfterValidator(_kept_as_it_is)]
JsonObject = Annotated[dict[str, Any], AfterValidator(_storable)]
VersionNumber = Annotated[int, Field(ge=0, le=VERSION_NO_MAX)]


class ProposalCreateMetadata(BaseModel):
    """How a proposal is called and under what it runs."""

    title: Annotated[str, Field(max_length=TITLE_CHARACTERS_MAX), AfterValidator(_kept_as_it_is)] | None = Field(
        None, description="What it is called.", examples=["2026 tactical growth"]
    )
    advisor_notes: Annotated[str, Field(max_length=NOTES_CHARACTERS_MAX), AfterValidator(_kept_as_it_is)] | None = (
        Field(None, description="Notes of the adviser.", examples=["Client wants less cash."])
    )
    jurisdiction: Name | None = Field(None, description="Whose law applies.", examples=["SG"])
    mandate_id: Name | None = Field(None, description="Which mandate it belongs to.", examples=["mandate-growth"])


class ProposalCreateRequest(BaseModel):
    """A proposal to be created."""

    created_by: Name = Field(description="Who makes it.", examples=["advisor-12"])
    simulate_request: ProposalSimulateRequest = Field(description="What is proposed.", examples=[{}])
    metadata: ProposalCreateMetadata = Field(ProposalCreateMetadata(), description="How it is called.", examples=[{}])


class ProposalVersionRequest(BaseModel):
    """A version to be added to a proposal."""

    created_by: Name = Field(description="Who makes it.", examples=["advisor-12"])
    simulate_request: ProposalSimulateRequest = Field(description="What is proposed.", examples=[{}])


class ProposalStateTransitionRequest(BaseModel):
    """What should happen to a proposal."""

    event_type: Event = Field(description="What should happen.", examples=["SUBMITTED_FOR_RISK_REVIEW"])
    actor_id: Name = Field(description="Who does it.", examples=["risk-officer-7"])
    expected_state: State | None = Field(
        None, description="Where the caller saw the proposal; another state is a conflict.", examples=["RISK_REVIEW"]
    )
    reason: JsonObject = Field(
        default_factory=dict, description="Why, in the words of the caller.", examples=[{"comment": "ready for review"}]
    )
    related_version_no: VersionNumber | None = Field(None, description="Which version it concerns.", examples=[1])
    override_note: Note | None = Field(
        None,
        description="Why soft breaches of the version are accepted; beyond the contract.",
        examples=["Client asked to keep the cash for a purchase in March."],
    )


class ProposalApprovalRequest(BaseModel):
    """An approval, or its refusal."""

    approval_type: ApprovalType = Field(description="What is approved.", examples=["RISK"])
    approved: bool = Field(description="Whether it is approved or refused.", examples=[True])
    actor_id: Name = Field(description="Who does it.", examples=["risk-officer-7"])
    expected_state: State | None = Field(
        None, description="Where the caller saw the proposal; another state is a conflict.", examples=["RISK_REVIEW"]
    )
    details: JsonObject = Field(default_factory=dict, description="Facts behind it.", examples=[{"ref": "R1"}])
    related_version_no: VersionNumber | None = Field(None, description="Which version it concerns.", examples=[1])
    override_note: Note | None = Field(
        None,
        description="Why soft breaches of the version are accepted; beyond the contract.",
        examples=["Client asked to keep the cash for a purchase in March."],
    )


class ProposalSummary(BaseModel):
    """A proposal as it stands."""

    proposal_id: str = Field(description="Id of the proposal.", examples=["pp_1a2b3c4d5e6f"])
    portfolio_id: str = Field(description="Which portfolio.", examples=["pf-1001"])
    mandate_id: str | None = Field(None, description="Which mandate it belongs to.", examples=["mandate-growth"])
    jurisdiction: str | None = Field(None, description="Whose law applies.", examples=["SG"])
    created_by: str = Field(description="Who made it.", examples=["advisor-12"])
    created_at: str = Field(description="When it was made.", examples=["2026-02-03T10:15:30.123456+00:00"])
    last_event_at: str = Field(
        description="When something happened to it last.", examples=["2026-02-03T10:15:30.123456+00:00"]
    )
    current_state: State = Field(description="Where it stands.", examples=["DRAFT"])
    current_version_no: int = Field(description="Its newest version.", examples=[1])
    title: str | None = Field(None, description="What it is called.", examples=["2026 tactical growth"])


class ProposalVersionDetail(BaseModel):
    """A version, which never changes."""

    proposal_version_id: str = Field(description="Id of the version.", examples=["ppv_1a2b3c4d5e6f"])
    proposal_id: str = Field(description="Id of the proposal.", examples=["pp_1a2b3c4d5e6f"])
    version_no: int = Field(description="Number of the version, from 1.", examples=[1])
    created_at: str = Field(description="When it was made.", examples=["2026-02-03T10:15:30.123456+00:00"])
    status_at_creation: Literal["READY", "PENDING_REVIEW", "BLOCKED"] = Field(
        description="Outcome of its simulation.", examples=["READY"]
    )
    request_hash: str = Field(
        description="Canonical hash of the body that asked for it.", examples=["sha256:6b86b273ff34fce1"]
    )
    simulation_hash: str = Field(description="Canonical hash of its result.", examples=["sha256:6b86b273ff34fce1"])
    artifact_hash: str = Field(description="Canonical hash of its artifact.", examples=["sha256:6b86b273ff34fce1"])
    proposal_result: ProposalResult = Field(description="Its simulation.", examples=[{}])
    artifact: ProposalArtifact = Field(description="Its document.", examples=[{}])
    evidence_bundle: dict[str, Any] = Field(
        default_factory=dict,
        description="What the document rests on; empty where it is not asked for, or not kept.",
        examples=[{}],
    )
    gate_decision: GateDecision | None = Field(None, description="Who has to look.", examples=[{}])


class ProposalVersionLineageItem(BaseModel):
    """A version by its hashes."""

    proposal_version_id: str = Field(description="Id of the version.", examples=["ppv_1a2b3c4d5e6f"])
    version_no: int = Field(description="Number of the version, from 1.", examples=[1])
    created_at: str = Field(description="When it was made.", examples=["2026-02-03T10:15:30.123456+00:00"])
    status_at_creation: Literal["READY", "PENDING_REVIEW", "BLOCKED"] = Field(
        description="Outcome of its simulation.", examples=["READY"]
    )
    request_hash: str = Field(
        description="Canonical hash of the body that asked for it.", examples=["sha256:6b86b273ff34fce1"]
    )
    simulation_hash: str = Field(description="Canonical hash of its result.", examples=["sha256:6b86b273ff34fce1"])
    artifact_hash: str = Field(description="Canonical hash of its artifact.", examples=["sha256:6b86b273ff34fce1"])


class ProposalWorkflowEvent(BaseModel):
    """Something that happened to a proposal."""

    event_id: str = Field(description="Id of the event.", examples=["pwe_1a2b3c4d5e6f"])
    proposal_id: str = Field(description="Id of the proposal.", examples=["pp_1a2b3c4d5e6f"])
    event_type: Event = Field(description="What happened.", examples=["RISK_APPROVED"])
    from_state: State | None = Field(None, description="Where the proposal stood.", examples=["RISK_REVIEW"])
    to_state: State = Field(description="Where it stood then.", examples=["AWAITING_CLIENT_CONSENT"])
    actor_id: str = Field(description="Who did it.", examples=["risk-officer-7"])
    occurred_at: str = Field(description="When it happened.", examples=["2026-02-03T10:15:30.123456+00:00"])
    reason: dict[str, Any] = Field(default_factory=dict, description="Why.", examples=[{"comment": "within limits"}])
    related_version_no: int | None = Field(None, description="Which version it concerned.", examples=[1])


class ProposalApprovalRecord(BaseModel):
    """An approval, or its refusal, as it was given."""

    approval_id: str = Field(description="Id of the approval.", examples=["pap_1a2b3c4d5e6f"])
    proposal_id: str = Field(description="Id of the proposal.", examples=["pp_1a2b3c4d5e6f"])
    approval_type: ApprovalType = Field(description="What is approved.", examples=["RISK"])
    approved: bool = Field(description="Whether it is approved or refused.", examples=[True])
    actor_id: str = Field(description="Who gave it.", examples=["risk-officer-7"])
    occurred_at: str = Field(description="When it was given.", examples=["2026-02-03T10:15:30.123456+00:00"])
    details: dict[str, Any] = Field(default_factory=dict, description="Facts behind it.", examples=[{"ref": "R1"}])
    related_version_no: int | None = Field(None, description="Which version it concerned.", examples=[1])


class ProposalCreateResponse(BaseModel):
    """A proposal with a version and what happened to it last."""

    proposal: ProposalSummary = Field(description="The proposal as it stands.", examples=[{}])
    version: ProposalVersionDetail = Field(description="The version.", examples=[{}])
    latest_workflow_event: ProposalWorkflowEvent = Field(description="What happened last.", examples=[{}])


class ProposalDetailResponse(BaseModel):
    """A proposal with its newest version."""

    proposal: ProposalSummary = Field(description="The proposal as it stands.", examples=[{}])
    current_version: ProposalVersionDetail = Field(description="Its newest version.", examples=[{}])
    last_gate_decision: GateDecision | None = Field(
        None, description="Who has to look at the newest version.", examples=[{}]
    )


class ProposalListResponse(BaseModel):
    """Proposals, newest first."""

    items: list[ProposalSummary] = Field(default_factory=list, description="The page.", examples=[[]])
    next_cursor: str | None = Field(
        None, description="Where the next page begins; null on the last.", examples=["pp_1a2b3c4d5e6f"]
    )


class ProposalStateTransitionResponse(BaseModel):
    """What came of a transition or an approval."""

    proposal_id: str = Field(description="Id of the proposal.", examples=["pp_1a2b3c4d5e6f"])
    current_state: State = Field(description="Where the proposal stands now.", examples=["RISK_REVIEW"])
    latest_workflow_event: ProposalWorkflowEvent = Field(description="What happened.", examples=[{}])
    approval: ProposalApprovalRecord | None = Field(None, description="The approval, if it was one.", examples=[None])


class ProposalWorkflowTimelineResponse(BaseModel):
    """Everything that happened to a proposal."""

    proposal_id: str = Field(description="Id of the proposal.", examples=["pp_1a2b3c4d5e6f"])
    current_state: State = Field(description="Where it stands.", examples=["RISK_REVIEW"])
    events: list[ProposalWorkflowEvent] = Field(
        default_factory=list, description="What happened, oldest first.", examples=[[]]
    )


class ProposalApprovalsResponse(BaseModel):
    """Who approved or refused what."""

    proposal_id: str = Field(description="Id of the proposal.", examples=["pp_1a2b3c4d5e6f"])
    approvals: list[ProposalApprovalRecord] = Field(
        default_factory=list, description="Approvals and refusals, oldest first.", examples=[[]]
    )


class ProposalLineageResponse(BaseModel):
    """The hashes of everything that was proposed."""

    proposal: ProposalSummary = Field(description="The proposal as it stands.", examples=[{}])
    versions: list[ProposalVersionLineageItem] = Field(
        default_factory=list, description="Its versions, oldest first.", examples=[[]]
    )


class ProposalIdempotencyLookupResponse(BaseModel):
    """What a key of idempotency stands for."""

    idempotency_key: str = Field(description="The key.", examples=["key-1"])
    request_hash: str = Field(description="Canonical hash of its body.", examples=["sha256:6b86b273ff34fce1"])
    proposal_id: str = Field(description="Id of the proposal.", examples=["pp_1a2b3c4d5e6f"])
    proposal_version_no: int = Field(description="The version that it made.", examples=[1])
    created_at: str = Field(description="When it was made.", examples=["2026-02-03T10:15:30.123456+00:00"])


class ProposalAsyncAcceptedResponse(BaseModel):
    """An operation as it is accepted."""

    operation_id: str = Field(description="Id of the operation.", examples=["pop_1a2b3c4d5e6f"])
    operation_type: Literal["CREATE_PROPOSAL", "CREATE_PROPOSAL_VERSION"] = Field(
        description="Kind of the operation.", examples=["CREATE_PROPOSAL"]
    )
    status: Literal["PENDING", "RUNNING", "SUCCEEDED", "FAILED"] = Field(
        description="How far it is, or its outcome.", examples=["SUCCEEDED"]
    )
    correlation_id: str = Field(description="Id under which the caller finds it.", examples=["corr_1a2b3c4d5e6f"])
    created_at: str = Field(description="When it was made.", examples=["2026-02-03T10:15:30.123456+00:00"])
    status_url: str = Field(
        description="Where to ask how far it is.", examples=["/rebalance/proposals/operations/pop_1a2b3c4d5e6f"]
    )


class ProposalAsyncError(BaseModel):
    """Why an operation failed."""

    code: str = Field(description="Reason, for programs.", examples=["ProposalValidationError"])
    message: str = Field(
        description="Reason, for people.", examples=["PORTFOLIO_CONTEXT_MISMATCH: the version is for another portfolio"]
    )


class ProposalAsyncOperationStatusResponse(BaseModel):
    """An operation and what came of it."""

    operation_id: str = Field(description="Id of the operation.", examples=["pop_1a2b3c4d5e6f"])
    operation_type: Literal["CREATE_PROPOSAL", "CREATE_PROPOSAL_VERSION"] = Field(
        description="Kind of the operation.", examples=["CREATE_PROPOSAL"]
    )
    status: Literal["PENDING", "RUNNING", "SUCCEEDED", "FAILED"] = Field(
        description="How far it is, or its outcome.", examples=["SUCCEEDED"]
    )
    correlation_id: str = Field(description="Id under which the caller finds it.", examples=["corr_1a2b3c4d5e6f"])
    idempotency_key: str | None = Field(None, description="Key of idempotency.", examples=["key-1"])
    proposal_id: str | None = Field(None, description="The proposal, once it is known.", examples=["pp_1a2b3c4d5e6f"])
    created_by: str = Field(description="Who made it.", examples=["advisor-12"])
    created_at: str = Field(description="When it was made.", examples=["2026-02-03T10:15:30.123456+00:00"])
    started_at: str | None = Field(None, description="When it began.", examples=["2026-02-03T10:15:30.123456+00:00"])
    finished_at: str | None = Field(None, description="When it ended.", examples=["2026-02-03T10:15:30.123456+00:00"])
    result: ProposalCreateResponse | None = Field(None, description="What came of it.", examples=[{}])
    error: ProposalAsyncError | None = Field(None, description="Why it failed.", examples=[None])


class ProposalSupportabilityConfigResponse(BaseModel):
    """How proposals are configured."""

    store_backend: str = Field(description="What they are kept in.", examples=["SQL"])
    backend_ready: bool = Field(description="Whether it can be used.", examples=[True])
    backend_init_error: str | None = Field(None, description="Why it cannot.", examples=[None])
    lifecycle_enabled: bool = Field(description="Whether proposals are kept at all.", examples=[True])
    support_apis_enabled: bool = Field(description="Whether the routes of support are on.", examples=[True])
    async_operations_enabled: bool = Field(description="Whether proposals are made in the background.", examples=[True])
    store_evidence_bundle: bool = Field(description="Whether evidence is shown beside the artifact.", examples=[True])
    require_expected_state: bool = Field(
        description="Whether a move must say where the caller saw the proposal.", examples=[True]
    )
    allow_portfolio_id_change_on_new_version: bool = Field(
        description="Whether a version may be another portfolio's.", examples=[False]
    )
    require_proposal_simulation_flag: bool = Field(
        description="Whether the simulation flag must be set.", examples=[True]
    )
    four_eyes_required: bool = Field(
        False,
        description="Whether a review needs two approvers who did not make the proposal; beyond the contract.",
        examples=[False],
    )
    override_note_required: bool = Field(
        False, description="Whether soft breaches are approved with a note only; beyond the contract.", examples=[False]
    )
    execution_ready_expiry_days: int = Field(
        0,
        description="Days after which an executable proposal expires, 0 for never; beyond the contract.",
        examples=[0],
    )
