"""One rebalance, from holdings and model to orders: a pure function over frozen values.

Every well-formed request is answered: READY, PENDING_REVIEW or BLOCKED, each with all that led to
it.  The stages run in the order of the contract and write what they notice into one diary.

Source: contract dpm, section 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

from steelyard.core.money import CONTEXT
from steelyard.rebalance.cash_repair import repair_cash
from steelyard.rebalance.columns import Tables
from steelyard.rebalance.comparison import METHODS, compare_methods
from steelyard.rebalance.compiled import CompiledRun, is_ready, run_compiled
from steelyard.rebalance.equivalents import use_equivalents
from steelyard.rebalance.funding import fund_trades
from steelyard.rebalance.gate import decide_gate
from steelyard.rebalance.intents import TradePlan, plan_trades
from steelyard.rebalance.lot_guard import LotGuard
from steelyard.rebalance.market import Market, Shelf
from steelyard.rebalance.reconciliation import mismatch_rule, reconcile
from steelyard.rebalance.result import (
    COVERED,
    NOT_COVERED,
    Coverage,
    Diagnostics,
    Explanation,
    Intent,
    Lineage,
    MethodComparison,
    RebalanceResult,
    Reconciliation,
    RuleResult,
    SecurityTrade,
    SimulatedState,
    TargetData,
    TargetInstrument,
    TaxImpact,
    UniverseData,
)
from steelyard.rebalance.rules import Measures, evaluate_rules, judge, status_of
from steelyard.rebalance.settlement import ladder_rule, project_settlement
from steelyard.rebalance.simulation import units_after
from steelyard.rebalance.targets import Targets, trace_targets
from steelyard.rebalance.tax_lots import GainsBudget
from steelyard.rebalance.trade_modes import Repricing, restrict_trades
from steelyard.rebalance.turnover import cap_turnover, report_dropped
from steelyard.rebalance.universe import Universe, build_universe
from steelyard.rebalance.valuation import Valuation, value_portfolio, value_units
from steelyard.rebalance.values import RebalanceRequest, Status


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """What a run is called; the caller decides, so that the engine needs no clock and no dice."""

    run_id: str
    correlation_id: str
    request_hash: str


def rebalance(
    request: RebalanceRequest,
    identity: RunIdentity,
    *,
    market: Market | None = None,
    shelf: Shelf | None = None,
    tables: Tables | None = None,
) -> RebalanceResult:
    """Answer one request; ``market``, ``shelf`` and ``tables`` are its own, indexed, for runs that share them."""
    with localcontext(CONTEXT):
        compiled = run_compiled(request, identity.run_id, tables, shelf) if is_ready() else None
        if compiled is not None:
            return _result_of(compiled, request, identity)
        run = _Run(
            request,
            identity,
            market or Market(request.market_data_snapshot),
            shelf or Shelf(request.shelf_entries),
        )
        return run.answer()


class _Run:
    """The stages of one run and what they hand on."""

    def __init__(self, request: RebalanceRequest, identity: RunIdentity, market: Market, shelf: Shelf) -> None:
        self.request, self.identity, self.options = request, identity, request.options
        self.portfolio = request.portfolio_snapshot
        self.base = self.portfolio.base_currency
        self.market, self.shelf = market, shelf
        self.diagnostics = Diagnostics()
        self.guard = LotGuard.of(self.options)
        self.model = request.model_portfolio.targets
        if self.options.equivalents:
            self.model = use_equivalents(
                self.model, self.options, market, shelf, guard=self.guard, diagnostics=self.diagnostics
            )

    def answer(self) -> RebalanceResult:
        self.before = self._value(trust_snapshot=self.options.valuation_mode == "TRUST_SNAPSHOT")
        self.universe = build_universe(
            self.model,
            self.portfolio.positions,
            self.before.weights,
            self.shelf,
            allow_restricted=self.options.allow_restricted,
            shelf_missing=self.diagnostics.data_quality.shelf_missing,
        )
        targets = METHODS[self.options.target_method](self.universe, self.options, self.shelf, self.diagnostics)
        self.comparison = self._compare(targets)
        self.trace = self._trace(targets)
        if targets.status == "BLOCKED" or self._data_blocks():
            return self._blocked_early()
        gains = GainsBudget(self.options.max_realized_capital_gains) if self.options.enable_tax_awareness else None
        trades = self._trades(gains)
        if self._data_blocks():
            return self._blocked_early()
        tax_impact = gains.impact(self.base) if gains is not None else None
        return self._simulated(targets.status, self._intents(trades), tax_impact)

    def _value(self, *, trust_snapshot: bool = False) -> Valuation:
        return value_portfolio(
            self.portfolio.positions,
            self.portfolio.cash_balances,
            self.base,
            market=self.market,
            shelf=self.shelf,
            missing=self.diagnostics.data_quality,
            trust_snapshot=trust_snapshot,
            rows_when_asked=True,
        )

    def _compare(self, targets: Targets) -> MethodComparison | None:
        if not self.options.compare_target_methods:
            return None
        names = [target.instrument_id for target in self.model]
        return compare_methods(
            targets, self.universe, self.options, self.shelf, model_ids=names, diagnostics=self.diagnostics
        )

    def _trace(self, targets: Targets) -> list[TargetInstrument]:
        if targets.weights is None:
            return []
        return trace_targets(self.model, targets.weights, self.universe.buyable, self.before.total, self.base)

    def _data_blocks(self) -> bool:
        gaps, options = self.diagnostics.data_quality, self.options
        return bool(
            gaps.shelf_missing
            or (gaps.price_missing and options.block_on_missing_prices)
            or (gaps.fx_missing and options.block_on_missing_fx)
        )

    def _trades(self, gains: GainsBudget | None) -> list[SecurityTrade]:
        plan = TradePlan(
            self.base,
            self.portfolio.positions,
            self.before.columns.values,
            self.universe.locked,
            self.market,
            self.shelf,
            self.options,
            gains,
            self.guard,
        )
        return plan_trades(self.trace, plan, self.diagnostics)

    def _intents(self, trades: list[SecurityTrade]) -> list[Intent]:
        options = self.options
        trades = restrict_trades(trades, options, self.base, self.market, self.diagnostics)
        capped = cap_turnover(trades, portfolio_value=self.before.total, max_turnover=options.max_turnover_pct)
        report_dropped(capped.dropped, self.before.total, self.base, self.diagnostics)
        kept = capped.kept
        if options.cash_repair:
            repricing = Repricing(self.base, self.market)
            kept = repair_cash(kept, self.portfolio.cash_balances, self._fund, repricing, self.diagnostics)
        return self._fund(kept)

    def _fund(self, trades: Sequence[SecurityTrade]) -> list[Intent]:
        return fund_trades(
            trades,
            self.portfolio.cash_balances,
            self.base,
            self.market,
            buffer=self.options.fx_buffer_pct,
            link_sells=self.options.link_buy_to_same_currency_sell_dependency is not False,
        )

    def _simulated(self, stage: Status, intents: list[Intent], tax_impact: TaxImpact | None) -> RebalanceResult:
        portfolio, options = self.portfolio, self.options
        if options.enable_settlement_awareness:
            breach = project_settlement(intents, portfolio.cash_balances, self.shelf, options, self.diagnostics)
            if breach is not None:
                self.diagnostics.warn(breach.reason_code)
                return self._result("BLOCKED", intents, self._value().state, [ladder_rule(breach)], tax=tax_impact)
        listing, held = self.before.columns.listing, self.before.columns.quantities
        names, units, cash = units_after(listing.names, held, portfolio.cash_balances, intents)
        after = value_units(listing.grown(names), units, cash, missing=self.diagnostics.data_quality)
        rules = evaluate_rules(after, options, self.diagnostics)
        status, reconciliation = _conclude(
            stage, rules, self.before.total, after.total, base=self.base, diagnostics=self.diagnostics
        )
        return self._result(status, intents, after.state, rules, tax=tax_impact, reconciliation=reconciliation)

    def _blocked_early(self) -> RebalanceResult:
        rules = evaluate_rules(self.before, self.options, self.diagnostics)
        return self._result("BLOCKED", [], self.before.state, rules, early=True)

    def _result(
        self,
        status: Status,
        intents: list[Intent],
        after: SimulatedState,
        rules: list[RuleResult],
        *,
        tax: TaxImpact | None = None,
        reconciliation: Reconciliation | None = None,
        early: bool = False,
    ) -> RebalanceResult:
        identity, options = self.identity, self.options
        gate = None
        if options.enable_workflow_gates:
            gate = decide_gate(status, rules, self.diagnostics.data_quality, options)
        return RebalanceResult(
            rebalance_run_id=identity.run_id,
            correlation_id=identity.correlation_id,
            status=status,
            before=self.before.state,
            universe=_universe_data(self.universe, identity.run_id, NOT_COVERED if early else COVERED),
            target=TargetData(f"t_{identity.run_id}", self.trace),
            intents=intents,
            after_simulated=after,
            reconciliation=reconciliation,
            tax_impact=tax,
            rule_results=rules,
            explanation=Explanation("Blocked") if early else Explanation(status, self.comparison),
            diagnostics=self.diagnostics,
            gate_decision=gate,
            lineage=Lineage(self.portfolio.portfolio_id, "md", identity.request_hash),
        )


def _conclude(
    stage: Status, rules: list[RuleResult], before: Decimal, after: Decimal, *, base: str, diagnostics: Diagnostics
) -> tuple[Status, Reconciliation | None]:
    """The status of a run that was simulated to the end; a value that was not kept adds a rule."""
    status = status_of(rules)
    if status == "BLOCKED":
        for rule in rules:
            if rule.status == "FAIL" and rule.rule_id in {"NO_SHORTING", "INSUFFICIENT_CASH"}:
                diagnostics.warnings.append("SIMULATION_SAFETY_CHECK_FAILED")
        return status, None
    reconciliation = reconcile(before, after, base)
    if reconciliation.status == "MISMATCH":
        rules.append(mismatch_rule(reconciliation))
        return "BLOCKED", reconciliation
    return (stage if status == "READY" else status), reconciliation


def _result_of(run: CompiledRun, request: RebalanceRequest, identity: RunIdentity) -> RebalanceResult:
    """What compiled code made of a request, judged."""
    portfolio, options, diagnostics = request.portfolio_snapshot, request.options, run.diagnostics
    cash = [balance.amount for balance in run.cash_balances]
    rules = judge(Measures(run.cash_weight, ("",), (run.largest_weight,), (), cash), options, diagnostics)
    status, reconciliation = _conclude(
        run.stage, rules, *run.totals, base=portfolio.base_currency, diagnostics=diagnostics
    )
    gate = decide_gate(status, rules, diagnostics.data_quality, options) if options.enable_workflow_gates else None
    return RebalanceResult(
        rebalance_run_id=identity.run_id,
        correlation_id=identity.correlation_id,
        status=status,
        before=run.states[0],
        universe=run.universe,
        target=TargetData(f"t_{identity.run_id}", run.targets),
        intents=run.intents,
        after_simulated=run.states[1],
        reconciliation=reconciliation,
        tax_impact=None,
        rule_results=rules,
        explanation=Explanation(status, None),
        diagnostics=diagnostics,
        gate_decision=gate,
        lineage=Lineage(portfolio.portfolio_id, "md", identity.request_hash),
    )


def _universe_data(universe: Universe, run_id: str, coverage: Coverage) -> UniverseData:
    return UniverseData(f"u_{run_id}", universe.for_buy, universe.for_sell, universe.excluded, coverage)
