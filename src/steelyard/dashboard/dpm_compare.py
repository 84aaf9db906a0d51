"""Scenarios side by side: what each came to, where it parts from the first, and the weights of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from nicegui import ui

from steelyard.dashboard import figures
from steelyard.dashboard.chart_parts import Options, base, category_axis, faded, short, tooltip, value_axis
from steelyard.dashboard.dpm_figures import money, weight
from steelyard.dashboard.dpm_rules import measured
from steelyard.dashboard.dpm_run_page import run_url
from steelyard.dashboard.dpm_trades import share_of_portfolio, traded_value
from steelyard.dashboard.dpm_weights import CASH, cash_weight, distance, has_after, held_weights
from steelyard.dashboard.dpm_words import status_words, words_of
from steelyard.dashboard.shell import badge, card, cell, words
from steelyard.dashboard.theme import PALETTES, Mode

SERIES_MAX = 6
"""Scenarios in the chart; the table has all."""
ROWS_MAX = 40
"""Instruments in chart and table: those whose weights are furthest apart."""
DIFFERENCES_MAX = 3
"""Instruments named as the largest differences."""

Results = Mapping[str, Mapping[str, Any]]

_COLUMNS = (
    ("Scenario", ""), ("Status", ""), ("Trades", "num"), ("Turnover", "num"), ("Cash after", "num"),
    ("Off target", "num"), ("Gains", "num"), ("Largest differences from the first", "apart"), ("", ""),
)  # fmt: skip
_GAINS = "Gains"


@dataclass(frozen=True, slots=True)
class WeightTable:
    """Weights after the trades: a row per instrument, a column per scenario; None where a scenario has none."""

    scenarios: tuple[str, ...]
    before: dict[str, float]
    rows: dict[str, tuple[float | None, ...]]


def show_comparison(batch: Mapping[str, Any], *, order: Sequence[str], mode: Mode) -> None:
    """Draw the answer of an analysis; ``order`` are the scenarios as they were asked for."""
    results = {name: batch["results"][name] for name in order if name in batch["results"]}
    if batch["failed_scenarios"]:
        _show_failures(batch["failed_scenarios"])
    if results:
        _show_table(results, batch["comparison_metrics"])
        _show_weights(results, mode=mode)


def failure_words(cause: str) -> str:
    """Why a scenario failed, from ``CODE: what``."""
    code, _, what = cause.partition(": ")
    if code == "INVALID_OPTIONS":
        return f"Its options are refused: {what.removeprefix('Value error, ')}"
    return "The engine met a defect of its own; the log says more." if code == "SCENARIO_EXECUTION_ERROR" else cause


def weight_table(results: Results) -> WeightTable:
    """The weights of every scenario; at most ``ROWS_MAX`` rows, those that are furthest apart first, and cash."""
    first = next(iter(results.values()))
    before = {name: float(share) for name, share in held_weights(first["before"]).items()}
    ended = [_after(one) for one in results.values()]
    names = list(dict.fromkeys([*before, *(name for one in ended if one is not None for name in one)]))
    rows = {name: tuple(None if one is None else one.get(name, 0.0) for one in ended) for name in names if name != CASH}
    ranked = sorted(rows, key=lambda name: (-_spread(rows[name], before.get(name, 0.0)), name))[:ROWS_MAX]
    kept = {name: rows[name] for name in ranked}
    kept[CASH] = tuple(None if one is None else one[CASH] for one in ended)
    return WeightTable(tuple(results), before | {CASH: float(cash_weight(first["before"]))}, kept)


def differences(results: Results, name: str) -> list[tuple[str, float]]:
    """The instruments whose weight after differs most from the first scenario's, as (instrument, difference)."""
    first = _after(next(iter(results.values())))
    this = _after(results[name])
    if first is None or this is None:
        return []
    apart = {one: this.get(one, 0.0) - first.get(one, 0.0) for one in {*first, *this}}
    ranked = sorted(apart, key=lambda one: (-abs(apart[one]), one))
    return [(one, apart[one]) for one in ranked[:DIFFERENCES_MAX] if abs(apart[one]) >= 0.00005]


def comparison_chart(table: WeightTable, *, mode: Mode) -> Options:
    """Grouped bars, one per scenario and instrument, and the weight before as a mark."""
    palette = PALETTES[mode]
    colours = (
        palette.steel, palette.brass, palette.good, palette.low, faded(palette.steel, 0.5), faded(palette.brass, 0.5),
    )  # fmt: skip
    names = table.scenarios[:SERIES_MAX]
    return {
        **base(palette),
        "aria": {"enabled": True, "label": {"description": f"Weights of {len(names)} scenarios"}},
        "legend": {
            "top": 0, "left": 0, "type": "scroll", "itemWidth": 14, "itemHeight": 9, "itemGap": 14,
            "textStyle": {"color": palette.soft, "fontSize": 12},
        },
        "grid": {"left": 4, "right": 20, "top": 54, "bottom": 6, "containLabel": True},
        "xAxis": value_axis(palette) | {
            "position": "top", "splitNumber": 4,
            "axisLabel": {"color": palette.faint, "fontSize": 11, ":formatter": "v => v + ' %'", "hideOverlap": True},
        },
        "yAxis": category_axis(palette, list(table.rows)) | {
            "inverse": True,
            "axisLabel": {
                "color": palette.soft, "fontSize": 11, "interval": 0, "width": 124, "overflow": "truncate",
            },
            "splitLine": {"show": True, "interval": 0, "lineStyle": {"color": faded(palette.line, 0.6)}},
        },
        "tooltip": {
            **tooltip(palette), "trigger": "axis", "axisPointer": {"type": "shadow"},
            ":valueFormatter": "v => v == null ? '\\u2013' : v.toFixed(2) + ' %'",
        },
        "series": [
            {
                "type": "bar", "name": "before", "itemStyle": {"color": palette.passive, "borderRadius": 2},
                "barGap": "10%", "barCategoryGap": "30%", "barMaxWidth": 8,
                "data": [short(table.before.get(name, 0.0) * 100) for name in table.rows],
            },
            *(
                {
                    "type": "bar", "name": name, "itemStyle": {"color": colours[place], "borderRadius": 2},
                    "barMaxWidth": 8,
                    "data": [None if (one := row[place]) is None else short(one * 100) for row in table.rows.values()],
                }
                for place, name in enumerate(names)
            ),
        ],
    }  # fmt: skip


