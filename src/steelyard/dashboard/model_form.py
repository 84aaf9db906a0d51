"""The editor of a model: its name and positions, their sum and bands as one types, saved against its version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal

from nicegui import events, ui

from steelyard.core.errors import ConflictError, InvalidInputError
from steelyard.dashboard import figures
from steelyard.dashboard.bands import Band, band_chart, chart_height
from steelyard.dashboard.model_draft import FIELDS, Draft, Row, read_draft, readable_weights
from steelyard.dashboard.shell import card, cell, words
from steelyard.dashboard.visit import Visit
from steelyard.infra.audit import latest
from steelyard.models import service
from steelyard.models.document import Model, Position
from steelyard.models.validation import TARGET_SUM_MAX
from steelyard.models.views import decimal_text

TYPING_MS = 200
"""Pause in typing after which the form is checked."""

_COLUMNS = (("Ticker", ""), ("Security", ""), ("Target", ""), ("Low drift", ""), ("High drift", ""), ("", ""))
_NAMES = {"securityId": "Security", "target": "Target", "lowDrift": "Low drift", "highDrift": "High drift"}
_FIELD = "outlined dense hide-bottom-space no-error-icon"


class ModelForm:
    """One opened model; ``saved`` hears of each version that was stored from here."""

    def __init__(
        self, visit: Visit, model: Model, tickers: Mapping[str, str], *, saved: Callable[[Model], None]
    ) -> None:
        self._visit = visit
        self._model = model
        self._tickers = tickers
        self._saved = saved
        self._may_write = visit.principal.may("models:write")
        self._rows: list[_RowFields] = []

    def draw(self) -> None:
        """Lay the form out."""
        with ui.element("div").classes("two wide-left"):
            with card("Positions", "Shares of the portfolio's value. Drifts are shares of it too, not of the target."):
                self._name = self._input(self._model.name, "Name of the model", "text").props('label="Name"')
                self._draw_sum()
                self._draw_table()
                self._draw_foot()
            with card("Drift bands", "The range that each weight may be in, and its target."):
                self._chart = ui.echart({}).classes("chart").mark("bands")
        self._fill(self._model)

    def adopt(self, model: Model) -> None:
        """Go on from a newer version, if it differs in other things than those that are edited here."""
        if (model.name, model.positions) == (self._model.name, self._model.positions):
            self._model = model

    def _draw_sum(self) -> None:
        with ui.element("div").classes("stack tight"):
            self._sum = ui.label().classes("note").props("role=status")
            bar = ui.element("div").classes("bar")
            with bar:
                self._share = ui.element("div").classes("bar-fill")
            self._bar = bar

    def _draw_table(self) -> None:
        with ui.element("div").classes("scroll"), ui.element("table").classes("table cards compact").mark("positions"):
            with ui.element("thead"), ui.element("tr"):
                for name, kind in _COLUMNS:
                    words("th", name).classes(kind)
            self._body = ui.element("tbody")

    def _draw_foot(self) -> None:
        self._refusal = ui.label().classes("error").props("role=alert")
        self._conflict = ui.element("div").classes("banner is-bad").props("role=alert")
        self._conflict.set_visibility(False)
        if not self._may_write:
            return
        with ui.element("div").classes("row"):
            self._save_button = words("button", "Save").classes("primary").props("type=button")
            self._save_button.on("click", self._save)
            add = words("button", "Add position").classes("quiet").props("type=button")
            add.on("click", self._add)

    def _fill(self, model: Model) -> None:
        self._body.clear()
        self._rows = []
        with self._body:
            for position in model.positions:
                self._row(position)
        self._name.set_value(model.name)
        self._check()

    def _row(self, position: Position) -> None:
        texts = dict(zip(FIELDS, _texts(position), strict=True))
        row = _RowFields()
        with row.element:
            ticker = self._tickers.get(position.security_id, "")
            cell("", "" if ticker == position.security_id else ticker).classes("strong")
            for name, text in texts.items():
                with cell(_NAMES[name]).classes("wide" if name == "securityId" else "narrow"):
                    row.fields[name] = self._input(text, _NAMES[name], "text" if name == "securityId" else "decimal")
            with cell(""):
                if self._may_write:
                    remove = words("button", "Remove").classes("quiet").props("type=button")
                    remove.on("click", lambda: self._remove(row))
        self._rows.append(row)

    def _input(self, text: str, name: str, mode: str) -> ui.input:
        field = ui.input(value=text, on_change=self._changed).without_auto_validation()  # it would forget our errors
        field.props(f'{_FIELD} debounce={TYPING_MS} inputmode={mode} aria-label="{name}"')
        return field.props("" if self._may_write else "readonly")

    def _add(self) -> None:
        with self._body:
            self._row(Position("", Decimal("0.000"), high_drift=Decimal("0.02"), low_drift=Decimal("0.02")))
        self._check()

    def _remove(self, row: _RowFields) -> None:
        self._rows.remove(row)
        self._body.remove(row.element)
        self._body.remove(row.below)
        self._check()

    def _changed(self, _: events.ValueChangeEventArguments[str | None]) -> None:
        self._check()

    def _texts(self) -> list[Row]:
        return [{name: field.value or "" for name, field in row.fields.items()} for row in self._rows]

    def _check(self) -> Draft:
        """Show what the form comes to as it stands."""
        rows = self._texts()
        draft = read_draft(self._name.value or "", rows)
        self._show_sum(draft.total)
        self._show_problems(draft.problems)
        bands = [self._band(row, weights) for row in rows if (weights := readable_weights(row)) is not None]
        self._chart.options.clear()
        self._chart.options.update(band_chart(bands, mode=self._visit.mode))
        self._chart.style(f"height: {chart_height(len(bands))}px")
        self._chart.update()
        return draft

    def _band(self, row: Row, weights: tuple[float, float, float]) -> Band:
        security_id = row["securityId"]
        target, low, high = weights
        return Band(self._tickers.get(security_id, security_id) or "new", target, low, high)

    def _show_sum(self, total: Decimal) -> None:
        left = Decimal(1) - total
        is_over = total > TARGET_SUM_MAX
        rest = "too much" if is_over else f"{decimal_text(left)} stays cash"
        self._sum.set_text(f"Targets add up to {decimal_text(total)} of at most {TARGET_SUM_MAX}; {rest}")
        self._sum.classes(replace="error" if is_over else "note")
        self._share.style(replace=f"width: {min(float(total / TARGET_SUM_MAX), 1) * 100:.1f}%")
        self._bar.classes(replace="bar is-bad" if is_over else "bar")

    def _show_problems(self, problems: tuple[tuple[str, str], ...]) -> None:
        said = dict(reversed(problems))  # of several about one field the first
        self._name.error = said.pop("name", None)
        for place, row in enumerate(self._rows):
            row.show({name: said.pop(f"positions[{place}].{name}", None) for name in row.fields})
        elsewhere = list(said.values())
        self._refusal.set_text(" ".join(elsewhere))
        self._refusal.set_visibility(bool(elsewhere))

    async def _save(self) -> None:
        draft = self._check()
        if draft.model is None:
            return
        mine = self._model
        wanted = replace(draft.model, model_id=mine.model_id, version=mine.version, portfolios=mine.portfolios)
        self._save_button.props("disabled")
        try:
            principal = await self._visit.still("models:write")
            stored = await service.replace_model(
                self._visit.models.store, principal, wanted, keep_options=True, rebalanced=None
            )
        except ConflictError as refused:
            await self._show_conflict(refused)
        except InvalidInputError as refused:
            self._show_problems((("", refused.message),))
        else:
            self._model = stored
            self._conflict.set_visibility(False)
            self._fill(stored)
            ui.notify(f"Saved as version {stored.version}", type="positive", position="top")
            self._saved(stored)
        finally:
            self._save_button.props(remove="disabled")

    async def _show_conflict(self, refused: ConflictError) -> None:
        is_faster = refused.code == "VERSION_CONFLICT"
        async with self._visit.database.reading() as session:
            last = await latest(session, self._visit.principal.tenant, self._model.model_id) if is_faster else None
        self._conflict.clear()
        with self._conflict:
            if last is not None:
                ui.label(f"{last.actor} was faster: {figures.moment(last.at)} UTC.")
            ui.label(refused.message)
            if is_faster:
                reload = words("button", "Reload, and lose what is typed here").classes("quiet").props("type=button")
                reload.on("click", ui.navigate.reload)
        self._conflict.set_visibility(True)


class _RowFields:
    """One row of the form, its inputs by field, and a row below for what is wrong with them: it needs the width."""

    def __init__(self) -> None:
        self.element = ui.element("tr").classes("above")
        self.fields: dict[str, ui.input] = {}
        self.below = ui.element("tr").classes("below")
        with self.below, ui.element("td").props(f'colspan={len(_COLUMNS)} data-name=""').classes("wrap"):
            self._said = ui.label().classes("error").props("role=alert")

    def show(self, problems: Mapping[str, str | None]) -> None:
        """Mark the fields with a problem and say what it is."""
        for name, field in self.fields.items():
            field.props(add="error" if problems[name] else "", remove="" if problems[name] else "error")
        told = [message for message in problems.values() if message]
        self._said.set_text(" ".join(told))
        self.below.set_visibility(bool(told))


def _texts(position: Position) -> tuple[str, ...]:
    numbers = (position.target, position.low_drift, position.high_drift)
    return (position.security_id, *(decimal_text(number) for number in numbers))
