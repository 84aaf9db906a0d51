"""The answers of the advisory simulation as the OpenAPI document describes them.

The answers themselves are written by the engine (``values``); tests hold the two together.

Source: contract dpm, sections 12 and 13.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from steelyard.rebalance.result_schemas import (
    DiagnosticsData,
    FxSpotIntent,
    GateDecision,
    LineageData,
    Reconciliation,
    RuleResult,
    SecurityTradeIntent,
    SimulatedState,
)


class CashFlowIntent(BaseModel):
    """Money that the client brings or takes, under its own id."""

    intent_type: Literal["CASH_FLOW"] = Field("CASH_FLOW", description="Kind of the order.", examples=["CASH_FLOW"])
    intent_id: str = Field(description="Id of the order within the run.", examples=["oi_cf_1"])
    currency: str = Field(description="Currency code.", examples=["CHF"])
    amount: Decimal = Field(description="Amount, either sign.", examples=["-5000.00"])
    description: str | None = Field(None, description="What it is for.", examples=["client instruction"])


class DriftReferenceModelSummary(BaseModel):
    """Which model drift was measured against."""

    model_id: str = Field(description="Name of the model.", examples=["mdl_balanced"])
    as_of: str = Field(description="Its day.", examples=["2026-02-01"])
    base_currency: str = Field(description="Its currency.", examples=["CHF"])


class DriftBucketDetail(BaseModel):
    """One bucket's distance from the model, before and after."""

    bucket: str = Field(description="Name of the bucket.", examples=["EQUITY"])
    model_weight: Decimal = Field(description="Share in the model.", examples=["0.60"])
    portfolio_weight_before: Decimal = Field(description="Share before.", examples=["0.70"])
    portfolio_weight_after: Decimal = Field(description="Share after.", examples=["0.62"])
    drift_before: Decimal = Field(description="Share before less share in the model.", examples=["0.10"])
    drift_after: Decimal = Field(description="Share after less share in the model.", examples=["0.02"])
    abs_drift_before: Decimal = Field(description="Distance before.", examples=["0.10"])
    abs_drift_after: Decimal = Field(description="Distance after.", examples=["0.02"])
    improvement: Decimal = Field(description="How much nearer it came.", examples=["0.08"])


class DriftDimensionAnalysis(BaseModel):
    """All buckets of a dimension; totals are half the sum of distances."""

    drift_total_before: Decimal = Field(description="Drift before.", examples=["0.10"])
    drift_total_after: Decimal = Field(description="Drift after.", examples=["0.02"])
    drift_total_delta: Decimal = Field(description="After less before.", examples=["-0.08"])
    top_contributors_before: list[DriftBucketDetail] = Field(
        default_factory=list, description="The buckets that were farthest off.", examples=[[]]
    )
    buckets: list[DriftBucketDetail] = Field(default_factory=list, description="All buckets, by name.", examples=[[]])


class DriftHighlightEntry(BaseModel):
    """A bucket that came nearer to the model, or went farther from it."""

    bucket: str = Field(description="Name of the bucket.", examples=["EQUITY"])
    improvement: Decimal = Field(description="How much nearer it came.", examples=["0.08"])


class DriftUnmodeledExposure(BaseModel):
    """A bucket that the model does not know."""

    bucket: str = Field(description="Name of the bucket.", examples=["CRYPTO"])
    portfolio_weight_before: Decimal = Field(description="Share before.", examples=["0.03"])
    portfolio_weight_after: Decimal = Field(description="Share after.", examples=["0.03"])
    max_portfolio_weight: Decimal = Field(description="The larger of both.", examples=["0.03"])


class DriftHighlights(BaseModel):
    """What stands out."""

    largest_improvements: list[DriftHighlightEntry] = Field(
        default_factory=list, description="Buckets that came nearer, the most first.", examples=[[]]
    )
    largest_deteriorations: list[DriftHighlightEntry] = Field(
        default_factory=list, description="Buckets that went farther, the most first.", examples=[[]]
    )
    unmodeled_exposures: list[DriftUnmodeledExposure] = Field(
        default_factory=list, description="Buckets that the model does not know.", examples=[[]]
    )


class DriftAnalysis(BaseModel):
    """How far from the reference model, before and after."""

    reference_model: DriftReferenceModelSummary = Field(description="Which model.", examples=[{}])
    asset_class: DriftDimensionAnalysis = Field(description="By asset class.", examples=[{}])
    instrument: DriftDimensionAnalysis | None = Field(
        None, description="By instrument, where the model has them.", examples=[None]
    )
    highlights: DriftHighlights = Field(description="Buckets worth a look.", examples=[{}])


