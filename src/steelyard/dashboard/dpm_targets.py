"""Weights of a rebalance in figures: from the model to the target, and why the two differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nicegui import ui

from steelyard.dashboard import figures
from steelyard.dashboard.dpm_figures import weight
from steelyard.dashboard.dpm_grid import is_long, show_grid
from steelyard.dashboard.dpm_weights import has_after, held_weights
from steelyard.dashboard.dpm_words import words_of
from steelyard.dashboard.shell import badge, card, cell, words

_GRID = (
    ("instrument", "Instrument", 190), ("before", "Before %", -110), ("model", "Model %", -110),
    ("target", "Target %", -110), ("after", "After %", -110), ("tags", "Why", 160),
)  # fmt: skip
_COLUMNS = (("Instrument", ""), ("Before", "num"), ("Model", "num"), ("Target", "num"), ("After", "num"), ("", ""))


def show_targets(result: Mapping[str, Any]) -> None:
    """Draw the card."""
    targets = result["target"]["targets"]
    with card("Targets", "What the model asks for, what is aimed at, and what the trades come to."):
        if not targets:
            ui.label("No targets: no weights satisfy what is asked for.").classes("empty")
            return
        if is_long(targets):
            show_grid(_GRID, target_rows(result))
            return
        with ui.element("div").classes("scroll"), ui.element("table").classes("table cards compact").mark("targets"):
            with ui.element("thead"), ui.element("tr"):
                for name, kind in _COLUMNS:
                    words("th", name).classes(kind)
            with ui.element("tbody"):
                _rows(result, targets)


def target_rows(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The targets as rows of a grid, in percent."""
    before, after, ends = *map(held_weights, (result["before"], result["after_simulated"])), has_after(result)
    return [
        {
            "instrument": (name := one["instrument_id"]),
            "before": float(before[name]) * 100,
            "model": float(one["model_weight"]) * 100,
            "target": float(one["final_weight"]) * 100,
            "after": float(after[name]) * 100 if ends else None,
            "tags": ", ".join(words_of(tag).short for tag in one["tags"]),
        }
        for one in result["target"]["targets"]
    ]


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
