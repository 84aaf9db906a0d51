"""What came of an analysis: each scenario with its outcome and its run, in a dialog."""

from __future__ import annotations

import asyncio
from typing import Any, TypedDict

import msgspec
from nicegui import ui

from steelyard.dashboard import figures
from steelyard.dashboard.dpm_compare import failure_words
from steelyard.dashboard.dpm_figures import money
from steelyard.dashboard.dpm_run_page import run_url
from steelyard.dashboard.dpm_words import words_of
from steelyard.dashboard.shell import badge, cell, words
from steelyard.dashboard.visit import Visit

_COLUMNS = (("Scenario", ""), ("Outcome", ""), ("Trades", "num"), ("Traded", "num"))


class _Result(TypedDict):
    rebalance_run_id: str


class _Batch(TypedDict):
    results: dict[str, _Result]
    comparison_metrics: dict[str, dict[str, Any]]
    failed_scenarios: dict[str, str]


_BATCHES = msgspec.json.Decoder(_Batch)


async def open_results(visit: Visit, operation_id: str) -> None:
    """Show the results of an operation that was run.

    Raises:
        NotFoundError: it is kept no longer.
    """
    principal = await visit.still("rebalance:read")
    async with visit.database.reading() as session:
        row = await visit.rebalance_operations.by_id(session, principal.tenant, operation_id)
    if row.result is None:
        return
    batch = await asyncio.to_thread(_BATCHES.decode, row.result)
    with ui.dialog() as dialog, ui.card().classes("form wide"):
        words("h2", f"What came of {operation_id}")
        _draw(batch)
        with ui.element("div").classes("row"):
            words("button", "Close").classes("quiet").props("type=button").on("click", dialog.close)
    dialog.on("hide", dialog.delete)
    dialog.open()


def _draw(batch: _Batch) -> None:
    with ui.element("div").classes("scroll"), ui.element("table").classes("table cards"):
        with ui.element("thead"), ui.element("tr"):
            for name, kind in _COLUMNS:
                words("th", name).classes(kind)
        with ui.element("tbody"):
            for name, metric in batch["comparison_metrics"].items():
                _draw_scenario(name, metric, batch["results"][name]["rebalance_run_id"])
            for name, reason in batch["failed_scenarios"].items():
                with ui.element("tr"):
                    cell("", name).classes("strong")
                    with cell("Outcome"):
                        badge("Failed", "bad")
                    cell("Why", failure_words(reason)).classes("wrap soft").props["colspan"] = 2


def _draw_scenario(name: str, metric: dict[str, Any], run_id: str) -> None:
    says = words_of(metric["status"])
    with ui.element("tr"):
        with cell(""):
            ui.link(name, run_url(run_id)).classes("strong")
        with cell("Outcome"):
            badge(says.short, says.tone)
        cell("Trades", figures.count(metric["security_intent_count"]), is_number=True)
        cell("Traded", money(metric["gross_turnover_notional_base"]), is_number=True)
