"""The answers of the DPM routes as the OpenAPI document describes them.

The answers themselves are written by the engine (``result``, ``what_if``); tests hold the two together.

Source: contract dpm, section 5.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from steelyard.rebalance.schema_fields import (
    CorrelationId,
    CurrencyCode,
    InstrumentId,
    PortfolioId,
    RequestHash,
    RunId,
    RunStatus,
    Share,
)
from steelyard.rebalance.schemas import CashBalance, Money


class AllocationMetric(BaseModel):
    """What one bucket is worth."""

    key: str = Field(description="Name of the bucket.", examples=["EQUITY"])
    weight: Share
    value: Money = Field(
        description="What the bucket is worth, base currency.", examples=[{"amount": "1250.50", "currency": "CHF"}]
    )


class PositionSummary(BaseModel):
    """A holding and what it is worth."""

    instrument_id: InstrumentId
    quantity: Decimal = Field(description="Units.", examples=["120"])
    instrument_currency: str = Field(description="Currency of its price.", examples=["USD"])
    asset_class: str = Field("UNKNOWN", description="Asset class of the allocation.", examples=["EQUITY"])
    price: Money | None = Field(
        None, description="Price of one unit.", examples=[{"amount": "1250.50", "currency": "CHF"}]
    )
    value_in_instrument_ccy: Money = Field(
        description="Value in the currency of the price.", examples=[{"amount": "1250.50", "currency": "CHF"}]
    )
    value_in_base_ccy: Money = Field(
        description="Value in base currency.", examples=[{"amount": "1250.50", "currency": "CHF"}]
    )
    weight: Share


class SimulatedState(BaseModel):
    """A portfolio and how it is allocated, before or after the trades."""

    total_value: Money = Field(
        description="Value of everything, base currency.", examples=[{"amount": "1250.50", "currency": "CHF"}]
    )
    cash_balances: list[CashBalance] = Field(default_factory=list, description="Cash by currency.", examples=[[]])
    positions: list[PositionSummary] = Field(default_factory=list, description="Holdings.", examples=[[]])
    allocation_by_asset_class: list[AllocationMetric] = Field(
        default_factory=list, description="Allocation by asset class, cash last.", examples=[[]]
    )
    allocation_by_instrument: list[AllocationMetric] = Field(
        default_factory=list, description="Allocation by instrument.", examples=[[]]
    )
    allocation: list[AllocationMetric] = Field(
        default_factory=list, description="The same as by instrument.", examples=[[]]
    )
    allocation_by_attribute: dict[str, list[AllocationMetric]] = Field(
        default_factory=dict, description="Allocation by each attribute of the shelf.", examples=[{}]
    )


class ExcludedInstrument(BaseModel):
    """An instrument that may not be traded freely, and why."""

    instrument_id: InstrumentId
    reason_code: str = Field(description="Why it is excluded.", examples=["SHELF_STATUS_BANNED"])
    details: str | None = Field(None, description="Further facts.", examples=[None])


class UniverseCoverage(BaseModel):
    """1 on the normal path, 0 where a run is blocked early."""

    price_coverage_pct: Decimal = Field(description="Prices found, as a share.", examples=["1"])
    fx_coverage_pct: Decimal = Field(description="Rates found, as a share.", examples=["1"])


class UniverseData(BaseModel):
    """What may be bought, what may be sold, and what neither."""

    universe_id: str = Field(description="Id of the universe.", examples=["u_rr_1a2b3c4d"])
    eligible_for_buy: list[str] = Field(default_factory=list, description="What may be bought.", examples=[["ISIN_A"]])
    eligible_for_sell: list[str] = Field(default_factory=list, description="What may be sold.", examples=[["ISIN_A"]])
    excluded: list[ExcludedInstrument] = Field(
        default_factory=list, description="What may be neither, and why.", examples=[[]]
    )
    coverage: UniverseCoverage = Field(
        description="Whether data were complete.", examples=[{"price_coverage_pct": "1", "fx_coverage_pct": "1"}]
    )


class TargetInstrument(BaseModel):
    """From the weight of the model to the one aimed at."""

    instrument_id: InstrumentId
    model_weight: Decimal = Field(description="Weight of the model.", examples=["0.25"])
    final_weight: Decimal = Field(description="Weight aimed at.", examples=["0.20"])
    final_value: Money = Field(
        description="Value aimed at, base currency.", examples=[{"amount": "1250.50", "currency": "CHF"}]
    )
    tags: list[str] = Field(
        default_factory=list, description="What happened in between.", examples=[["CAPPED_BY_MAX_WEIGHT"]]
    )


class TargetData(BaseModel):
    """The targets of a run."""

    target_id: str = Field(description="Id of the target.", examples=["t_rr_1a2b3c4d"])
    targets: list[TargetInstrument] = Field(
        description="Targets in the order of the model, then what is held beside it.", examples=[[]]
    )
    strategy: dict[str, Any] = Field(description="Empty; kept for clients that expect it.", examples=[{}])


class IntentRationale(BaseModel):
    """Why an order exists."""

    code: str = Field(description="Reason, for programs.", examples=["DRIFT_REBALANCE"])
    message: str = Field(description="Reason, for people.", examples=["Trade towards the target weight"])


class SecurityTradeIntent(BaseModel):
    """An order for one instrument."""

    intent_type: Literal["SECURITY_TRADE"] = Field(
        "SECURITY_TRADE", description="Kind of the order.", examples=["SECURITY_TRADE"]
    )
    intent_id: str = Field(description="Id of the order within the run.", examples=["oi_1"])
    instrument_id: InstrumentId
    side: Literal["BUY", "SELL"] = Field(description="Buy or sell.", examples=["BUY"])
    quantity: Decimal | None = Field(None, description="Units.", examples=["120"])
    notional: Money | None = Field(
        None, description="Value in the currency of the price.", examples=[{"amount": "1250.50", "currency": "CHF"}]
    )
    notional_base: Money | None = Field(
        None, description="Value in base currency.", examples=[{"amount": "1250.50", "currency": "CHF"}]
    )
    dependencies: list[str] = Field(
        default_factory=list, description="Orders that come before.", examples=[["oi_fx_3"]]
    )
    rationale: IntentRationale | None = Field(
        None,
        description="Why the order exists.",
        examples=[{"code": "DRIFT_REBALANCE", "message": "Trade towards the target weight"}],
    )
    constraints_applied: list[str] = Field(
        default_factory=list, description="What bounded it.", examples=[["MIN_NOTIONAL"]]
    )


class FxSpotIntent(BaseModel):
    """An exchange of one currency for another."""

    intent_type: Literal["FX_SPOT"] = Field("FX_SPOT", description="Kind of the order.", examples=["FX_SPOT"])
    intent_id: str = Field(description="Id of the order within the run.", examples=["oi_1"])
    pair: str = Field(description="Pair of currencies, foreign/base.", examples=["USD/CHF"])
    buy_currency: str = Field(description="Currency bought.", examples=["USD"])
    buy_amount: Decimal = Field(description="Amount bought.", examples=["1010.00"])
    sell_currency: str = Field(description="Currency sold.", examples=["CHF"])
    sell_amount_estimated: Decimal = Field(description="Amount sold, by the rate of the request.", examples=["893.10"])
    dependencies: list[str] = Field(
        default_factory=list, description="Orders that come before.", examples=[["oi_fx_3"]]
    )
    rationale: IntentRationale | None = Field(
        None,
        description="Why the order exists.",
        examples=[{"code": "DRIFT_REBALANCE", "message": "Trade towards the target weight"}],
    )


class Reconciliation(BaseModel):
    """Whether the value after the trades is the value before."""

    before_total_value: Money = Field(description="Value before.", examples=[{"amount": "1250.50", "currency": "CHF"}])
    after_total_value: Money = Field(description="Value after.", examples=[{"amount": "1250.50", "currency": "CHF"}])
    delta: Money = Field(description="After less before.", examples=[{"amount": "1250.50", "currency": "CHF"}])
    tolerance: Money = Field(description="Most that may differ.", examples=[{"amount": "1250.50", "currency": "CHF"}])
    status: Literal["OK", "MISMATCH"] = Field(description="Whether they agree.", examples=["OK"])


class TaxImpact(BaseModel):
    """Gains and losses that the sales realise, in base currency."""

    total_realized_gain: Money = Field(
        description="Gains realised.", examples=[{"amount": "1250.50", "currency": "CHF"}]
    )
    total_realized_loss: Money = Field(
        description="Losses realised, as an amount above zero.", examples=[{"amount": "1250.50", "currency": "CHF"}]
    )
    budget_limit: Money | None = Field(
        None, description="Budget of gains.", examples=[{"amount": "1250.50", "currency": "CHF"}]
    )
    budget_used: Money | None = Field(
        None, description="What of it was used.", examples=[{"amount": "1250.50", "currency": "CHF"}]
    )


class RuleResult(BaseModel):
    """One rule, what was measured and whether it held."""

    rule_id: str = Field(description="Which rule.", examples=["CASH_BAND"])
    severity: Literal["HARD", "SOFT", "INFO"] = Field(description="How grave a breach is.", examples=["HARD"])
    status: Literal["PASS", "FAIL"] = Field(description="Whether it held.", examples=["PASS"])
    measured: Decimal = Field(description="What was measured.", examples=["0.03"])
    threshold: dict[str, Decimal] = Field(
        description="What it was held against.", examples=[{"min": "0.01", "max": "0.05"}]
    )
    reason_code: str = Field(description="Reason, for programs.", examples=["THRESHOLD_BREACH"])
    remediation_hint: str | None = Field(None, description="What may help.", examples=["Relax the cash band"])


class SuppressedIntent(BaseModel):
    """A trade too small to be worth its cost."""

    instrument_id: InstrumentId
    reason: str = Field(description="Why.", examples=["BELOW_MIN_NOTIONAL"])
    intended_notional: Money = Field(
        description="Notional it would have had.", examples=[{"amount": "1250.50", "currency": "CHF"}]
    )
    threshold: Money = Field(description="Least notional.", examples=[{"amount": "1250.50", "currency": "CHF"}])


class DroppedIntent(BaseModel):
    """A trade that the turnover budget had no room for."""

    instrument_id: InstrumentId
    reason: str = Field(description="Why.", examples=["TURNOVER_LIMIT"])
    potential_notional: Money = Field(
        description="Notional it would have had.", examples=[{"amount": "1250.50", "currency": "CHF"}]
    )
    score: Decimal = Field(description="Share of the portfolio by which it was ranked.", examples=["0.0125"])


class GroupConstraintEvent(BaseModel):
    """A group cap that bound, and who received what it released."""

    constraint_key: str = Field(description="Which cap, attribute:value.", examples=["sector:TECH"])
    group_weight_before: Decimal = Field(description="Weight of the group before.", examples=["0.45"])
    max_weight: Decimal = Field(description="Most it may weigh.", examples=["0.30"])
    released_weight: Decimal = Field(description="Weight given to others.", examples=["0.15"])
    recipients: dict[str, Decimal] = Field(
        default_factory=dict, description="Who received how much.", examples=[{"ISIN_B": "0.15"}]
    )
    status: Literal["CAPPED", "BLOCKED"] = Field(description="Whether the weight found a place.", examples=["CAPPED"])


class TaxBudgetConstraintEvent(BaseModel):
    """A sale that the gains budget cut."""

    instrument_id: InstrumentId
    requested_quantity: Decimal = Field(description="Units that were to be sold.", examples=["100"])
    allowed_quantity: Decimal = Field(description="Units that the budget allows.", examples=["51.5"])
    reason_code: str = Field(description="Reason, for programs.", examples=["TAX_BUDGET_LIMIT_REACHED"])


class CashLadderPoint(BaseModel):
    """Cash of one currency some days from now."""

    date_offset: int = Field(description="Days from now.", examples=[2])
    currency: CurrencyCode
    projected_balance: Decimal = Field(description="Cash on that day.", examples=["-120.00"])


class CashLadderBreach(BaseModel):
    """A day on which cash is below what is allowed."""

    date_offset: int = Field(description="Days from now.", examples=[2])
    currency: CurrencyCode
    projected_balance: Decimal = Field(description="Cash on that day.", examples=["-120.00"])
    allowed_floor: Decimal = Field(description="Least cash allowed.", examples=["0"])
    reason_code: str = Field(description="Reason, for programs.", examples=["OVERDRAFT_ON_T_PLUS_2"])


class FundingPlanEntry(BaseModel):
    """How the purchases of one currency are funded."""

    available_before_fx: Decimal = Field(description="Amount that was there.", examples=["250.00"])
    funding_currency: str | None = Field(None, description="Currency that pays.", examples=["CHF"])
    fx_needed: Decimal = Field(description="Amount exchanged for.", examples=["750.00"])
    fx_pair: str | None = Field(None, description="Pair of the exchange.", examples=["USD/CHF"])
    required: Decimal = Field(description="Amount needed.", examples=["1000.00"])
    target_currency: str = Field(description="Currency of the purchases.", examples=["USD"])


class InsufficientCashEntry(BaseModel):
    """What is missing to fund a currency."""

    currency: CurrencyCode
    deficit: Decimal = Field(description="Amount missing.", examples=["80.00"])


class DiagnosticsData(BaseModel):
    """What a run noticed on its way."""

    warnings: list[str] = Field(default_factory=list, description="Codes of what deserves attention.", examples=[[]])
    suppressed_intents: list[SuppressedIntent] = Field(
        default_factory=list, description="Trades left out as dust.", examples=[[]]
    )
    dropped_intents: list[DroppedIntent] = Field(
        default_factory=list, description="Trades left out for turnover.", examples=[[]]
    )
    group_constraint_events: list[GroupConstraintEvent] = Field(
        default_factory=list, description="Group caps that bound.", examples=[[]]
    )
    tax_budget_constraint_events: list[TaxBudgetConstraintEvent] = Field(
        default_factory=list, description="Sales that the gains budget cut.", examples=[[]]
    )
    cash_ladder: list[CashLadderPoint] = Field(
        default_factory=list, description="Cash by day and currency.", examples=[[]]
    )
    cash_ladder_breaches: list[CashLadderBreach] = Field(
        default_factory=list, description="Days below the floor.", examples=[[]]
    )
    missing_fx_pairs: list[str] = Field(
        default_factory=list, description="Pairs that funding missed; advisory only.", examples=[[]]
    )
    funding_plan: list[FundingPlanEntry] = Field(
        default_factory=list, description="How currencies are funded; advisory only.", examples=[[]]
    )
    insufficient_cash: list[InsufficientCashEntry] = Field(
        default_factory=list, description="What funding missed; advisory only.", examples=[[]]
    )
    data_quality: dict[str, list[str]] = Field(
        description="What was asked for and not there.",
        examples=[{"price_missing": [], "fx_missing": [], "shelf_missing": []}],
    )


class GateReason(BaseModel):
    """One reason for a gate, and who gives it."""

    reason_code: str = Field(description="Reason, for programs.", examples=["HARD_RULE_FAIL:DATA_QUALITY"])
    severity: Literal["LOW", "MEDIUM", "HIGH"] = Field(description="How grave it is.", examples=["HIGH"])
    source: Literal["RULE_ENGINE", "SUITABILITY", "DATA_QUALITY"] = Field(
        description="Who gives the reason.", examples=["RULE_ENGINE"]
    )
    details: dict[str, str] = Field(
        default_factory=dict, description="Facts behind the reason.", examples=[{"reason_code": "MISSING_DATA"}]
    )


class GateDecisionSummary(BaseModel):
    """How many of what led to the gate."""

    hard_fail_count: int = Field(description="Hard rules that failed.", examples=[0])
    soft_fail_count: int = Field(description="Soft rules that failed.", examples=[1])
    new_high_suitability_count: int = Field(description="New issues of high severity.", examples=[0])
    new_medium_suitability_count: int = Field(description="New issues of medium severity.", examples=[0])


class GateDecision(BaseModel):
    """Who has to look at a result before it may be executed."""

    gate: Literal[
        "BLOCKED",
        "RISK_REVIEW_REQUIRED",
        "COMPLIANCE_REVIEW_REQUIRED",
        "CLIENT_CONSENT_REQUIRED",
        "EXECUTION_READY",
        "NONE",
    ] = Field(description="Who has to look.", examples=["RISK_REVIEW_REQUIRED"])
    recommended_next_step: Literal[
        "FIX_INPUT", "RISK_REVIEW", "COMPLIANCE_REVIEW", "REQUEST_CLIENT_CONSENT", "EXECUTE", "NONE"
    ] = Field(description="What to do next.", examples=["RISK_REVIEW"])
    reasons: list[GateReason] = Field(default_factory=list, description="Why.", examples=[[]])
    summary: GateDecisionSummary = Field(description="How many of what.", examples=[{}])


class LineageData(BaseModel):
    """What an answer was made of."""

    portfolio_snapshot_id: PortfolioId
    market_data_snapshot_id: str = Field(description="Which market data.", examples=["md"])
    request_hash: RequestHash
    idempotency_key: str | None = Field(None, description="Key of idempotency; null in DPM.", examples=["key-1"])
    engine_version: str | None = Field(None, description="Version of the engine; null in DPM.", examples=["0.1.0"])


class RebalanceResult(BaseModel):
    """The audit bundle of a run: everything needed to retrace its decision."""

    rebalance_run_id: RunId
    correlation_id: CorrelationId
    status: RunStatus
    before: SimulatedState = Field(description="The portfolio as it is.", examples=[{}])
    universe: UniverseData = Field(description="What may be traded.", examples=[{}])
    target: TargetData = Field(description="What is aimed at.", examples=[{}])
    intents: list[Annotated[SecurityTradeIntent | FxSpotIntent, Field(discriminator="intent_type")]] = Field(
        description="Orders, in the order of execution.", examples=[[]]
    )
    after_simulated: SimulatedState = Field(description="The portfolio after the orders.", examples=[{}])
    reconciliation: Reconciliation | None = Field(None, description="Whether value is conserved.", examples=[{}])
    tax_impact: TaxImpact | None = Field(None, description="Gains and losses realised.", examples=[{}])
    rule_results: list[RuleResult] = Field(
        default_factory=list, description="The rules and how they held.", examples=[[]]
    )
    explanation: dict[str, Any] = Field(
        description="The outcome in a word, and the comparison of methods.", examples=[{"summary": "READY"}]
    )
    diagnostics: DiagnosticsData = Field(description="What the run noticed.", examples=[{}])
    gate_decision: GateDecision | None = Field(None, description="Who has to look.", examples=[{}])
    lineage: LineageData = Field(description="What the answer was made of.", examples=[{}])


class BatchScenarioMetric(BaseModel):
    """A scenario in three figures."""

    status: RunStatus
    security_intent_count: int = Field(description="Orders for instruments.", examples=[4])
    gross_turnover_notional_base: Money = Field(
        description="Value of those orders, base currency.", examples=[{"amount": "1250.50", "currency": "CHF"}]
    )


class BatchRebalanceResult(BaseModel):
    """The results of the scenarios and how they compare."""

    batch_run_id: str = Field(description="Id of the analysis.", examples=["batch_1a2b3c4d"])
    run_at_utc: str = Field(description="When it ran.", examples=["2026-02-03T10:15:30.123456+00:00"])
    base_snapshot_ids: dict[str, str] = Field(
        description="The snapshots that all scenarios share.",
        examples=[{"portfolio_snapshot_id": "ps-1", "market_data_snapshot_id": "md-1"}],
    )
    results: dict[str, RebalanceResult] = Field(default_factory=dict, description="Result by scenario.", examples=[{}])
    comparison_metrics: dict[str, BatchScenarioMetric] = Field(
        default_factory=dict, description="Figures by scenario.", examples=[{}]
    )
    failed_scenarios: dict[str, str] = Field(
        default_factory=dict,
        description="Reason by scenario that failed.",
        examples=[{"wild": "INVALID_OPTIONS: Input should be less than or equal to 10"}],
    )
    warnings: list[str] = Field(default_factory=list, description="Codes of what deserves attention.", examples=[[]])
