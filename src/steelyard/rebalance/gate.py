"""The gate: who has to look at a result before it is executed, and why.

The first row of the contract's table that matches decides; the reasons are listed in any case.

Source: contract dpm, section 8.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from steelyard.rebalance.result import DataQuality, GateDecision, GateReason, GateSummary, RuleResult
from steelyard.rebalance.values import EngineOptions, Severity, Status

_SEVERITY_RANK = {"HIGH": 0, "MEDIUM": 1, "LOW": 2}


@dataclass(frozen=True, slots=True)
class SuitabilityFinding:
    """A new suitability issue, as far as the gate cares."""

    issue_id: str
    issue_key: str
    severity: Severity


def decide_gate(
    status: Status,
    rules: Iterable[RuleResult],
    gaps: DataQuality,
    options: EngineOptions,
    *,
    findings: Sequence[SuitabilityFinding] = (),
    consent_is_default: bool = False,
) -> GateDecision:
    """Decide from the status, the failed rules and the new suitability findings.

    ``consent_is_default`` is for advisory, where the client is always asked.
    """
    failed = [rule for rule in rules if rule.status == "FAIL"]
    severities, new = [rule.severity for rule in failed], [one.severity for one in findings]
    summary = GateSummary(
        hard_fail_count=severities.count("HARD"),
        soft_fail_count=severities.count("SOFT"),
        new_high_suitability_count=new.count("HIGH"),
        new_medium_suitability_count=new.count("MEDIUM"),
    )
    asks_client = options.workflow_requires_client_consent or consent_is_default
    gate, next_step = _first_match(status, summary, options, asks_client=asks_client)
    reasons = [*_rule_reasons(failed), *_finding_reasons(findings), *_gap_reasons(gaps)]
    return GateDecision(gate, next_step, sorted(reasons, key=_rank), summary)


def _first_match(status: Status, summary: GateSummary, options: EngineOptions, *, asks_client: bool) -> tuple[str, str]:
    if status == "BLOCKED" or summary.hard_fail_count:
        return "BLOCKED", "FIX_INPUT"
    if summary.new_high_suitability_count:
        return "COMPLIANCE_REVIEW_REQUIRED", "COMPLIANCE_REVIEW"
    if summary.soft_fail_count or summary.new_medium_suitability_count:
        return "RISK_REVIEW_REQUIRED", "RISK_REVIEW"
    if asks_client and not options.client_consent_already_obtained:
        return "CLIENT_CONSENT_REQUIRED", "REQUEST_CLIENT_CONSENT"
    return "EXECUTION_READY", "EXECUTE"


def _rule_reasons(failed: Iterable[RuleResult]) -> list[GateReason]:
    return [
        GateReason(
            f"{rule.severity}_RULE_FAIL:{rule.rule_id}",
            "HIGH" if rule.severity == "HARD" else "MEDIUM",
            "RULE_ENGINE",
            {"reason_code": rule.reason_code},
        )
        for rule in failed
        if rule.severity != "INFO"
    ]


def _finding_reasons(findings: Iterable[SuitabilityFinding]) -> list[GateReason]:
    return [
        GateReason(
            f"NEW_{one.severity}_SUITABILITY_ISSUE",
            one.severity,
            "SUITABILITY",
            {"issue_id": one.issue_id, "issue_key": one.issue_key},
        )
        for one in findings
        if one.severity != "LOW"
    ]


def _gap_reasons(gaps: DataQuality) -> list[GateReason]:
    counts = {"PRICE": len(gaps.price_missing), "FX": len(gaps.fx_missing)}
    return [
        GateReason(f"DATA_QUALITY_MISSING_{kind}", "HIGH", "DATA_QUALITY", {"count": str(count)})
        for kind, count in counts.items()
        if count
    ]


def _rank(reason: GateReason) -> tuple[int, str, str, str]:
    detail = reason.details.get("issue_key") or reason.details.get("reason_code", "")
    return _SEVERITY_RANK[reason.severity], reason.source, reason.reason_code, detail
