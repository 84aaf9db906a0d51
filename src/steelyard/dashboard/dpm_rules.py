"""The rules a rebalance was judged by, each with what was measured and what is allowed, and the gate."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from nicegui import ui

from steelyard.dashboard.dpm_figures import amount, money, quantity, weight
from steelyard.dashboard.dpm_words import words_of
from steelyard.dashboard.shell import Tone, badge, card, cell, facts, words

Rule = Mapping[str, Any]

ROWS_MAX = 40
"""Rules shown: the limit of single positions has a row for each of them that is above it, and those come last."""
_OF_MANY = "SINGLE_POSITION_MAX"

_COLUMNS = (("Rule", ""), ("Measured", ""), ("", ""))


def show_rules(result: Mapping[str, Any]) -> None:
    """Draw the card of the rules."""
    rules = sorted(result["rule_results"], key=lambda rule: rule["rule_id"] == _OF_MANY)
    failed = sum(rule["status"] == "FAIL" for rule in rules)
    note = "All of them hold." if not failed else f"{failed:,} of {len(rules):,} failed."
    with card("Rules", note):
        with ui.element("div").classes("scroll"), ui.element("table").classes("table cards compact").mark("rules"):
            with ui.element("thead"), ui.element("tr"):
                for name, kind in _COLUMNS:
                    words("th", name).classes(kind)
            with ui.element("tbody"):
                for rule in rules[:ROWS_MAX]:
                    _row(rule, result)
        if len(rules) > ROWS_MAX:
            ui.label(f"The first {ROWS_MAX} of {len(rules):,}; the artifact has all.").classes("note")


def show_gate(result: Mapping[str, Any]) -> None:
    """Draw the gate with its reasons and the step after it; nothing where gates are off."""
    gate = result["gate_decision"]
    if gate is None:
        return
    says = words_of(gate["gate"])
    with card("Gate"):
        with ui.element("div").classes("row"):
            badge(says.short, says.tone)
            ui.label(says.meaning).classes("soft")
        if gate["gate"] == "EXECUTION_READY" and result["status"] == "PENDING_REVIEW":
            ui.label("The gate looks at the rules only; the targets are what should be reviewed.").classes("note")
        if gate["reasons"]:
            with ui.element("ul").classes("points"):
                for reason in gate["reasons"][:ROWS_MAX]:
                    words("li", gate_reason(reason))
        facts([("Next step", words_of(gate["recommended_next_step"]).short)])


def gate_reason(reason: Mapping[str, Any]) -> str:
    """A reason in one line, with the detail that it brings."""
    says, details = words_of(reason["reason_code"]).short, reason["details"]
    if "count" in details:
        return f"{says}: {details['count']}"
    if (named := details.get("reason_code")) is not None:
        return f"{says} ({words_of(named).short.lower()})"
    return f"{says}: {details['issue_key']}" if "issue_key" in details else says


def measured(rule: Rule, base_currency: str) -> str:
    """What a rule measured against what it allows, as a sentence."""
    value, limits = rule["measured"], rule["threshold"]
    say = _SENTENCES.get(rule["rule_id"])
    if say is not None:
        return say(value, limits, base_currency)
    bounds = ", ".join(f"{_BOUNDS.get(name, name)} {amount(limit)}" for name, limit in limits.items())
    return f"{amount(value)}; {bounds}" if bounds else amount(value)


def outcome(rule: Rule) -> tuple[str, Tone]:
    """The outcome in a word and its tone."""
    if rule["status"] == "PASS":
        return "holds", "good"
    return ("blocks", "bad") if rule["severity"] == "HARD" else ("asks for review", "doubtful")


def _row(rule: Rule, result: Mapping[str, Any]) -> None:
    with ui.element("tr"):
        with cell("").classes("wrap"):
            ui.label(words_of(rule["rule_id"]).short).classes("strong")
            ui.label(words_of(rule["rule_id"]).meaning).classes("faint small")
        with cell("Measured").classes("wrap"):
            ui.label(measured(rule, result["before"]["total_value"]["currency"]))
            if rule["status"] == "FAIL" and rule["remediation_hint"]:
                ui.label(rule["remediation_hint"]).classes("small soft")
        with cell("Outcome"):
            badge(*outcome(rule))


def _cash_band(value: str, limits: Mapping[str, str], _: str) -> str:
    return f"Cash weighs {weight(value)}; allowed {weight(limits['min'])} to {weight(limits['max'])}"


def _position(value: str, limits: Mapping[str, str], _: str) -> str:
    limit = Decimal(limits["max"])
    if limit < 0:
        return "No limit is set"
    return f"The largest weighs {weight(value)}; at most {weight(limit)}"


def _missing(value: str, _: Mapping[str, str], __: str) -> str:
    count = Decimal(value)
    return "Nothing is missing" if not count else f"{quantity(count)} missing; none may be"


def _small_trades(value: str, _: Mapping[str, str], __: str) -> str:
    count = Decimal(value)
    return "None left out" if not count else f"{quantity(count)} left out as too small"


def _shorting(value: str, _: Mapping[str, str], __: str) -> str:
    return f"Lowest holding {quantity(value)}; at least 0" if Decimal(value) < 0 else "Every holding is 0 or more"


def _cash(value: str, _: Mapping[str, str], __: str) -> str:
    return f"Lowest balance {amount(value)}; at least 0" if Decimal(value) < 0 else "Every balance is 0 or more"


def _ladder(value: str, limits: Mapping[str, str], _: str) -> str:
    return f"Short by {amount(value)}; no balance below {amount(limits['min'])}"


def _kept(value: str, limits: Mapping[str, str], base_currency: str) -> str:
    def as_money(text: str) -> str:
        return money({"amount": text, "currency": base_currency})

    return f"Differs by {as_money(value)}; at most {as_money(limits['max'])}"


_SENTENCES = {
    "CASH_BAND": _cash_band,
    "SINGLE_POSITION_MAX": _position,
    "DATA_QUALITY": _missing,
    "MIN_TRADE_SIZE": _small_trades,
    "NO_SHORTING": _shorting,
    "INSUFFICIENT_CASH": _cash,
    "SETTLEMENT_CASH_LADDER": _ladder,
    "RECONCILIATION": _kept,
}
_BOUNDS: Mapping[str, str] = {"min": "at least", "max": "at most"}
