"""One scenario of a what-if: its name and its options, as a form or as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from nicegui import events, ui

from steelyard.dashboard.dpm_options import (
    OptionField,
    first_value,
    label_of,
    option_fields,
    option_problems,
    read_json_object,
    summary_of,
)
from steelyard.dashboard.dpm_shorthand import SHORTHANDS, Shorthand
from steelyard.dashboard.shell import words
from steelyard.rebalance.limits import SCENARIO_CHARACTERS_MAX

TYPING_MS = 250
"""Pause in typing after which a scenario is checked."""

JSON_ROWS_MAX = 12
"""Rows of an option's JSON that are seen at once."""

_FIELD = f"outlined dense hide-bottom-space no-error-icon debounce={TYPING_MS}"
_FIELDS = option_fields()


class ScenarioForm:
    """One named set of options; ``removed`` and ``copied`` hear of its buttons."""

    def __init__(
        self,
        name: str,
        description: str,
        options: dict[str, Any],
        *,
        removed: Callable[[ScenarioForm], None],
        copied: Callable[[ScenarioForm], None],
    ) -> None:
        self.name, self.description, self.options = name, description, options
        self.is_readable = True
        self._removed, self._copied = removed, copied
        self._said: dict[str, ui.label] = {}

    def body(self) -> dict[str, Any]:
        """The scenario as a request has it."""
        return {"description": self.description or None, "options": self.options}

    def draw(self, *, opened: bool) -> None:
        """Lay the panel out."""
        self.panel = ui.expansion(self.name, caption=" ", value=opened).classes("scenario").props("dense")
        with self.panel, ui.element("div").classes("stack"):
            with ui.element("div").classes("grid-2"):
                name = ui.input("Name", value=self.name, on_change=self._renamed).props(_FIELD)
                name.props(f"maxlength={SCENARIO_CHARACTERS_MAX}")
                ui.input("What it asks", value=self.description, on_change=self._described).props(_FIELD)
            with ui.tabs().props("dense align=left no-caps") as tabs:
                form, text = ui.tab("Form"), ui.tab("JSON")
            with ui.tab_panels(tabs, value=form, animated=False):
                with ui.tab_panel(form), ui.element("div").classes("stack"):
                    self._form = ui.element("div").classes("options")
                    self._draw_chooser()
                with ui.tab_panel(text):
                    self._json = ui.textarea(
                        on_change=self._typed
                    ).without_auto_validation()  # it would forget our errors
                    self._json.props(f"{_FIELD} autogrow").classes("mono-input")
                    self._json.props('aria-label="Options as JSON"')
            self._said_elsewhere = ui.label().classes("error").props("role=alert")
            with ui.element("div").classes("row"):
                words("button", "Copy").classes("quiet").props("type=button").on("click", lambda: self._copied(self))
                remove = words("button", "Remove").classes("quiet danger").props("type=button")
                remove.on("click", lambda: self._removed(self))
        self._fill_form()
        self._check()
        tabs.on_value_change(self._turned)

    def _draw_chooser(self) -> None:
        choices = {name: f"{field.label}: {field.description}" for name, field in _FIELDS.items()}
        self._chooser = ui.select(choices, label="Set an option", with_input=True, on_change=self._added)
        self._chooser.props("outlined dense hide-bottom-space options-dense").classes("chooser")

    def _fill_form(self) -> None:
        self._form.clear()
        self._said = {}
        with self._form:
            for name, value in self.options.items():
                self._draw_option(_FIELDS.get(name) or _unknown(name), value)

    def _draw_option(self, field: OptionField, value: Any) -> None:
        with ui.element("div").classes("option is-long" if field.kind == "json" else "option"):
            with ui.element("div").classes("stack none"):
                ui.label(field.label).classes("strong small")
                ui.label(_explained(field)).classes("faint small")
            with ui.element("div").classes("stack tight"):
                self._draw_value(field, value)
                self._said[field.name] = ui.label().classes("error").props("role=alert")
            remove = ui.element("button").props(f'type=button aria-label="Remove {field.label}"').classes("quiet icon")
            remove.on("click", lambda: self._dropped(field.name))
            with remove:
                ui.icon("close", size="16px")

    def _draw_value(self, field: OptionField, value: Any) -> None:
        if field.kind == "switch":
            ui.switch(value=value is True, on_change=lambda event: self._set(field.name, event.value)).props(
                f'dense aria-label="{field.label}"'
            )
        elif field.kind == "choice" and value in field.choices:
            ui.select(
                list(field.choices), value=value, on_change=lambda event: self._set(field.name, event.value)
            ).props(f'{_FIELD} options-dense aria-label="{field.label}"')
        elif field.kind == "json":
            self._draw_text(field, value)
        else:
            shown = value if isinstance(value, str) else json.dumps(value, default=str)
            ui.input(value=shown, on_change=lambda event: self._set(field.name, (event.value or "").strip())).props(
                f'{_FIELD} inputmode={"decimal" if field.kind == "number" else "text"} aria-label="{field.label}"'
            )

    def _draw_text(self, field: OptionField, value: Any) -> None:
        """A map or an amount in short lines where it has such a form, otherwise as JSON."""
        short = SHORTHANDS.get(field.name)
        lines = short.write(value) if short is not None else None
        shown = json.dumps(value, indent=2, default=str) if lines is None else lines
        text = ui.textarea(value=shown).classes("mono-input")
        if short is not None and lines is not None:
            text.on_value_change(lambda event: self._set_lines(field.name, event.value or "", short))
        else:
            text.on_value_change(lambda event: self._set_json(field.name, event.value or ""))
        rows = min(shown.count("\n") + 1, JSON_ROWS_MAX)
        text.props(f'{_FIELD} rows={rows} autogrow aria-label="{field.label}"')

    def _added(self, change: events.ValueChangeEventArguments[str | None]) -> None:
        if change.value is None:
            return
        self.options.setdefault(change.value, first_value(_FIELDS[change.value]))
        self._chooser.set_value(None)
        self._fill_form()
        self._check()

    def _dropped(self, name: str) -> None:
        del self.options[name]
        self._fill_form()
        self._check()

    def _set(self, name: str, value: Any) -> None:
        self.options[name] = value
        self._check()

    def _set_lines(self, name: str, text: str, short: Shorthand) -> None:
        try:
            self._set(name, short.read(text))
        except ValueError as refused:
            self._set(name, text)
            self._said[name].set_text(str(refused))

    def _set_json(self, name: str, text: str) -> None:
        try:
            self._set(name, json.loads(text, parse_constant=str))
        except (json.JSONDecodeError, RecursionError):
            self._set(name, text)  # refused as what it is: text

    def _renamed(self, change: events.ValueChangeEventArguments[str | None]) -> None:
        self.name = (change.value or "").strip()
        self._check()

    def _described(self, change: events.ValueChangeEventArguments[str | None]) -> None:
        self.description = (change.value or "").strip()
        self._check()

    def _turned(self, change: events.ValueChangeEventArguments[Any]) -> None:
        if change.value == "JSON":
            self._json.set_value(json.dumps(self.options, indent=2, default=str))
        elif self.is_readable:
            self._fill_form()
            self._check()

    def _typed(self, change: events.ValueChangeEventArguments[str | None]) -> None:
        try:
            self.options = read_json_object(change.value or "")
        except ValueError as refused:
            self.is_readable = False
            self._json.error = str(refused)
            return
        self.is_readable = True
        self._json.error = None
        self._check()

    def _check(self) -> None:
        """Show what the scenario comes to as it stands."""
        self.panel.set_text(self.name or "unnamed")
        self.panel.props["caption"] = self.description or summary_of(self.options)
        self.panel.update()
        problems = option_problems(self.options)
        for name, label in self._said.items():
            label.set_text(problems.pop(name, ""))
        self._said_elsewhere.set_text(" ".join(f"{label_of(name)} {said}".strip() for name, said in problems.items()))


def _explained(field: OptionField) -> str:
    limits = f" {field.limits.capitalize()}." if field.limits and field.kind != "json" else ""
    usual = f" Otherwise {field.default}." if field.default not in ("null", "{}") else ""
    lines = f" One a line, such as {SHORTHANDS[field.name].example}." if field.name in SHORTHANDS else ""
    return f"{field.description}{limits}{lines}{usual}"


def _unknown(name: str) -> OptionField:
    return OptionField(name, label_of(name), "Not an option of a rebalance.", "json", "JSON", (), "null", "null")
