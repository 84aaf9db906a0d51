"""Suitability: what does not suit the client, and whether the proposal brings it, keeps it or ends it.

The portfolio is scanned before and after; an issue in both scans is persistent, one only before is
resolved, one only after is new.  New ones decide who has to look.

Source: contract dpm, section 13.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from steelyard.proposals.drift import instrument_weights
from steelyard.proposals.values import (
    Evidence,
    ProposalRequest,
    RecommendedGate,
    SnapshotIds,
    StatusChange,
    SuitabilityIssue,
    SuitabilityResult,
    SuitabilitySummary,
)
from steelyard.rebalance.market import Shelf
from steelyard.rebalance.valuation import Valuation
from steelyard.rebalance.values import ZERO, EngineOptions, Severity

_EPSILON = Decimal("1E-7")
_GRAVE = Decimal("1.25")
_CHANGES: dict[StatusChange, int] = {"NEW": 0, "PERSISTENT": 1, "RESOLVED": 2}
_SEVERITIES: dict[Severity, int] = {"HIGH": 0, "MEDIUM": 1, "LOW": 2}


@dataclass(frozen=True, slots=True)
class _Finding:
    """An issue in one scan."""

    issue_id: str
    key: str
    dimension: str
    severity: Severity
    summary: str
    details: dict[str, str]


def scan_suitability(before: Valuation, after: Valuation, request: ProposalRequest, shelf: Shelf) -> SuitabilityResult:
    """Scan the portfolio before and after, and compare."""
    first = {one.key: one for one in _Scan(before, request.options, shelf).findings()}
    bought = {trade.instrument_id for trade in request.proposed_trades if trade.side == "BUY"}
    second_scan = _Scan(after, request.options, shelf, before=instrument_weights(before.state), bought=bought)
    second = {one.key: one for one in second_scan.findings()}
    evidence = _evidence(request)
    issues = [
        *[_issue(one, "PERSISTENT" if key in first else "NEW", evidence) for key, one in second.items()],
        *[_issue(one, "RESOLVED", evidence) for key, one in first.items() if key not in second],
    ]
    issues.sort(key=_rank)
    return SuitabilityResult(_summary(issues), issues, _recommended_gate(issues))


@dataclass(slots=True)
class _Scan:
    """One scan of a valued portfolio.

    Attributes:
        before: weights before the trades, when the scan is the one after them; else None.
        bought: instruments that the proposal buys, done or not.
    """

    valuation: Valuation
    options: EngineOptions
    shelf: Shelf
    before: Mapping[str, Decimal] | None = None
    bought: set[str] = field(default_factory=set)
    weights: dict[str, Decimal] = field(init=False)

    def __post_init__(self) -> None:
        self.weights = {
            name: weight for name, weight in instrument_weights(self.valuation.state).items() if weight > _EPSILON
        }

    def findings(self) -> Iterator[_Finding]:
        yield from self._positions()
        yield from self._issuers()
        yield from self._tiers()
        yield from self._governance()
        yield from self._cash()
        yield from self._data()

    def _positions(self) -> Iterator[_Finding]:
        cap = self.options.suitability_thresholds.single_position_max_weight
        for name, weight in self.weights.items():
            if weight > cap:
                details = {"instrument_id": name, "threshold": str(cap), "measured": str(weight)}
                yield _concentration("SINGLE_POSITION_MAX", name, "CONCENTRATION", weight, cap=cap, details=details)

    def _issuers(self) -> Iterator[_Finding]:
        cap = self.options.suitability_thresholds.issuer_max_weight
        for issuer, weight in self._grouped("issuer_id").items():
            if weight > cap:
                details = {"issuer_id": issuer, "threshold": str(cap), "measured": str(weight)}
                yield _concentration("ISSUER_MAX", issuer, "ISSUER", weight, cap=cap, details=details)

    def _tiers(self) -> Iterator[_Finding]:
        caps = dict[str, Decimal](**self.options.suitability_thresholds.max_weight_by_liquidity_tier)
        for tier, weight in self._grouped("liquidity_tier").items():
            cap = caps.get(tier)
            if cap is not None and weight > cap:
                details = {"liquidity_tier": tier, "threshold": str(cap), "measured": str(weight)}
                yield _concentration("LIQUIDITY_MAX", tier, "LIQUIDITY", weight, cap=cap, details=details)

    def _grouped(self, attribute: str) -> dict[str, Decimal]:
        groups: dict[str, Decimal] = {}
        for name, weight in self.weights.items():
            row = self.shelf.rows.get(name)
            key = getattr(row, attribute) if row is not None else None
            if key:
                groups[key] = groups.get(key, ZERO) + weight
        return groups

    def _governance(self) -> Iterator[_Finding]:
        names = {**self.weights, **dict.fromkeys(sorted(self.bought), ZERO), **self.weights}
        for name in names:
            row = self.shelf.rows.get(name)
            weight = self.weights.get(name, ZERO)
            if row is None:
                continue
            if row.status in {"BANNED", "SUSPENDED"} and name in self.weights:
                details = {"instrument_id": name, "shelf_status": row.status, "measured": str(weight)}
                yield _governance(row.status, name, row.status, "HIGH", details)
            elif row.status in {"SELL_ONLY", "RESTRICTED"} and self._increases(name):
                yield self._increase(name, row.status)

    def _increases(self, name: str) -> bool:
        if self.before is None:
            return False
        return name in self.bought or self.weights.get(name, ZERO) > self.before.get(name, ZERO) + _EPSILON

    def _increase(self, name: str, status: str) -> _Finding:
        allowed = self.options.allow_restricted
        details = {"instrument_id": name, "shelf_status": status}
        severity: Severity = "HIGH"
        if status == "RESTRICTED":
            details["allow_restricted"] = str(allowed).lower()
            severity = "MEDIUM" if allowed else "HIGH"
        before = self.before.get(name, ZERO) if self.before is not None else ZERO
        details |= {"measured_before": str(before), "measured_after": str(self.weights.get(name, ZERO))}
        return _governance(f"{status}_INCREASE", name, status, severity, details)

    def _cash(self) -> Iterator[_Finding]:
        limits, weight = self.options.suitability_thresholds, self.valuation.cash_weight
        low, high = limits.cash_band_min_weight, limits.cash_band_max_weight
        if not low <= weight <= high:
            details = {"threshold_min": str(low), "threshold_max": str(high), "measured": str(weight)}
            yield _Finding("SUIT_CASH_BAND", "CASH_BAND", "CASH", "MEDIUM", "Cash is outside its band.", details)

    def _data(self) -> Iterator[_Finding]:
        for name in self.weights:
            row = self.shelf.rows.get(name)
            if row is None:
                yield self._missing("SHELF", name, "shelf_entry")
                continue
            if not row.issuer_id:
                yield self._missing("ISSUER", name, "issuer_id")
            if not row.liquidity_tier:
                yield self._missing("LIQUIDITY_TIER", name, "liquidity_tier")

    def _missing(self, kind: str, name: str, fields: str) -> _Finding:
        return _Finding(
            "SUIT_DATA_QUALITY",
            f"DQ|MISSING_{kind}|{name}",
            "DATA_QUALITY",
            self.options.suitability_thresholds.data_quality_issue_severity,
            f"{name} has no {fields}.",
            {"instrument_id": name, "missing_fields": fields},
        )


def _concentration(
    kind: str, name: str, dimension: str, weight: Decimal, *, cap: Decimal, details: dict[str, str]
) -> _Finding:
    severity: Severity = "HIGH" if weight > cap * _GRAVE else "MEDIUM"
    return _Finding(f"SUIT_{kind}", f"{kind}|{name}", dimension, severity, f"{name} weighs more than {cap}.", details)


def _governance(kind: str, name: str, status: str, severity: Severity, details: dict[str, str]) -> _Finding:
    key = f"GOVERNANCE|{name}|{status}"
    return _Finding(f"SUIT_GOVERNANCE_{kind}", key, "GOVERNANCE", severity, f"{name} is {status}.", details)


def _evidence(request: ProposalRequest) -> Evidence:
    portfolio, prices = request.portfolio_snapshot, request.market_data_snapshot.snapshot_id or "md"
    return Evidence(prices, SnapshotIds(portfolio.snapshot_id or portfolio.portfolio_id, prices))


def _issue(one: _Finding, change: StatusChange, evidence: Evidence) -> SuitabilityIssue:
    return SuitabilityIssue(
        one.issue_id, one.key, one.dimension, one.severity, change, one.summary, one.details, evidence
    )


def _rank(issue: SuitabilityIssue) -> tuple[int, int, str, str]:
    return _CHANGES[issue.status_change], _SEVERITIES[issue.severity], issue.dimension, issue.issue_key


def _summary(issues: list[SuitabilityIssue]) -> SuitabilitySummary:
    counts = {change: sum(issue.status_change == change for issue in issues) for change in _CHANGES}
    new = [issue.severity for issue in issues if issue.status_change == "NEW"]
    highest = min(new, key=lambda severity: _SEVERITIES[severity], default=None)
    return SuitabilitySummary(counts["NEW"], counts["RESOLVED"], counts["PERSISTENT"], highest)


def _recommended_gate(issues: list[SuitabilityIssue]) -> RecommendedGate:
    new = {issue.severity for issue in issues if issue.status_change == "NEW"}
    return "COMPLIANCE_REVIEW" if "HIGH" in new else "RISK_REVIEW" if "MEDIUM" in new else "NONE"