class SuitabilityEvidenceSnapshotIds(BaseModel):
    """What an issue was seen in."""

    portfolio_snapshot_id: str = Field(description="Which portfolio.", examples=["pf-1001"])
    market_data_snapshot_id: str = Field(description="Which market data.", examples=["md"])


class SuitabilityEvidence(BaseModel):
    """When and in what an issue was seen."""

    as_of: str = Field(description="The market data.", examples=["md"])
    snapshot_ids: SuitabilityEvidenceSnapshotIds = Field(description="The snapshots.", examples=[{}])


class SuitabilityIssue(BaseModel):
    """Something that does not suit the client."""

    issue_id: str = Field(description="Kind of the issue.", examples=["SUIT_ISSUER_MAX"])
    issue_key: str = Field(description="Which one of its kind.", examples=["ISSUER_MAX|ISS_A"])
    dimension: Literal["CONCENTRATION", "ISSUER", "LIQUIDITY", "GOVERNANCE", "CASH", "DATA_QUALITY"] = Field(
        description="What it concerns.", examples=["ISSUER"]
    )
    severity: Literal["LOW", "MEDIUM", "HIGH"] = Field(description="How grave it is.", examples=["HIGH"])
    status_change: Literal["NEW", "RESOLVED", "PERSISTENT"] = Field(
        description="What the proposal does to it.", examples=["NEW"]
    )
    summary: str = Field(description="The issue in a sentence.", examples=["Issuer ISS_A weighs 0.31, at most 0.20"])
    details: dict[str, str] = Field(
        default_factory=dict, description="Facts behind it.", examples=[{"issuer_id": "ISS_A", "threshold": "0.20"}]
    )
    evidence: SuitabilityEvidence = Field(description="What it was seen in.", examples=[{}])


class SuitabilitySummary(BaseModel):
    """How many issues of which."""

    new_count: int = Field(description="Issues that the proposal brings.", examples=[1])
    resolved_count: int = Field(description="Issues that it ends.", examples=[0])
    persistent_count: int = Field(description="Issues that stay.", examples=[0])
    highest_severity_new: Literal["LOW", "MEDIUM", "HIGH"] | None = Field(
        None, description="The gravest of the new ones.", examples=["HIGH"]
    )


class SuitabilityResult(BaseModel):
    """The scan for what does not suit the client."""

    summary: SuitabilitySummary = Field(description="How many of which.", examples=[{}])
    issues: list[SuitabilityIssue] = Field(
        default_factory=list, description="The issues, the gravest new ones first.", examples=[[]]
    )
    recommended_gate: Literal["NONE", "RISK_REVIEW", "COMPLIANCE_REVIEW"] = Field(
        description="Who should look.", examples=["NONE"]
    )


class ProposalResult(BaseModel):
    """What a proposal does to the portfolio, with everything needed to retrace it."""

    proposal_run_id: str = Field(description="Id of the run; the same for the same request.", examples=["pr_1a2b3c4d"])
    correlation_id: str = Field(description="Id under which the caller finds it.", examples=["corr_1a2b3c4d5e6f"])
    status: Literal["READY", "BLOCKED", "PENDING_REVIEW"] = Field(description="Outcome.", examples=["READY"])
    before: SimulatedState = Field(description="The portfolio as it is.", examples=[{}])
    intents: list[
        Annotated[CashFlowIntent | SecurityTradeIntent | FxSpotIntent, Field(discriminator="intent_type")]
    ] = Field(description="Flows and orders, in the order of execution.", examples=[[]])
    after_simulated: SimulatedState = Field(description="The portfolio after them.", examples=[{}])
    reconciliation: Reconciliation | None = Field(None, description="Whether value is conserved.", examples=[{}])
    rule_results: list[RuleResult] = Field(
        default_factory=list, description="The rules and how they held.", examples=[[]]
    )
    explanation: dict[str, Any] = Field(description="The outcome in a word.", examples=[{"summary": "READY"}])
    diagnostics: DiagnosticsData = Field(description="What the run noticed.", examples=[{}])
    drift_analysis: DriftAnalysis | None = Field(
        None, description="Distance from the reference model.", examples=[None]
    )
    suitability: SuitabilityResult | None = Field(None, description="What does not suit the client.", examples=[{}])
    gate_decision: GateDecision | None = Field(None, description="Who has to look.", examples=[{}])
    lineage: LineageData = Field(description="What the answer was made of.", examples=[{}])
