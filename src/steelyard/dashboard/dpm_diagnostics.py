"""What the engine noticed, left out, cut or could not find, in plain words, the gravest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from nicegui import ui

from steelyard.dashboard import figures
from steelyard.dashboard.dpm_figures import amount, listed, money, quantity, weight
from steelyard.dashboard.dpm_grid import is_long, show_grid
from steelyard.dashboard.dpm_words import words_of
from steelyard.dashboard.shell import Tone, badge, card, cell, words

FINDINGS_MAX = 100
"""Findings shown; the artifact has all."""

Rows = Mapping[str, Any]

_GRAVITY: Mapping[Tone, int] = {"bad": 0, "doubtful": 1, "busy": 2, "neutral": 3, "good": 4}
_NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was noticed: a few words, and a sentence with its figures."""

    short: str
    text: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Change:
    """A trade that was left out or cut: what was wanted, what became of it, and why."""

    instrument: str
    wanted: str
    done: str
    short: str
    meaning: str


def show_findings(result: Rows) -> None:
    """Draw the card of what was noticed."""
    found = findings(result)
    with card("What the engine noticed"):
        if not found:
            ui.label("Nothing out of the ordinary.").classes("soft")
            return
        with ui.element("ul").classes("findings").mark("findings"):
            for one in found[:FINDINGS_MAX]:
                with ui.element("li"):
                    badge(one.short, one.tone).classes("wrap-any")
                    ui.label(one.text).classes("soft")


def show_changes(result: Rows) -> None:
    """Draw the cards of what was left out, cut or may not be traded; nothing where there is none."""
    changes = changes_of(result["diagnostics"])
    untouched = sum(_is_nothing(one) for one in result["diagnostics"]["suppressed_intents"])
    _show_changes(changes, untouched)
    _show_excluded(result["universe"]["excluded"])


def findings(result: Rows) -> list[Finding]:
    """Everything noticed, the gravest first; a warning that an event tells in figures is told by that one."""
    diagnostics = result["diagnostics"]
    events = [*_gaps(diagnostics["data_quality"]), *_breaches(diagnostics), *_groups(diagnostics)]
    told = {f"CAPPED_BY_GROUP_LIMIT_{one['constraint_key']}" for one in diagnostics["group_constraint_events"]}
    told |= {one["reason_code"] for one in diagnostics["cash_ladder_breaches"]}
    warnings = [words_of(code) for code in dict.fromkeys(diagnostics["warnings"]) if code not in told]
    found = [*events, *(Finding(one.short, one.meaning, one.tone) for one in warnings)]
    return sorted(found, key=lambda one: _GRAVITY[one.tone])


def changes_of(diagnostics: Rows) -> list[Change]:
    """Every trade left out or cut; positions that needed no trade are none of them."""
    return [*_dropped(diagnostics), *_cut_for_tax(diagnostics), *_adjusted(diagnostics), *_suppressed(diagnostics)]


def _gaps(gaps: Rows) -> Iterator[Finding]:
    kinds = (
        ("price_missing", "No price", "There is no usable price for {}; what is held of it counts as nothing."),
        ("fx_missing", "No exchange rate", "There is no rate for {}; what is held in it counts as nothing."),
        ("shelf_missing", "Not on the shelf", "The model wants {}, and no shelf row says what is allowed."),
    )
    for name, short, text in kinds:
        if gaps[name]:
            yield Finding(short, text.format(listed(gaps[name])), "bad")


def _breaches(diagnostics: Rows) -> Iterator[Finding]:
    for one in diagnostics["cash_ladder_breaches"][:FINDINGS_MAX]:
        text = (
            f"On day T+{one['date_offset']} there are {amount(one['projected_balance'])} {one['currency']}; "
            f"at least {amount(one['allowed_floor'])} is needed."
        )
        yield Finding("Overdrawn until settlement", text, "bad")


