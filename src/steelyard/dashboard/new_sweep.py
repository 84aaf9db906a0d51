"""The form of a new sweep: checked by the very code that checks the API's requests, so it says the same words."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from nicegui import ui
from nicegui.elements.mixins.validation_element import ValidationElement
from pydantic import ValidationError

from steelyard.core.errors import SteelyardError
from steelyard.dashboard.progress import ProgressBar, follow
from steelyard.dashboard.shell import tell, words
from steelyard.dashboard.visit import Visit
from steelyard.infra.jobs import Job, JobEvent, JobStatus
from steelyard.market.demo import DEMO_SYMBOLS
from steelyard.market.store import PriceStore
from steelyard.research import service
from steelyard.research.schemas import SweepRequest
from steelyard.research.strategies import Strategy

_STRATEGIES = {
    Strategy.SMA.value: "SMA: two simple averages cross",
    Strategy.EMA.value: "EMA: two exponential averages cross",
    Strategy.MACD.value: "MACD crosses its signal line",
    Strategy.RSI.value: "RSI: a fast one crosses a slow one",
}
_FILLS = {"minimum": "At the close that gave the signal", "standard": "At the next open, or the next close"}


def new_sweep_button(visit: Visit) -> None:
    """The button that opens the form."""

    async def open_form() -> None:
        symbols = await asyncio.to_thread(_symbols, visit)
        with ui.dialog(value=True) as dialog, ui.card().classes("form"):
            _Form(visit, symbols, dialog)

    words("button", "New sweep").classes("primary").props("type=button").on("click", open_form)


def _symbols(visit: Visit) -> list[str]:
    return sorted({*PriceStore(visit.settings.data_dir).symbols(), *DEMO_SYMBOLS})


class _Form:
    """One opened form, from its first field to the link to the finished sweep."""

    def __init__(self, visit: Visit, symbols: list[str], dialog: ui.dialog) -> None:
        self._visit = visit
        self._dialog = dialog
        words("h2", "New sweep")
        self._fields: dict[str, ValidationElement[Any]] = {}
        self._fieldset = ui.element("div").classes("stack")
        with self._fieldset:
            self._draw(symbols)
        self._outcome = ui.element("div").classes("stack")

    def _draw(self, symbols: list[str]) -> None:
        first = "AAPL" if "AAPL" in symbols else symbols[0]
        ticker = ui.select(symbols, value=[first], label="Tickers", multiple=True, with_input=True)
        self._fields["ticker"] = ticker.props("use-chips outlined dense hide-bottom-space")
        strategy = ui.select(_STRATEGIES, value=Strategy.SMA.value, label="Strategy")
        self._fields["strategy_type"] = strategy.props("outlined dense hide-bottom-space")
        with ui.element("div").classes("grid-2"):
            self._number("fast_range_min", "Fast window, from", 5)
            self._number("fast_range_max", "to", 100)
            self._number("slow_range_min", "Slow window, from", 20)
            self._number("slow_range_max", "to", 300)
        with ui.element("div").classes("grid-2") as signal:
            self._number("signal_range_min", "Signal window, from", 9)
            self._number("signal_range_max", "to", 9)
        signal.bind_visibility_from(strategy, "value", value=Strategy.MACD.value)
        with ui.element("div").classes("grid-3"):
            self._number("step", "Step of all windows", 5)
            self._number("min_trades", "Trades, at least", 10)
            self._number("fee", "Fee a side, share", 0.001, step="any")
        fills = ui.select(_FILLS, value="minimum", label="Orders fill")
        self._fields["config_path"] = fills.props("outlined dense hide-bottom-space")
        self._refusal = ui.label().classes("error").props("role=alert")
        self._refusal.set_visibility(False)
        with ui.element("div").classes("row"):
            self._go = words("button", "Run the sweep").classes("primary").props("type=button")
            self._go.on("click", self._submit)
            words("button", "Cancel").classes("quiet").props("type=button").on("click", self._dialog.close)

    def _number(self, name: str, label: str, value: float, step: str = "1") -> None:
        number = ui.number(label, value=value, format="%g")
        self._fields[name] = number.props(f"outlined dense hide-bottom-space step={step}")

    async def _submit(self) -> None:
        self._go.props("disabled")
        try:
            job = await self._queue()
        except ValidationError as refused:
            self._show([(_field_of(error["loc"]), error["msg"]) for error in refused.errors()])
        except SteelyardError as refused:
            if refused.http_status >= 500:
                tell(refused)
            else:
                self._show([(_named_field(refused), refused.message)])
        else:
            await self._watch(job)
        finally:
            self._go.props(remove="disabled")

    async def _queue(self) -> Job:
        """Check, plan and queue: the API's own functions in the API's own order."""
        principal = await self._visit.still("sweeps:write")
        request = SweepRequest.model_validate(self._body())
        plan = await asyncio.to_thread(service.plan_sweep, request, data_dir=self._visit.settings.data_dir)
        async with self._visit.database.transaction() as session:
            return await service.submit_sweep(session, self._visit.jobs, principal, request, plan)

    def _body(self) -> dict[str, Any]:
        values: dict[str, Any] = {name: field.value for name, field in self._fields.items()}
        body = values | {"ticker": ",".join(values["ticker"] or [])}
        if values["strategy_type"] != Strategy.MACD.value:
            del body["signal_range_min"], body["signal_range_max"]
        return {name: int(value) if _is_whole(value) else value for name, value in body.items()}

    def _show(self, refusals: list[tuple[str | None, str]]) -> None:
        for field in self._fields.values():
            field.error = None
        elsewhere = []
        for name, message in refusals:
            field_name = name if name in self._fields else f"{name}_min"
            if field_name in self._fields:
                self._fields[field_name].error = message
            else:
                elsewhere.append(message)
        self._refusal.set_text(" ".join(elsewhere))
        self._refusal.set_visibility(bool(elsewhere))

    async def _watch(self, job: Job) -> None:
        self._fieldset.set_visibility(False)  # not removed: this very call came from one of its buttons
        with self._outcome:
            bar = ProgressBar(JobStatus.QUEUED, 0)
            message = ui.label("Waiting for a worker").classes("note")
            foot = ui.element("div").classes("row")
            with foot:
                ui.link("Follow it on its own page", f"/jobs/{job.id}").classes("quiet")

        def show(event: JobEvent) -> None:
            bar.show(event.status, event.percent)
            message.set_text(event.message or event.status.value)

        await follow(self._visit, job.id, show)
        async with self._visit.database.reading() as session:
            ended = await self._visit.jobs.get(session, job.id, tenant=job.tenant)
        if run_id := (ended.result_data or {}).get("sweep_run_id"):
            message.set_text(f"{job.parameters['combinations']:,} combinations tested.")
            with foot:
                ui.link("Open the sweep", f"/sweeps/{run_id}").classes("primary").move(target_index=0)


def _is_whole(value: Any) -> bool:
    return isinstance(value, float) and value.is_integer()


def _field_of(loc: tuple[int | str, ...]) -> str | None:
    return str(loc[0]) if loc else None


def _named_field(refused: SteelyardError) -> str | None:
    """The field that a refusal is about: named in its details, or first in its words."""
    if named := refused.details.get("field"):
        return str(named)
    match = re.match(r"(?:the step of )?`(\w+)`", refused.message)
    return match[1] if match else None