def _after(result: Mapping[str, Any]) -> dict[str, float] | None:
    if not has_after(result):
        return None
    state = result["after_simulated"]
    held = {name: float(share) for name, share in held_weights(state).items()}
    return held | {CASH: float(cash_weight(state))}


def _spread(row: Sequence[float | None], before: float) -> float:
    values = [before, *(one for one in row if one is not None)]
    return max(values) - min(values)


def _show_failures(failed: Mapping[str, str]) -> None:
    with (
        card("Scenarios that failed", "The others are not affected.", classes="verdict is-bad"),
        ui.element("ul").classes("findings").mark("failures"),
    ):
        for name, cause in failed.items():
            with ui.element("li"):
                badge(name, "bad")
                ui.label(failure_words(cause)).classes("wrap-any")


def _show_table(results: Results, metrics: Mapping[str, Mapping[str, Any]]) -> None:
    is_taxed = any(one["tax_impact"] is not None for one in results.values())
    with (
        card("Side by side", "Each scenario is a recorded run of its own."),
        ui.element("div").classes("scroll"),
        ui.element("table").classes("table cards compact").mark("comparison"),
    ):
        with ui.element("thead"), ui.element("tr"):
            for name, kind in _COLUMNS:
                if name != _GAINS or is_taxed:
                    words("th", name).classes(kind)
        with ui.element("tbody"):
            for place, (name, result) in enumerate(results.items()):
                with ui.element("tr"):
                    _row(name, result, metrics[name], is_taxed=is_taxed)
                    apart = differences(results, name) if place else None
                    cell("Largest differences from the first", _apart_words(result, apart)).classes("wrap apart soft")
                    with cell(""):
                        ui.link("Open", run_url(result["rebalance_run_id"])).classes("quiet")


def _row(name: str, result: Mapping[str, Any], metric: Mapping[str, Any], *, is_taxed: bool) -> None:
    says, ends, tax = status_words(result), has_after(result), result["tax_impact"]
    turnover, off = share_of_portfolio(traded_value(result), result), distance(result, result["after_simulated"])
    with cell(""):
        ui.link(name, run_url(result["rebalance_run_id"])).classes("strong wrap-any")
    with cell("Status"):
        badge(says.short, says.tone)
    cell("Trades", figures.count(metric["security_intent_count"]), is_number=True)
    with cell("Turnover", is_number=True), ui.element("div").classes("stack none"):
        ui.label(figures.UNDEFINED if turnover is None else weight(turnover))
        ui.label(money(metric["gross_turnover_notional_base"])).classes("faint small")
    cell("Cash after", weight(cash_weight(result["after_simulated"])) if ends else figures.UNDEFINED, is_number=True)
    cell("Off target", figures.UNDEFINED if off is None or not ends else weight(off), is_number=True)
    if is_taxed:
        cell(_GAINS, figures.UNDEFINED if tax is None else money(tax["total_realized_gain"]), is_number=True)


def _apart_words(result: Mapping[str, Any], apart: list[tuple[str, float]] | None) -> str:
    if result["status"] == "BLOCKED":
        base_currency = result["before"]["total_value"]["currency"]
        failed = [rule for rule in result["rule_results"] if rule["status"] == "FAIL"]
        if not failed:
            return "Blocked: no weights satisfy all constraints"
        return f"{words_of(failed[0]['rule_id']).short}: {measured(failed[0], base_currency)}"
    if apart is None:
        return "The others are compared with this one"
    said = ", ".join(f"{name} {'+' if change > 0 else ''}{weight(change)}" for name, change in apart)
    return said or "None"


def _show_weights(results: Results, *, mode: Mode) -> None:
    table = weight_table(results)
    note = "After the trades, beside the weight before. A scenario that is blocked has none."
    if len(table.scenarios) > SERIES_MAX:
        note += f" The first {SERIES_MAX} scenarios; the table has all."
    with card("Weights", note):
        bars = min(len(table.scenarios), SERIES_MAX) + 1
        chart = ui.echart(comparison_chart(table, mode=mode)).classes("chart").mark("comparison-weights")
        chart.style(f"height: {66 + len(table.rows) * (14 + 9 * bars)}px")
    with card("Weights in figures"), ui.element("div").classes("scroll"), ui.element("table").classes("table compact"):
        with ui.element("thead"), ui.element("tr"):
            words("th", "Instrument")
            for name in ("before", *table.scenarios):
                words("th", name).classes("num")
        with ui.element("tbody"):
            for instrument, row in table.rows.items():
                with ui.element("tr"):
                    words("td", instrument).classes("strong")
                    for share in (table.before.get(instrument, 0.0), *row):
                        words("td", figures.UNDEFINED if share is None else weight(Decimal(str(share)))).classes("num")
