"""A proposal from the adviser's flows and trades to its consequences: one pure function.

Source: contract dpm, section 12.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

from steelyard.core.money import CONTEXT
from steelyard.proposals.drift import analyse_drift
from steelyard.proposals.funding import fund_purchases
from steelyard.proposals.suitability import scan_suitability
from steelyard.proposals.trades import price_trades
from steelyard.proposals.values import (
    Blotter,
    CashFlow,
    DriftAnalysis,
    ProposalRequest,
    ProposalResult,
    SuitabilityResult,
)
from steelyard.rebalance.gate import SuitabilityFinding, decide_gate
from steelyard.rebalance.market import Market, Shelf
from steelyard.rebalance.reconciliation import mismatch_rule, reconcile
from steelyard.rebalance.result import (
    Diagnostics,
    Explanation,
    FxSpot,
    GateDecision,
    Lineage,
    RuleResult,
    SecurityTrade,
)
from steelyard.rebalance.rules import evaluate_rules, status_of
from steelyard.rebalance.simulation import apply_intents, with_amounts
from steelyard.rebalance.valuation import Valuation, value_portfolio
from steelyard.rebalance.values import ONE, ZERO, CashBalance, Position, Status

ENGINE_VERSION = "0.1.0"
OVERDRAWN = "PROPOSAL_WITHDRAWAL_NEGATIVE_CASH"


@dataclass(frozen=True, slots=True)
class ProposalIdentity:
    """What a simulation is called; its run id follows from the request hash."""

    correlation_id: str
    request_hash: str
    idempotency_key: str | None = None

    @property
    def run_id(self) -> str:
        """The same for the same request."""
        return "pr_" + hashlib.sha256(self.request_hash.encode()).hexdigest()[:8]


def simulate_proposal(request: ProposalRequest, identity: ProposalIdentity) -> ProposalResult:
    """Answer one proposal: READY, PENDING_REVIEW or BLOCKED, with all that led to it."""
    with localcontext(CONTEXT):
        return _Simulation(request, identity).answer()


class _Simulation:
    """The stages of one simulation and what they hand on."""

    def __init__(self, request: ProposalRequest, identity: ProposalIdentity) -> None:
        self.request, self.identity, self.options = request, identity, request.options
        self.portfolio = request.portfolio_snapshot
        self.base = self.portfolio.base_currency
        self.market, self.shelf = Market(request.market_data_snapshot), Shelf(request.shelf_entries)
        self.diagnostics = Diagnostics()

    def answer(self) -> ProposalResult:
        portfolio, options = self.portfolio, self.options
        trust = options.valuation_mode == "TRUST_SNAPSHOT"
        before = self._value(portfolio.positions, portfolio.cash_balances, trust_snapshot=trust)
        cash = {row.currency: row.amount for row in reversed(portfolio.cash_balances)}
        blotter = Blotter({row.currency: cash[row.currency] for row in portfolio.cash_balances}, self.diagnostics)
        flows = self._cash_flows(blotter)
        trades = price_trades(
            self.request.proposed_trades,
            self.base,
            self.market,
            self.shelf,
            blotter,
            allow_restricted=options.allow_restricted,
        )
        sales = [trade for trade in trades if trade.side == "SELL"]
        for sale in sales:
            blotter.move(sale.notional.currency, sale.notional.amount)
        funded = fund_purchases(trades, self.base, self.market, options, blotter)
        orders: list[SecurityTrade | FxSpot] = [*sales, *funded.exchanges, *funded.purchases]
        after = self._after(blotter, orders)
        return self._judge(before, after, blotter, flows, orders)

    def _value(
        self, positions: Sequence[Position], cash: tuple[CashBalance, ...], *, trust_snapshot: bool = False
    ) -> Valuation:
        return value_portfolio(
            positions,
            cash,
            self.base,
            market=self.market,
            shelf=self.shelf,
            missing=self.diagnostics.data_quality,
            trust_snapshot=trust_snapshot,
        )

    def _cash_flows(self, blotter: Blotter) -> list[CashFlow]:
        flows = []
        for number, flow in enumerate(self.request.proposed_cash_flows, start=1):
            flows.append(CashFlow(f"oi_cf_{number}", flow.currency, flow.amount, flow.description))
            if blotter.move(flow.currency, flow.amount) < 0 and self.options.proposal_block_negative_cash:
                blotter.fail(OVERDRAWN)
        return flows

    def _after(self, blotter: Blotter, orders: Sequence[SecurityTrade | FxSpot]) -> Valuation:
        positions, _ = apply_intents(self.portfolio.positions, (), orders)
        return self._value(positions, with_amounts(self.portfolio.cash_balances, blotter.cash))

    def _judge(
        self,
        before: Valuation,
        after: Valuation,
        blotter: Blotter,
        flows: list[CashFlow],
        orders: list[SecurityTrade | FxSpot],
    ) -> ProposalResult:
        request, options, diagnostics = self.request, self.options, self.diagnostics
        rules = [*evaluate_rules(after, options, diagnostics), *_guard_rules(blotter)]
        status = status_of(rules)
        expected = before.total + self._in_base(flows)
        reconciliation = reconcile(before.total, after.total, self.base, expected=expected)
        if reconciliation.status == "MISMATCH":
            rules.append(mismatch_rule(reconciliation, expected=expected))
            status = "BLOCKED"
        drift = self._drift(before, after, orders)
        suitability = None
        if options.enable_suitability_scanner:
            suitability = scan_suitability(before, after, request, self.shelf)
        gate = None
        if options.enable_workflow_gates:
            gate = proposal_gate(status, rules, diagnostics, suitability, request)
        identity, portfolio, prices = self.identity, self.portfolio, request.market_data_snapshot
        return ProposalResult(
            proposal_run_id=identity.run_id,
            correlation_id=identity.correlation_id,
            status=status,
            before=before.state,
            intents=[*flows, *orders],
            after_simulated=after.state,
            reconciliation=reconciliation,
            rule_results=rules,
            explanation=Explanation(status),
            diagnostics=diagnostics,
            drift_analysis=drift,
            suitability=suitability,
            gate_decision=gate,
            lineage=Lineage(
                portfolio.snapshot_id or portfolio.portfolio_id,
                prices.snapshot_id or "md",
                identity.request_hash,
                identity.idempotency_key,
                ENGINE_VERSION,
            ),
        )

    def _in_base(self, flows: Sequence[CashFlow]) -> Decimal:
        return sum([flow.amount * (self.market.rate(flow.currency, self.base) or ZERO) for flow in flows], ZERO)

    def _drift(
        self, before: Valuation, after: Valuation, orders: Sequence[SecurityTrade | FxSpot]
    ) -> DriftAnalysis | None:
        model = self.request.reference_model
        if model is None or not self.options.enable_drift_analytics:
            return None
        traded = {order.instrument_id for order in orders if isinstance(order, SecurityTrade)}
        return analyse_drift(before, after, model, self.options, traded=traded, diagnostics=self.diagnostics)


def proposal_gate(
    status: Status,
    rules: Sequence[RuleResult],
    diagnostics: Diagnostics,
    suitability: SuitabilityResult | None,
    request: ProposalRequest,
) -> GateDecision:
    """Who has to look at a proposal; the client is always asked unless consent is there."""
    issues = suitability.issues if suitability is not None else []
    findings = [
        SuitabilityFinding(issue.issue_id, issue.issue_key, issue.severity)
        for issue in issues
        if issue.status_change == "NEW"
    ]
    return decide_gate(
        status, rules, diagnostics.data_quality, request.options, findings=findings, consent_is_default=True
    )


def _guard_rules(blotter: Blotter) -> list[RuleResult]:
    rows = []
    if blotter.failures:
        count, hint = Decimal(len(blotter.failures)), "Change the flows and trades that the warnings name."
        rows.append(
            RuleResult("PROPOSAL_INPUT_GUARDS", "HARD", "FAIL", count, {"max": ZERO}, blotter.failures[0], hint)
        )
    if blotter.needs_review:
        hint = "Supply the rates that the diagnostics name."
        rows.append(
            RuleResult("PROPOSAL_FUNDING_DQ", "SOFT", "FAIL", ONE, {"max": ZERO}, "MISSING_FX_FOR_FUNDING", hint)
        )
    return rows
