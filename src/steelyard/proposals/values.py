"""The values of an advisory request and of its answer.

Source: contract dpm, sections 5, 12 and 13.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from steelyard.rebalance.result import (
    Diagnostics,
    Explanation,
    FxSpot,
    GateDecision,
    Lineage,
    Reconciliation,
    RuleResult,
    SecurityTrade,
    SimulatedState,
    encode_result,
)
from steelyard.rebalance.values import (
    EngineOptions,
    MarketDataSnapshot,
    Money,
    PortfolioSnapshot,
    Severity,
    ShelfEntry,
    Status,
)

StatusChange = Literal["NEW", "PERSISTENT", "RESOLVED"]
RecommendedGate = Literal["NONE", "RISK_REVIEW", "COMPLIANCE_REVIEW"]


class ProposedCashFlow(Struct, frozen=True, gc=False):
    """Money that the client brings (+) or takes (-)."""

    currency: str
    amount: Decimal
    description: str | None = None
    intent_type: Literal["CASH_FLOW"] = "CASH_FLOW"


class ProposedTrade(Struct, frozen=True, gc=False):
    """What the adviser wants to trade: either a quantity or a notional."""

    side: Literal["BUY", "SELL"]
    instrument_id: str
    quantity: Decimal | None = None
    notional: Money | None = None
    intent_type: Literal["SECURITY_TRADE"] = "SECURITY_TRADE"


class AssetClassTarget(Struct, frozen=True, gc=False):
    """The share that an asset class should have."""

    asset_class: str
    weight: Decimal


class InstrumentTarget(Struct, frozen=True, gc=False):
    """The share that an instrument should have."""

    instrument_id: str
    weight: Decimal


class ReferenceModel(Struct, frozen=True, gc=False):
    """What drift is measured against."""

    model_id: str
    as_of: str
    base_currency: str
    asset_class_targets: tuple[AssetClassTarget, ...] = ()
    instrument_targets: tuple[InstrumentTarget, ...] = ()


class ProposalRequest(Struct, frozen=True, gc=False):
    """Everything that a proposal depends on."""

    portfolio_snapshot: PortfolioSnapshot
    market_data_snapshot: MarketDataSnapshot
    shelf_entries: tuple[ShelfEntry, ...]
    options: EngineOptions = EngineOptions()
    proposed_cash_flows: tuple[ProposedCashFlow, ...] = ()
    proposed_trades: tuple[ProposedTrade, ...] = ()
    reference_model: ReferenceModel | None = None


class CashFlow(Struct, frozen=True, gc=False, tag_field="intent_type", tag="CASH_FLOW"):
    """A cash flow under its own id."""

    intent_id: str
    currency: str
    amount: Decimal
    description: str | None


class FundingPlanEntry(Struct, frozen=True, gc=False):
    """What a currency needs for its purchases, and who pays; rounded to the currency's cents."""

    target_currency: str
    required: Decimal
    available_before_fx: Decimal
    fx_needed: Decimal
    fx_pair: str | None = None
    funding_currency: str | None = None


class InsufficientCash(Struct, frozen=True, gc=False):
    """The currency that came nearest to paying, and what it lacked."""

    currency: str
    deficit: Decimal


class DriftBucket(Struct, frozen=True, gc=False):
    """One bucket's distance from the model before and after; unrounded."""

    bucket: str
    model_weight: Decimal
    portfolio_weight_before: Decimal
    portfolio_weight_after: Decimal
    drift_before: Decimal
    drift_after: Decimal
    abs_drift_before: Decimal
    abs_drift_after: Decimal
    improvement: Decimal


class DriftDimension(Struct, frozen=True, gc=False):
    """All buckets of a dimension; the totals are half the sum of absolute drifts."""

    drift_total_before: Decimal
    drift_total_after: Decimal
    drift_total_delta: Decimal
    top_contributors_before: list[DriftBucket]
    buckets: list[DriftBucket]


class DriftHighlight(Struct, frozen=True, gc=False):
    """A bucket that came nearer to the model, or went further from it."""

    bucket: str
    improvement: Decimal


class UnmodeledExposure(Struct, frozen=True, gc=False):
    """A bucket that the model does not know and that weighs something."""

    bucket: str
    portfolio_weight_before: Decimal
    portfolio_weight_after: Decimal
    max_portfolio_weight: Decimal


class DriftHighlights(Struct, frozen=True, gc=False):
    """What stands out."""

    largest_improvements: list[DriftHighlight]
    largest_deteriorations: list[DriftHighlight]
    unmodeled_exposures: list[UnmodeledExposure]


class ReferenceSummary(Struct, frozen=True, gc=False):
    """Which model it was."""

    model_id: str
    as_of: str
    base_currency: str


class DriftAnalysis(Struct, frozen=True, gc=False):
    """How far from the reference model, before and after."""

    reference_model: ReferenceSummary
    asset_class: DriftDimension
    instrument: DriftDimension | None
    highlights: DriftHighlights


class SnapshotIds(Struct, frozen=True, gc=False):
    """What an issue was seen in."""

    portfolio_snapshot_id: str
    market_data_snapshot_id: str


class Evidence(Struct, frozen=True, gc=False):
    """When and in what an issue was seen."""

    as_of: str
    snapshot_ids: SnapshotIds


class SuitabilityIssue(Struct, frozen=True, gc=False):
    """Something that does not suit the client, and whether the proposal brings, keeps or ends it."""

    issue_id: str
    issue_key: str
    dimension: str
    severity: Severity
    status_change: StatusChange
    summary: str
    details: dict[str, str]
    evidence: Evidence


class SuitabilitySummary(Struct, frozen=True, gc=False):
    """How many of which."""

    new_count: int
    resolved_count: int
    persistent_count: int
    highest_severity_new: Severity | None


class SuitabilityResult(Struct, frozen=True, gc=False):
    """The scan."""

    summary: SuitabilitySummary
    issues: list[SuitabilityIssue]
    recommended_gate: RecommendedGate


class ProposalResult(Struct, frozen=True, gc=False):
    """What the proposal does to the portfolio, with everything needed to retrace it."""

    proposal_run_id: str
    correlation_id: str
    status: Status
    before: SimulatedState
    intents: list[CashFlow | SecurityTrade | FxSpot]
    after_simulated: SimulatedState
    reconciliation: Reconciliation
    rule_results: list[RuleResult]
    explanation: Explanation
    diagnostics: Diagnostics
    drift_analysis: DriftAnalysis | None
    suitability: SuitabilityResult | None
    gate_decision: GateDecision | None
    lineage: Lineage

    def to_bytes(self) -> bytes:
        """The body of an answer: JSON, UTF-8, decimals as text."""
        return encode_result(self)

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values, decimals as text."""
        plain: dict[str, Any] = msgspec.json.decode(self.to_bytes())
        return plain


class Blotter(Struct):
    """What a proposal's stages hand on: cash as it stands, orders so far, and what failed.

    Attributes:
        failures: reasons that block, in the order in which they were found, repeats included.
        needs_review: whether missing rates were let pass.
    """

    cash: dict[str, Decimal]
    diagnostics: Diagnostics
    failures: list[str] = field(default_factory=list)
    needs_review: bool = False

    def fail(self, reason: str) -> None:
        """Note a reason that blocks, as a warning too."""
        self.diagnostics.warn(reason)
        self.failures.append(reason)

    def move(self, currency: str, amount: Decimal) -> Decimal:
        """Book a flow; the new balance is the answer."""
        self.cash[currency] = self.cash.get(currency, Decimal(0)) + amount
        return self.cash[currency]
