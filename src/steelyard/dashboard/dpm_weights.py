"""Weights of a rebalance as bars: what is held, what is aimed at, what the trades come to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from nicegui import ui

from steelyard.dashboard.chart_parts import Options, base, category_axis, short, tooltip, value_axis
from steelyard.dashboard.shell import card
from steelyard.dashboard.theme import PALETTES, Mode

ROWS_MAX = 30
"""Instruments of a chart; of more, those that change the most."""
ROW_PX = 42
FRAME_PX = 64
CASH = "Cash"


@dataclass(frozen=True, slots=True)
class WeightRow:
    """An instrument, or cash, as shares of the portfolio's value; None where there is no such weight."""

    label: str
    before: float
    target: float | None
    after: float | None

    @property
    def change(self) -> float:
        """How far the weight is to move."""
        goal = self.target if self.target is not None else self.after
        return abs((self.before if goal is None else goal) - self.before)


def show_weights(result: Mapping[str, Any], *, mode: Mode) -> None:
    """Draw the card."""
    rows = weight_rows(result)
    shown = largest_changes(rows)
    note = "Shares of the portfolio's value."
    if not has_after(result):
        note += " Nothing was traded, so there is no weight after."
    if len(shown) < len(rows):
        note += f" The {len(shown)} of {len(rows):,} that change the most."
    with card("Weights", note):
        chart = ui.echart(weight_chart(shown, mode=mode)).classes("chart").mark("weights")
        chart.style(f"height: {FRAME_PX + ROW_PX * max(len(shown), 1)}px")


def weight_rows(result: Mapping[str, Any]) -> list[WeightRow]:
    """Every instrument held, aimed at or held afterwards, the largest weight first, and cash last."""
    before, after = held_weights(result["before"]), held_weights(result["after_simulated"])
    targets = {one["instrument_id"]: Decimal(one["final_weight"]) for one in result["target"]["targets"]}
    aims, ends = bool(targets), has_after(result)
    rows = [
        _row(name, before[name], targets.get(name, Decimal(0)) if aims else None, after[name] if ends else None)
        for name in dict.fromkeys([*before, *targets, *(after if ends else ())])
    ]
    rows.sort(key=lambda row: -max(row.before, row.target or 0.0, row.after or 0.0))
    left = Decimal(1) - sum(targets.values(), Decimal(0)) if aims else None
    return [
        *rows,
        _row(CASH, cash_weight(result["before"]), left, cash_weight(result["after_simulated"]) if ends else None),
    ]


def largest_changes(rows: Sequence[WeightRow]) -> list[WeightRow]:
    """At most ``ROWS_MAX`` rows, in their order; cash is always among them."""
    if len(rows) <= ROWS_MAX:
        return list(rows)
    ranked = sorted(rows[:-1], key=lambda row: -row.change)[: ROWS_MAX - 1]
    chosen = {row.label for row in ranked}
    return [*(row for row in rows[:-1] if row.label in chosen), rows[-1]]


def has_after(result: Mapping[str, Any]) -> bool:
    """Whether ``after_simulated`` is what the trades come to, not the portfolio as it was."""
    if result["status"] != "BLOCKED":
        return True
    return bool(result["intents"]) and not result["diagnostics"]["cash_ladder_breaches"]


def held_weights(state: Mapping[str, Any]) -> defaultdict[str, Decimal]:
    """The share of each instrument in a state; 0 for one that is not in it."""
    held: defaultdict[str, Decimal] = defaultdict(Decimal)
    for one in state["positions"]:
        held[one["instrument_id"]] += Decimal(one["weight"])
    return held


def cash_weight(state: Mapping[str, Any]) -> Decimal:
    """The share of all cash in a state."""
    return sum(
        (Decimal(one["weight"]) for one in state["allocation_by_asset_class"] if one["key"] == "CASH"), Decimal(0)
    )


def distance(result: Mapping[str, Any], state: Mapping[str, Any]) -> Decimal | None:
    """The share of the portfolio that is not where the targets want it; None without targets."""
    targets = {one["instrument_id"]: Decimal(one["final_weight"]) for one in result["target"]["targets"]}
    if not targets:
        return None
    held = held_weights(state)
    cash_aim = Decimal(1) - sum(targets.values(), Decimal(0))
    apart = sum((abs(held[name] - targets.get(name, Decimal(0))) for name in {*held, *targets}), Decimal(0))
    return (apart + abs(cash_weight(state) - cash_aim)) / 2


def weight_chart(rows: Sequence[WeightRow], *, mode: Mode) -> Options:
    """Up to three bars a row, in percent, the first row on top."""
    palette = PALETTES[mode]
    series = (
        ("Before", [row.before for row in rows], palette.passive),
        ("Target", [row.target for row in rows], palette.brass),
        ("After", [row.after for row in rows], palette.steel),
    )
    shown = [(name, values, colour) for name, values, colour in series if any(value is not None for value in values)]
    return {
        **base(palette),
        "aria": {"enabled": True, "label": {"description": f"Weights of {len(rows)} rows before and after"}},
        "legend": {
            "top": 0, "left": 0, "itemWidth": 14, "itemHeight": 9, "itemGap": 14, "selectedMode": False,
            "textStyle": {"color": palette.soft, "fontSize": 12},
        },
        "grid": {"left": 4, "right": 20, "top": 50, "bottom": 6, "containLabel": True},
        "xAxis": value_axis(palette) | {
            "position": "top", "splitNumber": 4,
            "axisLabel": {"color": palette.faint, "fontSize": 11, ":formatter": "v => v + ' %'", "hideOverlap": True},
        },
        "yAxis": category_axis(palette, [row.label for row in rows]) | {
            "inverse": True,
            "axisLabel": {
                "color": palette.soft, "fontSize": 11, "interval": 0, "width": 124, "overflow": "truncate",
            },
        },
        "tooltip": {
            **tooltip(palette),
            "trigger": "axis",
            "axisPointer": {"type": "shadow"},
            ":valueFormatter": "v => v == null ? '\\u2013' : v.toFixed(2) + ' %'",
        },
        "series": [
            {
                "type": "bar", "name": name, "barGap": "12%", "barCategoryGap": "34%", "barMaxWidth": 9,
                "itemStyle": {"color": colour, "borderRadius": 2},
                "data": [None if value is None else short(value * 100) for value in values],
            }
            for name, values, colour in shown
        ],
    }  # fmt: skip


def _row(label: str, before: Decimal, target: Decimal | None, after: Decimal | None) -> WeightRow:
    target_share, after_share = (None if value is None else float(value) for value in (target, after))
    return WeightRow(label, float(before), target_share, after_share)
