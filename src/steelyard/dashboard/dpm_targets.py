"""Weights of a rebalance in figures: from the model to the target, and why the two differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nicegui import ui

from steelyard.dashboard import figures
from steelyard.dashboard.dpm_figures import weight
from steelyard.dashboard.dpm_weights import has_after, held_weights
from steelyard.dashboard.dpm_words import words_of
from steelyard.dashboard.shell import badge, card, cell, words

ROWS_MAX = 400
"""Rows shown; the artifact has all."""

_COLUMNS = (("Instrument", ""), ("Before", "num"), ("Model", "num"), ("Target", "num"), ("After", "num"), ("", ""))


def show_targets(result: Mapping[str, Any]) -> None:
    """Draw the card."""
    targets = result["target"]["targets"]
    with card("Targets", "What the model asks for, what is aimed at, and what the trades come to."):
        if not targets:
            ui.label("No targets: no weights satisfy what is asked for.").classes("empty")
            return
        with ui.element("div").classes("scroll"), ui.element("table").classes("table cards compact").mark("targets"):
            with ui.element("thead"), ui.element("tr"):
                for name, kind in _COLUMNS:
                    words("th", name).classes(kind)
            with ui.element("tbody"):
                _rows(result, targets[:ROWS_MAX])
        if len(targets) > ROWS_MAX:
            ui.label(f"The first {ROWS_MAX} of {len(targets):,}; the artifact has all.").classes("note")


def _rows(result: Mapping[str, Any], targets: list[Mapping[str, Any]]) -> None:
    before, after = held_weights(result["before"]), held_weights(result["after_simulated"])
    ends = has_after(result)
    for one in targets:
        name = one["instrument_id"]
        with ui.element("tr"):
            cell("", name).classes("strong wrap-any")
            cell("Before", weight(before[name]), is_number=True)
            cell("Model", weight(one["model_weight"]), is_number=True)
            cell("Target", weight(one["final_weight"]), is_number=True)
            cell("After", weight(after[name]) if ends else figures.UNDEFINED, is_number=True)
            with cell("").classes("wrap-tags"), ui.element("div").classes("row tight"):
                for tag in one["tags"]:
                    says = words_of(tag)
                    badge(says.short, says.tone).tooltip(says.meaning)
