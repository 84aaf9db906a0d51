"""The proposal's artifact: one document for client and file, with the hash of its evidence.

It repeats no calculation: every number is one of the simulation's.  The hash leaves out when the
document was made, so a replay has the same one.

Source: contract dpm, section 13.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec

from steelyard.proposals.drift import class_weights, instrument_weights
from steelyard.proposals.simulation import ENGINE_VERSION, proposal_gate
from steelyard.proposals.values import CashFlow, ProposalRequest, ProposalResult, SuitabilityResult
from steelyard.rebalance.artifact import hash_without
from steelyard.rebalance.hashing import CANONICAL, quick_hash
from steelyard.rebalance.holdings import AllocationMetric
from steelyard.rebalance.result import FxSpot, GateDecision, SecurityTrade, SimulatedState
from steelyard.rebalance.values import ZERO

ORDERING_POLICY = "CASH_FLOW->SELL->FX->BUY"
_NOT_HASHED = ("created_at", "artifact_hash")
_RISK_DISCLAIMER = (
    "Simulated figures rest on the prices and rates named in this document; executed trades may differ from them."
)
_NEXT_STEPS = {
    "RISK_REVIEW_REQUIRED": "RISK_REVIEW",
    "COMPLIANCE_REVIEW_REQUIRED": "COMPLIANCE_REVIEW",
    "CLIENT_CONSENT_REQUIRED": "CLIENT_CONSENT",
    "EXECUTION_READY": "EXECUTION_READY",
}


def build_proposal_artifact(request: ProposalRequest, result: ProposalResult, *, created_at: str) -> dict[str, Any]:
    """The artifact as plain values, its hash included; ``created_at`` is ISO 8601 with an offset."""
    values = artifact_values(request, result, created_at, CANONICAL.encode(result))
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(values))
    return plain


def artifact_values(
    request: ProposalRequest, result: ProposalResult, created_at: str, canonical_result: bytes
) -> dict[str, Any]:
    """The same with the engine's own values inside, which are written as JSON in a fraction of the time.

    ``canonical_result`` is the result as ``CANONICAL`` writes it: it is half of what is hashed.
    """
    gate = result.gate_decision or proposal_gate(
        result.status, result.rule_results, result.diagnostics, result.suitability, request
    )
    hashes = {"request_hash": result.lineage.request_hash}
    artifact: dict[str, Any] = {
        "artifact_id": "pa_" + result.proposal_run_id.removeprefix("pr_"),
        "proposal_run_id": result.proposal_run_id,
        "correlation_id": result.correlation_id,
        "created_at": created_at,
        "status": result.status,
        "gate_decision": gate,
        "summary": _summary(request, result, gate),
        "portfolio_impact": _impact(request, result),
        "trades_and_funding": _trades_and_funding(request, result),
        "suitability_summary": _suitability(result.suitability, request.options.drift_top_contributors_limit),
        "assumptions_and_limits": _assumptions(request),
        "disclosures": _disclosures(result),
        "evidence_bundle": {
            "inputs": request,
            "engine_outputs": {"proposal_result": result},
            "hashes": hashes,
            "engine_version": ENGINE_VERSION,
        },
    }
    hashes["artifact_hash"] = _hash_of(artifact, canonical_result)
    return artifact


def _hash_of(artifact: dict[str, Any], canonical_result: bytes) -> str:
    outputs = {"proposal_result": msgspec.Raw(canonical_result)}
    undated = artifact | {"evidence_bundle": artifact["evidence_bundle"] | {"engine_outputs": outputs}}
    del undated["created_at"]
    quick = quick_hash(undated, absent=_NOT_HASHED)
    return quick or hash_without(msgspec.json.decode(msgspec.json.encode(undated)), *_NOT_HASHED)


def _summary(request: ProposalRequest, result: ProposalResult, gate: GateDecision) -> dict[str, Any]:
    return {
        "title": f"Proposal for {request.portfolio_snapshot.portfolio_id}",
        "objective_tags": _objectives(result),
        "advisor_notes": [],
        "recommended_next_step": _next_step(gate),
        "key_takeaways": _takeaways(result),
    }


def _objectives(result: ProposalResult) -> list[str]:
    tags = []
    if any(isinstance(intent, SecurityTrade) for intent in result.intents):
        tags.append("RISK_ALIGNMENT")
    if any(isinstance(intent, CashFlow) for intent in result.intents):
        tags.append("CASH_DEPLOYMENT")
    if result.drift_analysis is not None and result.drift_analysis.asset_class.drift_total_delta < 0:
        tags.append("DRIFT_REDUCTION")
    return tags or ["PORTFOLIO_MAINTENANCE"]


def _next_step(gate: GateDecision) -> str:
    if gate.gate == "BLOCKED":
        grave = any(reason.source == "SUITABILITY" and reason.severity == "HIGH" for reason in gate.reasons)
        return "COMPLIANCE_REVIEW" if grave else "RISK_REVIEW"
    return _NEXT_STEPS[gate.gate]


def _takeaways(result: ProposalResult) -> list[dict[str, str]]:
    cash = sum([metric.value.amount for metric in _cash(result.after_simulated)], ZERO)
    currency = result.after_simulated.total_value.currency
    rows = {
        "STATUS": result.status,
        "INTENTS": str(len(result.intents)),
        "CASH": f"{cash:.2f} {currency}",
    }
    if result.drift_analysis is not None:
        rows["DRIFT"] = f"{result.drift_analysis.asset_class.drift_total_delta:.4f}"
    if result.suitability is not None:
        rows["SUITABILITY"] = f"{result.suitability.summary.new_count} new"
    return [{"code": code, "value": value} for code, value in rows.items()]


def _cash(state: SimulatedState) -> list[AllocationMetric]:
    return [metric for metric in state.allocation_by_asset_class if metric.key == "CASH"]


def _impact(request: ProposalRequest, result: ProposalResult) -> dict[str, Any]:
    before, after = result.before, result.after_simulated
    total = after.total_value.amount - before.total_value.amount
    return {
        "before": _allocations(before),
        "after": _allocations(after),
        "delta": {
            "total_value_delta": {"amount": total, "currency": before.total_value.currency},
            "largest_weight_changes": _weight_changes(before, after)[: request.options.drift_top_contributors_limit],
        },
        "reconciliation": result.reconciliation,
    }


def _allocations(state: SimulatedState) -> dict[str, Any]:
    return {
        "total_value": state.total_value,
        "allocation_by_asset_class": _by_weight(state.allocation_by_asset_class, class_weights(state)),
        "allocation_by_instrument": _by_weight(state.allocation_by_instrument, instrument_weights(state)),
    }


def _by_weight(metrics: Iterable[AllocationMetric], weights: dict[str, Decimal]) -> list[AllocationMetric]:
    return sorted(metrics, key=lambda metric: (-weights[metric.key], metric.key))


def _weight_changes(before: SimulatedState, after: SimulatedState) -> list[dict[str, str]]:
    first, second = instrument_weights(before), instrument_weights(after)
    changes = {name: second.get(name, ZERO) - first.get(name, ZERO) for name in {*first, *second}}
    ranked = sorted((name for name in changes if changes[name]), key=lambda name: (-abs(changes[name]), name))
    return [
        {
            "bucket_type": "INSTRUMENT",
            "bucket_id": name,
            "weight_before": _four_decimals(first.get(name, ZERO)),
            "weight_after": _four_decimals(second.get(name, ZERO)),
            "delta": _four_decimals(changes[name]),
        }
        for name in ranked
    ]


def _four_decimals(value: Decimal) -> str:
    return f"{value:.4f}"


def _trades_and_funding(request: ProposalRequest, result: ProposalResult) -> dict[str, Any]:
    trades = [intent for intent in result.intents if isinstance(intent, SecurityTrade)]
    rates = {row.pair: row.rate for row in reversed(request.market_data_snapshot.fx_rates)}
    depends = any(trade.dependencies for trade in trades)
    note = {"code": "DEPENDENCY", "text": "Execute an order only when those that it depends on are done."}
    return {
        "trade_list": [_trade(trade) for trade in trades],
        "fx_list": [_exchange(intent, rates) for intent in result.intents if isinstance(intent, FxSpot)],
        "ordering_policy": ORDERING_POLICY,
        "execution_notes": [note] if depends else [],
    }


def _trade(trade: SecurityTrade) -> dict[str, Any]:
    return {
        "intent_id": trade.intent_id,
        "type": "SECURITY_TRADE",
        "instrument_id": trade.instrument_id,
        "side": trade.side,
        "quantity": _plain(trade.quantity),
        "estimated_notional": trade.notional,
        "estimated_notional_base": trade.notional_base,
        "dependencies": trade.dependencies,
        "rationale": trade.rationale,
    }


def _exchange(fx: FxSpot, rates: dict[str, Decimal]) -> dict[str, Any]:
    rate = rates.get(fx.pair)
    return {
        "intent_id": fx.intent_id,
        "pair": fx.pair,
        "buy_amount": _plain(fx.buy_amount),
        "sell_amount_estimated": _plain(fx.sell_amount_estimated),
        "rate": None if rate is None else _four_decimals(rate),
    }


def _plain(value: Decimal) -> str:
    """Without exponent and without zeros at the end."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _suitability(scan: SuitabilityResult | None, limit: int) -> dict[str, Any]:
    if scan is None:
        counts = {"new_issues": 0, "resolved_issues": 0, "persistent_issues": 0, "highest_severity_new": None}
        return {"status": "NOT_AVAILABLE", **counts, "highlights": [], "issues": []}
    return {
        "status": "AVAILABLE",
        "new_issues": scan.summary.new_count,
        "resolved_issues": scan.summary.resolved_count,
        "persistent_issues": scan.summary.persistent_count,
        "highest_severity_new": scan.summary.highest_severity_new,
        "highlights": [{"code": issue.status_change, "text": issue.summary} for issue in scan.issues[:limit]],
        "issues": scan.issues,
    }


def _assumptions(request: ProposalRequest) -> dict[str, Any]:
    snapshot = request.market_data_snapshot.snapshot_id or "md"
    return {
        "pricing": {
            "market_data_snapshot_id": snapshot,
            "prices_as_of": snapshot,
            "fx_as_of": snapshot,
            "valuation_mode": request.options.valuation_mode,
        },
        "costs_and_fees": {"included": False, "notes": "Costs and fees are not part of the figures."},
        "tax": {"included": False, "notes": "Taxes are not part of the figures."},
        "execution": {"included": False, "notes": "Slippage and partial execution are not part of the figures."},
    }


def _disclosures(result: ProposalResult) -> dict[str, Any]:
    traded = dict.fromkeys(intent.instrument_id for intent in result.intents if isinstance(intent, SecurityTrade))
    return {
        "risk_disclaimer": _RISK_DISCLAIMER,
        "product_docs": [{"instrument_id": name, "doc_ref": f"KID/{name}"} for name in sorted(traded)],
    }
