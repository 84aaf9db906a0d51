"""The proposal's artifact as the OpenAPI document describes it.

The document itself is made by ``artifact``; tests hold the two together.

Source: contract dpm, section 13.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from steelyard.proposals.result_schemas import SuitabilityIssue
from steelyard.rebalance.result_schemas import GateDecision
from steelyard.rebalance.schemas import Money


class ProposalArtifactTakeaway(BaseModel):
    """One figure that a reader should take away."""

    code: str = Field(description="What it is.", examples=["STATUS"])
    value: str = Field(description="The figure, as text.", examples=["READY"])


class ProposalArtifactSummaryNote(BaseModel):
    """A note of the adviser."""

    code: str = Field(description="What it is about.", examples=["NOTE"])
    text: str = Field(description="The note.", examples=["Discussed on 3 February."])


class ProposalArtifactSummary(BaseModel):
    """The proposal in a few lines."""

    title: str = Field(description="What it is called.", examples=["Proposal for pf-1001"])
    objective_tags: list[str] = Field(
        default_factory=list, description="What it is for.", examples=[["RISK_ALIGNMENT"]]
    )
    advisor_notes: list[ProposalArtifactSummaryNote] = Field(
        default_factory=list, description="Notes of the adviser.", examples=[[]]
    )
    recommended_next_step: Literal["CLIENT_CONSENT", "RISK_REVIEW", "COMPLIANCE_REVIEW", "EXECUTION_READY", "NONE"] = (
        Field(description="What to do next.", examples=["CLIENT_CONSENT"])
    )
    key_takeaways: list[ProposalArtifactTakeaway] = Field(
        default_factory=list, description="Figures to take away.", examples=[[]]
    )


class ProposalArtifactPortfolioState(BaseModel):
    """A portfolio by its largest shares."""

    total_value: Money = Field(
        description="Value of everything, base currency.", examples=[{"amount": "1250.50", "currency": "CHF"}]
    )
    allocation_by_asset_class: list[dict[str, Any]] = Field(
        default_factory=list, description="Shares by asset class, the largest first.", examples=[[]]
    )
    allocation_by_instrument: list[dict[str, Any]] = Field(
        default_factory=list, description="Shares by instrument, the largest first.", examples=[[]]
    )


class ProposalArtifactWeightChange(BaseModel):
    """An instrument whose share changes."""

    bucket_type: Literal["INSTRUMENT"] = Field(description="What the bucket is.", examples=["INSTRUMENT"])
    bucket_id: str = Field(description="Which instrument.", examples=["ISIN_A"])
    weight_before: str = Field(description="Share before, 4 decimals.", examples=["0.1000"])
    weight_after: str = Field(description="Share after, 4 decimals.", examples=["0.1200"])
    delta: str = Field(description="After less before, 4 decimals.", examples=["0.0200"])


class ProposalArtifactPortfolioDelta(BaseModel):
    """What changes."""

    total_value_delta: Money = Field(
        description="Value after less value before.", examples=[{"amount": "1250.50", "currency": "CHF"}]
    )
    largest_weight_changes: list[ProposalArtifactWeightChange] = Field(
        default_factory=list, description="The largest changes of share.", examples=[[]]
    )


class ProposalArtifactPortfolioImpact(BaseModel):
    """The portfolio before and after."""

    before: ProposalArtifactPortfolioState = Field(description="As it is.", examples=[{}])
    after: ProposalArtifactPortfolioState = Field(description="As it will be.", examples=[{}])
    delta: ProposalArtifactPortfolioDelta = Field(description="Changes of value and shares.", examples=[{}])
    reconciliation: dict[str, Any] | None = Field(None, description="Whether value is conserved.", examples=[{}])


class ProposalArtifactTradeRationale(BaseModel):
    """Why a trade is proposed."""

    code: str = Field(description="Reason, for programs.", examples=["MANUAL_PROPOSAL"])
    message: str = Field(description="Reason, for people.", examples=["Proposed by the adviser"])


class ProposalArtifactTrade(BaseModel):
    """A trade."""

    intent_id: str = Field(description="Id of the order within the run.", examples=["oi_1"])
    type: Literal["SECURITY_TRADE"] = Field(description="Kind of the order.", examples=["SECURITY_TRADE"])
    instrument_id: str = Field(description="Which instrument.", examples=["ISIN_A"])
    side: Literal["BUY", "SELL"] = Field(description="Buy or sell.", examples=["BUY"])
    quantity: str = Field(description="Units.", examples=["40"])
    estimated_notional: Money | None = Field(
        None, description="Value in the currency of the price.", examples=[{"amount": "1250.50", "currency": "CHF"}]
    )
    estimated_notional_base: Money | None = Field(
        None, description="Value in base currency.", examples=[{"amount": "1250.50", "currency": "CHF"}]
    )
    dependencies: list[str] = Field(
        default_factory=list, description="Orders that come before.", examples=[["oi_fx_1"]]
    )
    rationale: ProposalArtifactTradeRationale = Field(
        description="Why it is proposed.", examples=[{"code": "MANUAL_PROPOSAL", "message": "Proposed by the adviser"}]
    )


class ProposalArtifactFx(BaseModel):
    """An exchange of currencies that funds purchases."""

    intent_id: str = Field(description="Id of the order within the run.", examples=["oi_fx_1"])
    pair: str = Field(description="Bought and sold currency.", examples=["USD/CHF"])
    buy_amount: str = Field(description="Amount bought.", examples=["1010"])
    sell_amount_estimated: str = Field(description="Amount sold, by the rate of the request.", examples=["893.1"])
    rate: str | None = Field(None, description="Rate of that pair, where the request has it.", examples=["0.8843"])


class ProposalArtifactExecutionNote(BaseModel):
    """Something to mind in execution."""

    code: str = Field(description="What it is.", examples=["DEPENDENCY"])
    text: str = Field(
        description="The note.", examples=["Execute an order only when those that it depends on are done."]
    )


class ProposalArtifactTradesAndFunding(BaseModel):
    """What is to be executed."""

    trade_list: list[ProposalArtifactTrade] = Field(default_factory=list, description="Trades.", examples=[[]])
    fx_list: list[ProposalArtifactFx] = Field(
        default_factory=list, description="Exchanges of currencies.", examples=[[]]
    )
    ordering_policy: str = Field(description="In which order.", examples=["CASH_FLOW->SELL->FX->BUY"])
    execution_notes: list[ProposalArtifactExecutionNote] = Field(
        default_factory=list, description="What to mind.", examples=[[]]
    )


class ProposalArtifactSuitabilityHighlight(BaseModel):
    """An issue in a sentence."""

    code: Literal["NEW", "RESOLVED", "PERSISTENT"] = Field(
        description="What the proposal does to it.", examples=["NEW"]
    )
    text: str = Field(description="The sentence.", examples=["Issuer ISS_A weighs 0.31, at most 0.20"])


class ProposalArtifactSuitabilitySummary(BaseModel):
    """What does not suit the client."""

    status: Literal["AVAILABLE", "NOT_AVAILABLE"] = Field(
        description="Whether there was a scan.", examples=["AVAILABLE"]
    )
    new_issues: int = Field(description="Issues that the proposal brings.", examples=[1])
    resolved_issues: int = Field(description="Issues that it ends.", examples=[0])
    persistent_issues: int = Field(description="Issues that stay.", examples=[0])
    highest_severity_new: Literal["LOW", "MEDIUM", "HIGH"] | None = Field(
        None, description="The gravest of the new ones.", examples=["HIGH"]
    )
    highlights: list[ProposalArtifactSuitabilityHighlight] = Field(
        default_factory=list, description="The first issues in a sentence each.", examples=[[]]
    )
    issues: list[SuitabilityIssue] = Field(default_factory=list, description="All issues.", examples=[[]])


class ProposalArtifactPricingAssumptions(BaseModel):
    """What prices the figures rest on."""

    market_data_snapshot_id: str = Field(description="Which market data.", examples=["md"])
    prices_as_of: str = Field(description="When prices are from.", examples=["md"])
    fx_as_of: str = Field(description="When rates are from.", examples=["md"])
    valuation_mode: str = Field(description="How holdings are valued.", examples=["CALCULATED"])


class ProposalArtifactInclusionFlag(BaseModel):
    """Whether something is part of the figures."""

    included: bool = Field(description="Whether it is.", examples=[False])
    notes: str = Field(description="In a sentence.", examples=["Taxes are not part of the figures."])


class ProposalArtifactAssumptionsAndLimits(BaseModel):
    """What the figures rest on and leave out."""

    pricing: ProposalArtifactPricingAssumptions = Field(description="Prices and rates.", examples=[{}])
    costs_and_fees: ProposalArtifactInclusionFlag = Field(description="Costs and fees.", examples=[{}])
    tax: ProposalArtifactInclusionFlag = Field(description="Taxes.", examples=[{}])
    execution: ProposalArtifactInclusionFlag = Field(description="Slippage and partial execution.", examples=[{}])


class ProposalArtifactProductDoc(BaseModel):
    """Where the document of a product is found."""

    instrument_id: str = Field(description="Which instrument.", examples=["ISIN_A"])
    doc_ref: str = Field(description="Its document.", examples=["KID/ISIN_A"])


class ProposalArtifactDisclosures(BaseModel):
    """What the client has to be told."""

    risk_disclaimer: str = Field(
        description="The disclaimer.",
        examples=["Simulated figures rest on the prices and rates named in this document."],
    )
    product_docs: list[ProposalArtifactProductDoc] = Field(
        default_factory=list, description="Documents of the traded products.", examples=[[]]
    )


class ProposalArtifactEvidenceInputs(BaseModel):
    """The request, part by part."""

    portfolio_snapshot: dict[str, Any] = Field(description="What is held.", examples=[{}])
    market_data_snapshot: dict[str, Any] = Field(description="Prices and rates.", examples=[{}])
    shelf_entries: list[dict[str, Any]] = Field(description="What is allowed.", examples=[[]])
    options: dict[str, Any] = Field(description="Constraints and switches.", examples=[{}])
    proposed_cash_flows: list[dict[str, Any]] = Field(description="Money in and out.", examples=[[]])
    proposed_trades: list[dict[str, Any]] = Field(description="Trades.", examples=[[]])
    reference_model: dict[str, Any] | None = Field(None, description="What drift is measured against.", examples=[None])


class ProposalArtifactEngineOutputs(BaseModel):
    """What the engine answered."""

    proposal_result: dict[str, Any] = Field(description="The result of the simulation.", examples=[{}])


class ProposalArtifactHashes(BaseModel):
    """Hashes that anyone can recompute."""

    request_hash: str = Field(description="Canonical hash of the request.", examples=["sha256:6b86b273ff34fce1"])
    artifact_hash: str = Field(
        description="Canonical hash of the artifact without its date and this.", examples=["sha256:6b86b273ff34fce1"]
    )


class ProposalArtifactEvidenceBundle(BaseModel):
    """Everything that the document rests on."""

    inputs: ProposalArtifactEvidenceInputs = Field(description="The request.", examples=[{}])
    engine_outputs: ProposalArtifactEngineOutputs = Field(description="The result.", examples=[{}])
    hashes: ProposalArtifactHashes = Field(description="Hashes of both.", examples=[{}])
    engine_version: str = Field(description="Version of the engine.", examples=["0.1.0"])


class ProposalArtifact(BaseModel):
    """A proposal as one document for client and file."""

    artifact_id: str = Field(description="Id of the document.", examples=["pa_1a2b3c4d"])
    proposal_run_id: str = Field(description="Id of the simulation.", examples=["pr_1a2b3c4d"])
    correlation_id: str = Field(description="Id under which the caller finds it.", examples=["corr_1a2b3c4d5e6f"])
    created_at: str = Field(description="When it was made.", examples=["2026-02-03T10:15:30.123456+00:00"])
    status: Literal["READY", "PENDING_REVIEW", "BLOCKED"] = Field(
        description="Outcome of the simulation.", examples=["READY"]
    )
    gate_decision: GateDecision = Field(description="Who has to look.", examples=[{}])
    summary: ProposalArtifactSummary = Field(description="In a few lines.", examples=[{}])
    portfolio_impact: ProposalArtifactPortfolioImpact = Field(
        description="What it does to the portfolio.", examples=[{}]
    )
    trades_and_funding: ProposalArtifactTradesAndFunding = Field(description="Orders to be executed.", examples=[{}])
    suitability_summary: ProposalArtifactSuitabilitySummary = Field(description="Issues of suitability.", examples=[{}])
    assumptions_and_limits: ProposalArtifactAssumptionsAndLimits = Field(
        description="What the figures rest on.", examples=[{}]
    )
    disclosures: ProposalArtifactDisclosures = Field(description="Risks and documents to be told of.", examples=[{}])
    evidence_bundle: ProposalArtifactEvidenceBundle = Field(description="Everything that it rests on.", examples=[{}])
