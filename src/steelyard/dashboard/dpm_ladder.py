"""The cash ladder: what each currency holds on each day until everything has settled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from nicegui import ui

from steelyard.dashboard.chart_parts import Options, base, category_axis, faded, short, tooltip, value_axis
from steelyard.dashboard.dpm_figures import amount
from steelyard.dashboard.shell import badge, card, words
from steelyard.dashboard.theme import PALETTES, Mode, Palette

CURRENCIES_MAX = 12
"""Currencies drawn; those with a breach come first."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """A currency's balance by day, the days below what is allowed, and that floor: a result has it for those only."""

    currency: str
    balances: tuple[float, ...]
    floor: float | None
    breached_days: tuple[int, ...]
    lowest: Decimal


def show_ladder(result: Mapping[str, Any], *, mode: Mode) -> None:
    """Draw the card; nothing where settlement was not looked at."""
    ladders = ladders_of(result["diagnostics"])
    if not ladders:
        return
    note = "Cash of each currency, day by day, until everything has settled."
    if len(ladders) > CURRENCIES_MAX:
        note += f" {CURRENCIES_MAX} of {len(ladders):,} currencies."
    with card("Cash until settlement", note), ui.element("div").classes("ladders"):
        for ladder in ladders[:CURRENCIES_MAX]:
            with ui.element("div").classes("stack tight"):
                with ui.element("div").classes("row"):
                    words("h3", ladder.currency)
                    _say(ladder)
                ui.echart(ladder_chart(ladder, mode=mode)).classes("chart ladder").mark(f"ladder-{ladder.currency}")


def ladders_of(diagnostics: Mapping[str, Any]) -> list[Ladder]:
    """A ladder per currency, those with a breach first, then by name."""
    balances: dict[str, dict[int, Decimal]] = {}
    for point in diagnostics["cash_ladder"]:
        balances.setdefault(point["currency"], {})[point["date_offset"]] = Decimal(point["projected_balance"])
    breaches = diagnostics["cash_ladder_breaches"]
    floors = {one["currency"]: Decimal(one["allowed_floor"]) for one in breaches}
    ladders = [
        Ladder(
            currency,
            tuple(short(float(days[day])) for day in sorted(days)),
            short(float(floors[currency])) if currency in floors else None,
            tuple(one["date_offset"] for one in breaches if one["currency"] == currency),
            min(days.values()),
        )
        for currency, days in balances.items()
    ]
    return sorted(ladders, key=lambda one: (not one.breached_days, one.currency))


def ladder_chart(ladder: Ladder, *, mode: Mode) -> Options:
    """Steps from day to day, the floor as a line, days below it marked."""
    palette = PALETTES[mode]
    colour = palette.bad if ladder.breached_days else palette.steel
    return {
        **base(palette),
        "aria": {"enabled": True, "label": {"description": f"Cash in {ladder.currency} by settlement day"}},
        "grid": {"left": 4, "right": 18, "top": 12, "bottom": 4, "containLabel": True},
        "xAxis": category_axis(palette, [f"T+{day}" for day in range(len(ladder.balances))])
        | {"boundaryGap": False, "axisLine": {"onZero": False, "lineStyle": {"color": palette.line}}},
        "yAxis": value_axis(palette)
        | {"splitNumber": 4, "axisLabel": {"color": palette.faint, "fontSize": 11, ":formatter": _COMPACT}},
        "tooltip": {
            **tooltip(palette),
            "trigger": "axis",
            ":valueFormatter": "v => v.toLocaleString('en', {minimumFractionDigits: 2, maximumFractionDigits: 2})",
        },
        "series": [
            {
                "type": "line", "name": ladder.currency, "step": "end", "data": list(ladder.balances),
                "symbol": "circle", "symbolSize": 5, "showAllSymbol": True,
                "lineStyle": {"color": colour, "width": 1.8}, "itemStyle": {"color": colour},
                "areaStyle": {"color": faded(colour, 0.12), "origin": 0}, "markLine": _floor(ladder, palette),
            },
            {
                "type": "scatter", "name": "Below the floor", "silent": True, "tooltip": {"show": False},
                "data": [[f"T+{day}", ladder.balances[day]] for day in ladder.breached_days],
                "symbol": "circle", "symbolSize": 11, "z": 4,
                "itemStyle": {"color": palette.bad, "borderColor": palette.surface, "borderWidth": 2},
            },
        ],
    }  # fmt: skip


def _floor(ladder: Ladder, palette: Palette) -> Options:
    """A line at the least that is allowed, or at zero where a result does not say what that is."""
    colour = palette.faint if ladder.floor is None else palette.bad
    label = "zero" if ladder.floor is None else "lowest allowed"
    return {
        "silent": True,
        "symbol": "none",
        "lineStyle": {"color": colour, "type": "dashed", "width": 1},
        "label": {"formatter": label, "position": "insideEndTop", "color": colour, "fontSize": 11, "distance": 3},
        "data": [{"yAxis": ladder.floor or 0}],
    }


def _say(ladder: Ladder) -> None:
    if ladder.breached_days:
        days = ", ".join(f"T+{day}" for day in ladder.breached_days)
        badge(f"too low on {days}", "bad")
    elif ladder.lowest < 0:
        badge("below zero, within the overdraft", "doubtful")
    ui.label(f"lowest {amount(ladder.lowest)}").classes("note")


_COMPACT = "v => v.toLocaleString('en', {notation: 'compact', maximumFractionDigits: 1})"
