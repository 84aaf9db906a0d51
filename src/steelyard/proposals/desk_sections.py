"""Sections that the desk sees beside the client's: rules and gate, and what changed between two versions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from steelyard.proposals import client_words as words
from steelyard.proposals.client_parts import (
    NONE,
    Badge,
    Block,
    Cell,
    Column,
    Facts,
    Figure,
    Range,
    Section,
    Table,
    Text,
    Tone,
    amount,
    percent,
    plain,
    quantity,
    table,
    tone_of,
)
from steelyard.proposals.client_words import said
from steelyard.proposals.difference import Change, Difference

_SHARES = frozenset({"CASH_BAND", "SINGLE_POSITION_MAX"})
"""Rules that measure shares; the others count or measure amounts."""

_DECISIONS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "status": ("Status", words.STATUS_SHORT),
    "gate": ("Gate", words.GATE),
    "next_step": ("Next step", words.NEXT_STEP),
}
_KINDS = {"added": Badge("New", "good"), "removed": Badge("Gone", "bad"), "changed": Badge("Changed", "doubtful")}
_RULES = (
    Column("Rule", "wide"), Column("Result", "badge"), Column("Measured", "number"), Column("Limit", "number"),
    Column("What helps"),
)  # fmt: skip


def rules_section(artifact: Mapping[str, Any]) -> Section:
    """Who has to look at a proposal, why, and how each rule was met."""
    gate = artifact["gate_decision"]
    result = artifact["evidence_bundle"]["engine_outputs"]["proposal_result"]
    blocks: list[Block] = [Text(said(words.GATE, gate["gate"]) + ".", tone_of(gate["gate"]))]
    if gate["reasons"]:
        issues = {issue["issue_key"]: issue for issue in artifact["suitability_summary"]["issues"]}
        rows = [(words.gate_reason(reason, issues), _severity(reason["severity"])) for reason in gate["reasons"]]
        blocks.append(table((Column("Why", "wide"), Column("Severity", "badge")), rows))
    blocks.append(table(_RULES, [_rule(rule) for rule in result["rule_results"]]))
    return Section("rules", "Rules and gate", tuple(blocks))


def _rule(rule: Mapping[str, Any]) -> tuple[Cell, ...]:
    failed = rule["status"] == "FAIL"
    tone: Tone = ("bad" if rule["severity"] == "HARD" else "doubtful") if failed else "good"
    word = ("Blocks" if rule["severity"] == "HARD" else "To review") if failed else "Kept"
    show = percent if rule["rule_id"] in _SHARES else plain
    return (
        said(words.RULE, rule["rule_id"]),
        Badge(word, tone),
        NONE if rule["reason_code"] == "NO_LIMIT_SET" else show(rule["measured"]),
        NONE if rule["reason_code"] == "NO_LIMIT_SET" else _limit(rule["threshold"], show),
        str(rule["remediation_hint"] or ""),
    )


def _limit(threshold: Mapping[str, str], show: Callable[[str], Figure]) -> Cell:
    if "min" in threshold and "max" in threshold:
        return Range(show(threshold["min"]), show(threshold["max"]))
    return show(next(iter(threshold.values())))


def _severity(code: str) -> Badge:
    return Badge(said(words.SEVERITY, code), tone_of(code))


def difference_section(difference: Difference, *, first: int, second: int) -> Section:
    """What version ``second`` says otherwise than version ``first``."""
    headline = f"Version {second} compared with version {first}"
    if difference.is_empty:
        return Section("difference", headline, (Text("Both propose the same."),))
    blocks: list[Block] = []
    if difference.decision:
        blocks.append(Facts(tuple(_decision(change) for change in difference.decision)))
    listed: tuple[tuple[str, Iterable[Change], Callable[[Mapping[str, Any]], Cell]], ...] = (
        ("Trade", difference.trades, lambda row: quantity(row["quantity"])),
        ("Conversion", difference.conversions, lambda row: amount(row["buy_amount"], row["pair"].partition("/")[0])),
        ("Money in and out", difference.flows, lambda row: amount(row["amount"], row["currency"])),
        ("Asset class after", difference.classes, lambda row: percent(row["weight"])),
        ("Instrument after", difference.instruments, lambda row: percent(row["weight"])),
        ("Suitability issue", difference.issues, lambda row: Badge(*_standing(row))),
    )
    blocks += [_compared(name, changes, show) for name, changes, show in listed if changes]
    return Section("difference", headline, tuple(blocks))


def _decision(change: Change) -> tuple[str, Cell]:
    name, meanings = _DECISIONS[change.what]
    before, after = (said(meanings, row["code"]) for row in (change.first, change.second) if row is not None)
    return name, f"{before} → {after}"


def _standing(issue: Mapping[str, Any]) -> tuple[str, Any]:
    return said(words.CHANGE, issue["status_change"]), tone_of(issue["status_change"])


def _compared(name: str, changes: Iterable[Change], show: Callable[[Mapping[str, Any]], Cell]) -> Table:
    columns = (Column(name, "wide"), Column("", "badge"), Column("Before", "number"), Column("After", "number"))
    rows = [(_label(name, change), _KINDS[change.kind], *_sides(change, show)) for change in changes]
    return table(columns, rows)


def _label(name: str, change: Change) -> str:
    row = change.second or change.first or {}
    match name:
        case "Trade":
            return f"{said(words.SIDE, row['side'])} {row['instrument_id']}"
        case "Suitability issue":
            return words.issue_text(row)
        case "Asset class after":
            return said(words.BUCKET, change.what)
    return change.what


def _sides(change: Change, show: Callable[[Mapping[str, Any]], Cell]) -> tuple[Cell, Cell]:
    return tuple(NONE if row is None else show(row) for row in (change.first, change.second))  # type: ignore[return-value]
