"""The editor of scenarios: named sets of options, each as a form or as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from nicegui import ui

from steelyard.dashboard.dpm_scenario_form import ScenarioForm
from steelyard.dashboard.shell import card, words
from steelyard.rebalance.limits import SCENARIO_CHARACTERS_MAX, SCENARIOS_MAX
from steelyard.rebalance.schemas import scenario_problem


class ScenarioList:
    """All scenarios of a what-if, in the order they are shown."""

    def __init__(self) -> None:
        self._scenarios: list[ScenarioForm] = []

    def draw(self, *, take: Callable[[], None]) -> None:
        """Lay the list out; ``take`` is to fill it from somewhere else."""
        with card("Scenarios", "The same portfolio under other options. What is not set counts as the engine has it."):
            self._refusal = ui.label().classes("error").props("role=alert")
            self._refusal.set_visibility(False)
            self._place = ui.element("div").classes("stack tight")
            with ui.element("div").classes("row"):
                words("button", "Add scenario").classes("quiet").props("type=button").on("click", self._add_new)
                words("button", "Take them from the text").classes("quiet").props("type=button").on("click", take)
                self._count = ui.label().classes("note")

    def fill(self, scenarios: Mapping[str, Mapping[str, Any]]) -> None:
        """Show these and no others."""
        self._place.clear()
        self._scenarios = []
        for name, one in list(scenarios.items())[:SCENARIOS_MAX]:
            self._add(name, str(one.get("description") or ""), dict(one.get("options") or {}))
        self._show_count()

    def read(self) -> dict[str, dict[str, Any]] | None:
        """The scenarios as a request has them; None, and a word about it, where they cannot be run."""
        names = [one.name for one in self._scenarios]
        twice = sorted({name for name in names if names.count(name) > 1})
        problem = f"two scenarios are named {twice[0]!r}" if twice else scenario_problem(dict.fromkeys(names))
        unreadable = [one.name for one in self._scenarios if not one.is_readable]
        if problem is None and unreadable:
            problem = f"the options of {unreadable[0]!r} cannot be read"
        self._refusal.set_text(problem or "")
        self._refusal.set_visibility(problem is not None)
        if problem is not None:
            return None
        return {one.name: one.body() for one in self._scenarios}

    def _add(self, name: str, description: str, options: dict[str, Any], *, opened: bool = False) -> None:
        with self._place:
            scenario = ScenarioForm(name, description, options, removed=self._remove, copied=self._copy)
            scenario.draw(opened=opened)
        self._scenarios.append(scenario)

    def _add_new(self) -> None:
        if len(self._scenarios) < SCENARIOS_MAX:
            self._add(self._free_name("scenario"), "", {}, opened=True)
            self._show_count()

    def _copy(self, scenario: ScenarioForm) -> None:
        if len(self._scenarios) < SCENARIOS_MAX:
            name = self._free_name(scenario.name[: SCENARIO_CHARACTERS_MAX - 5])
            self._add(name, scenario.description, json.loads(json.dumps(scenario.options)), opened=True)
            self._show_count()

    def _remove(self, scenario: ScenarioForm) -> None:
        self._scenarios.remove(scenario)
        scenario.panel.delete()
        self._show_count()

    def _free_name(self, base: str) -> str:
        taken = {one.name for one in self._scenarios}
        return next(name for number in range(1, SCENARIOS_MAX + 2) if (name := f"{base}-{number}") not in taken)

    def _show_count(self) -> None:
        self._count.set_text(f"{len(self._scenarios)} of at most {SCENARIOS_MAX}")