def _groups(diagnostics: Rows) -> Iterator[Finding]:
    for one in diagnostics["group_constraint_events"]:
        attribute, _, value = one["constraint_key"].partition(":")
        ranked = sorted(one["recipients"].items(), key=lambda item: -Decimal(item[1]))
        taken = listed(f"{name} {weight(share)}" for name, share in ranked)
        end = f"{weight(one['released_weight'])} went to {taken}." if taken else "nobody could take the rest."
        text = f"It weighed {weight(one['group_weight_before'])}, at most {weight(one['max_weight'])} is allowed; {end}"
        tone: Tone = "doubtful" if one["status"] == "CAPPED" else "bad"
        yield Finding(f"Group cap: {attribute} {value}", text, tone)


def _dropped(diagnostics: Rows) -> Iterator[Change]:
    for one in diagnostics["dropped_intents"]:
        why = words_of(one["reason"])
        wanted = f"{money(one['potential_notional'])}, {weight(one['score'])}"
        yield Change(one["instrument_id"], wanted, _NOTHING, why.short, why.meaning)


def _suppressed(diagnostics: Rows) -> Iterator[Change]:
    for one in diagnostics["suppressed_intents"]:
        if not _is_nothing(one):
            why = words_of(one["reason"])
            meaning = f"The smallest trade is {money(one['threshold'])}."
            yield Change(one["instrument_id"], money(one["intended_notional"]), _NOTHING, why.short, meaning)


def _cut_for_tax(diagnostics: Rows) -> Iterator[Change]:
    for one in diagnostics["tax_budget_constraint_events"]:
        why = words_of(one["reason_code"])
        yield Change(
            one["instrument_id"], _units(one["requested_quantity"]), _units(one["allowed_quantity"]),
            why.short, "More would realise more gains than the budget allows.",
        )  # fmt: skip


def _adjusted(diagnostics: Rows) -> Iterator[Change]:
    for one in diagnostics.get("trade_adjustments", ()):
        why = words_of(one["reason_code"])
        wanted = figures.UNDEFINED if one["requested_quantity"] is None else _units(one["requested_quantity"])
        done = _units(one["allowed_quantity"]) if one["allowed_quantity"] is not None else _NOTHING
        if one["substitute_id"] is not None:
            done = f"{one['substitute_id']} instead"
        yield Change(one["instrument_id"], wanted, done, why.short, why.meaning)


def _units(text: str) -> str:
    return f"{quantity(text)} units" if Decimal(text) else _NOTHING


def _is_nothing(suppressed: Rows) -> bool:
    return not Decimal(suppressed["intended_notional"]["amount"])


def _show_changes(changes: list[Change], untouched: int) -> None:
    if not changes:
        return
    note = "Trades that were not made, or made smaller, and why."
    if untouched:
        note += f" {figures.counted(untouched, 'position')} needed no trade."
    with card("Left out or cut", note):
        rows = [((one.instrument, one.wanted, one.done), one.short, one.meaning) for one in changes]
        _table(("Instrument", "Wanted", "Became"), rows)


def _show_excluded(excluded: Iterable[Rows]) -> None:
    rows = [((one["instrument_id"],), (why := words_of(one["reason_code"])).short, why.meaning) for one in excluded]
    if rows:
        with card("Not to be traded freely", "What the shelf says of instruments that are held or wanted."):
            _table(("Instrument",), rows)


def _table(names: tuple[str, ...], rows: Sequence[tuple[tuple[str, ...], str, str]]) -> None:
    if is_long(rows):
        fields = (*names, "Why")
        told = [(*texts, f"{short}. {meaning}") for texts, short, meaning in rows]
        show_grid(
            [(name, name, 320 if name == "Why" else 210) for name in fields],
            [dict(zip(fields, texts, strict=True)) for texts in told],
        )
        return
    with ui.element("div").classes("scroll"), ui.element("table").classes("table cards compact"):
        with ui.element("thead"), ui.element("tr"):
            for name in (*names, "Why"):
                words("th", name)
        with ui.element("tbody"):
            for texts, short, meaning in rows:
                with ui.element("tr"):
                    cell("", texts[0]).classes("strong wrap-any")
                    for name, text in zip(names[1:], texts[1:], strict=True):
                        cell(name, text)
                    with cell("Why").classes("wrap"), ui.element("div").classes("row tight"):
                        badge(short)
                        ui.label(meaning).classes("soft")
