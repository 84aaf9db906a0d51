"""A DPM rebalance as a person reads it: the outcome first, then everything it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from nicegui import ui

from steelyard.dashboard import figures
from steelyard.dashboard.dpm_diagnostics import changes_of, show_changes, show_findings
from steelyard.dashboard.dpm_figures import listed, money, weight
from steelyard.dashboard.dpm_graph import show_graph
from steelyard.dashboard.dpm_ladder import show_ladder
from steelyard.dashboard.dpm_rules import measured, show_gate, show_rules
from steelyard.dashboard.dpm_targets import show_targets
from steelyard.dashboard.dpm_trades import share_of_portfolio, show_trades, traded_value
from steelyard.dashboard.dpm_weights import cash_weight, distance, has_after, show_weights
from steelyard.dashboard.dpm_words import status_words, words_of
from steelyard.dashboard.shell import Tone, badge, card, facts, tile, words
from steelyard.dashboard.theme import Mode, mode_of

REASONS_MAX = 5
"""Reasons said at the top; all of them are below."""


def show_result(result: Mapping[str, Any]) -> None:
    """Draw a result, plain values as ``GET /rebalance/runs/{id}`` has them under ``result``."""
    mode = _mode()
    _show_outcome(result)
    _show_tiles(result)
    with ui.element("div").classes("two top-aligned"):
        with ui.element("div").classes("parts"):
            show_weights(result, mode=mode)
            _show_tax(result)
            _show_comparison(result)
        with ui.element("div").classes("parts"):
            show_gate(result)
            show_findings(result)
            show_rules(result)
    show_trades(result)
    show_graph(result, mode=mode)
    show_ladder(result, mode=mode)
    show_changes(result)
    show_targets(result)


def status_badge(result: Mapping[str, Any]) -> None:
    """The status in a pill."""
    says = status_words(result)
    badge(says.short, says.tone)


def headline(result: Mapping[str, Any]) -> str:
    """The outcome in one line."""
    trades = sum(one["intent_type"] == "SECURITY_TRADE" for one in result["intents"])
    exchanges = len(result["intents"]) - trades
    made = figures.counted(trades, "trade") + (f" and {figures.counted(exchanges, 'exchange')}" if exchanges else "")
    if result["status"] == "BLOCKED":
        return "Blocked: nothing may be traded"
    if result["status"] == "PENDING_REVIEW":
        return f"Needs review: {made} proposed"
    return f"Ready: {made}" if result["intents"] else "Ready: nothing to trade"


def reasons(result: Mapping[str, Any]) -> list[str]:
    """Why the outcome is what it is, at most a handful of sentences."""
    failed = [rule for rule in result["rule_results"] if rule["status"] == "FAIL"]
    base, gaps = result["before"]["total_value"]["currency"], result["diagnostics"]["data_quality"]
    said = [
        " ".join(
            [f"{words_of(rule['rule_id']).short}: {measured(rule, base)}.", rule["remediation_hint"] or ""]
        ).strip()
        for rule in failed
        if rule["rule_id"] != "DATA_QUALITY"  # what is missing is named below
    ]
    for name, what in (("price_missing", "price"), ("fx_missing", "exchange rate"), ("shelf_missing", "shelf row")):
        if gaps[name]:
            said.append(f"Missing {what}: {listed(gaps[name])}.")
    if result["status"] == "PENDING_REVIEW" and not failed:
        said.append(_targets_apart(result["target"]["targets"]))
    if result["status"] == "BLOCKED" and not result["target"]["targets"]:
        said.append("No target weights satisfy all constraints at once.")
    said = list(dict.fromkeys(said))[:REASONS_MAX] or [status_words(result).meaning]
    cut = len(changes_of(result["diagnostics"]))
    return [*said, f"{figures.counted(cut, 'trade')} left out or cut; why is below."] if cut else said


def _targets_apart(targets: Sequence[Mapping[str, Any]]) -> str:
    """Why targets alone ask for a review."""
    lowered = [one["instrument_id"] for one in targets if "CAPPED_BY_MAX_WEIGHT" in one["tags"]]
    model, final = (
        sum((Decimal(one[name]) for one in targets), Decimal(0)) for name in ("model_weight", "final_weight")
    )
    sums = f"The model adds up to {weight(model)}, the targets to {weight(final)}."
    return f"The targets are not those of the model. {sums}" + (f" Lowered: {listed(lowered)}." if lowered else "")


def _mode() -> Mode:
    request = ui.context.client.request
    return mode_of(request.cookies)


def _show_outcome(result: Mapping[str, Any]) -> None:
    says = status_words(result)
    with card(classes=f"verdict is-{says.tone}"):
        words("h2", headline(result))
        with ui.element("ul"):
            for reason in reasons(result):
                words("li", reason)


def _show_tiles(result: Mapping[str, Any]) -> None:
    before, after = result["before"], result["after_simulated"]
    ends = has_after(result)
    turnover = share_of_portfolio(traded_value(result), result)
    off_before, off_after = distance(result, before), distance(result, after) if ends else None
    with ui.element("div").classes("tiles").props('aria-label="Key figures"').mark("figures"):
        tile("Value", money(before["total_value"]), "of the portfolio, cash included")
        tile("Turnover", _weight(turnover), "purchases and sales together, of the value")
        tile("Off target", _weight(off_after if ends else off_before), _apart(off_before, ended=ends))
        tile("Cash", _weight(cash_weight(after if ends else before)), _cash_text(result), _cash_tone(result))


def _weight(value: Decimal | None) -> str:
    return figures.UNDEFINED if value is None else weight(value)


def _apart(before: Decimal | None, *, ended: bool) -> str:
    if before is None:
        return "there are no targets"
    return f"after the trades; {weight(before)} before" if ended else "as it stands"


def _cash_text(result: Mapping[str, Any]) -> str:
    return (
        f"of the value after; {weight(cash_weight(result['before']))} before" if has_after(result) else "of the value"
    )


def _cash_tone(result: Mapping[str, Any]) -> Tone:
    return "bad" if cash_weight(result["after_simulated"]) < 0 else "neutral"


def _show_tax(result: Mapping[str, Any]) -> None:
    tax = result["tax_impact"]
    if tax is None:
        return
    with card("Tax", "What the sales realise, the dearest lots first."):
        pairs = [
            ("Realised gains", money(tax["total_realized_gain"])),
            ("Realised losses", money(tax["total_realized_loss"])),
        ]
        if tax["budget_limit"] is not None:
            pairs.append(("Budget of gains", f"{money(tax['budget_used'])} of {money(tax['budget_limit'])} used"))
        facts(pairs)


def _show_comparison(result: Mapping[str, Any]) -> None:
    compared = result["explanation"].get("target_method_comparison")
    if compared is None:
        return
    primary, other = words_of(compared["primary_method"]), words_of(compared["alternate_method"])
    differing = compared["differing_instruments"]
    agree = (
        f"They agree within {weight(compared['tolerance'])}."
        if not differing
        else f"They differ in {listed(differing)}."
    )
    with card("Second opinion", f"The other way to the targets, run beside. {agree}"):
        facts(
            [
                (f"{primary.short}, used", words_of(compared["primary_status"]).short),
                (f"{other.short}, beside", words_of(compared["alternate_status"]).short),
                *[("Noted there", words_of(code).short) for code in compared["alternate_warnings"]],
            ]
        )
