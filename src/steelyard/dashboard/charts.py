"""Charts as ECharts options: pure functions of figures, so that what a chart shows can be tested without one.

No text of a user ever reaches a chart: names of series are ours, and formatters get numbers only.
Keys that begin with a colon hold JavaScript (NiceGUI evaluates it in the browser); all of it is here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from steelyard.dashboard.chart_parts import Options, base, category_axis, faded, short, tooltip, value_axis
from steelyard.dashboard.theme import PALETTES, Mode, Palette

SHADE_QUANTILE = 0.98
"""The scale of a heatmap ends here, so that one extreme cell does not make all others alike."""
LOG_RATIO_MIN = 8.0
"""Equity that spans more than this factor is drawn on a logarithmic axis."""
MARKS_LARGE_MAX = 120
"""More trades than this are marked with smaller triangles."""

METRICS: Mapping[str, str] = {
    "sharpe_ratio": "Sharpe ratio",
    "score": "Score",
    "total_return_pct": "Total return",
    "annualized_return": "Annual return",
    "sortino_ratio": "Sortino ratio",
    "calmar_ratio": "Calmar ratio",
    "max_drawdown_pct": "Max drawdown",
    "win_rate_pct": "Win rate",
    "profit_factor": "Profit factor",
    "expectancy_pct": "Expectancy a trade",
    "total_trades": "Trades",
}
"""Columns a heatmap can show, by name."""
PERCENT_METRICS = frozenset(name for name in METRICS if name.endswith("_pct")) | {"annualized_return"}


def heatmap(
    cells: Sequence[Mapping[str, Any]],
    metric: str,
    *,
    mode: Mode,
    shown: tuple[int, int] | None = None,
    best: tuple[int, int] | None = None,
) -> Options:
    """A metric over fast windows (upwards) and slow windows (to the right).

    Args:
        cells: rows with ``fast_period``, ``slow_period`` and the metric; one row per pair.
        metric: of :data:`METRICS`; where it is None the cell is a dot, not a colour.
        mode: light or dark.
        shown: fast and slow window of the cell to ring.
        best: likewise, of the best one.

    Returns:
        Data points are ``[x, y, shade, value]``: positions on the axes, the value clipped to the scale, the value.
    """
    palette = PALETTES[mode]
    fasts = sorted({cell["fast_period"] for cell in cells})
    slows = sorted({cell["slow_period"] for cell in cells})
    x_of = {slow: x for x, slow in enumerate(slows)}
    y_of = {fast: y for y, fast in enumerate(fasts)}

    def place_of(pair: tuple[int, int] | None) -> list[int] | None:
        is_there = pair is not None and pair[0] in y_of and pair[1] in x_of
        return [x_of[pair[1]], y_of[pair[0]]] if pair is not None and is_there else None

    low, high, colours = _scale([cell[metric] for cell in cells if cell[metric] is not None], palette)
    defined, undefined = [], []
    for cell in cells:
        x, y, value = x_of[cell["slow_period"]], y_of[cell["fast_period"]], cell[metric]
        if value is None:
            undefined.append([x, y])
        else:
            defined.append([x, y, min(max(value, low), high), short(value)])
    digits = 0 if metric == "total_trades" else 1 if metric in PERCENT_METRICS else 2
    unit = " %" if metric in PERCENT_METRICS else ""
    return {
        **base(palette),
        "grid": {"left": 48, "right": 12, "top": 12, "bottom": 88},
        "xAxis": {**category_axis(palette, slows), "name": "slow window", "nameLocation": "middle", "nameGap": 28},
        "yAxis": {**category_axis(palette, fasts), "name": "fast window", "nameLocation": "middle", "nameGap": 34},
        "visualMap": {
            "type": "continuous",
            "dimension": 2,
            "seriesIndex": 0,
            "min": low,
            "max": high,
            "calculable": True,
            "orient": "horizontal",
            "left": "center",
            "bottom": 4,
            "itemWidth": 12,
            "itemHeight": 180,
            "textStyle": {"color": palette.soft, "fontSize": 11},
            "inRange": {"color": colours},
            "outOfRange": {"color": "transparent"},
            ":formatter": f"v => Number(v).toFixed({digits}) + '{unit}'",
        },
        "tooltip": {
            **tooltip(palette),
            ":formatter": "p => p.seriesIndex == 0 ? "
            f"`fast ${{{fasts}[p.data[1]]}}  slow ${{{slows}[p.data[0]]}}\\n`"
            f" + p.data[3].toLocaleString('en', {{maximumFractionDigits: {digits}}}) + '{unit}' : ''",
        },
        "series": [
            {
                "type": "heatmap",
                "name": METRICS[metric],
                "data": defined,
                "progressive": 0,
                "emphasis": {"itemStyle": {"borderColor": palette.ink, "borderWidth": 1}},
            },
            {
                "type": "scatter",
                "name": "undefined",
                "data": undefined,
                "symbol": "circle",
                "symbolSize": 2,
                "silent": True,
                "itemStyle": {"color": palette.faint},
            },
            _ring("best", place_of(best), palette.ink, "diamond"),
            _ring("shown", place_of(shown), palette.brass, "circle"),
        ],
    }


def profile(cells: Sequence[Mapping[str, Any]], metric: str, *, mode: Mode, shown: int | None = None) -> Options:
    """A metric over the one window of a strategy without a slow one; data points are ``[window, value]``."""
    palette = PALETTES[mode]
    ordered = sorted(cells, key=lambda cell: int(cell["fast_period"]))
    data = [
        {
            "value": [str(cell["fast_period"]), cell[metric]],
            "itemStyle": {"color": palette.brass if cell["fast_period"] == shown else palette.steel},
        }
        for cell in ordered
    ]
    return {
        **base(palette),
        "grid": {"left": 56, "right": 12, "top": 12, "bottom": 44},
        "xAxis": {
            **category_axis(palette, [cell["fast_period"] for cell in ordered]),
            "name": "window", "nameLocation": "middle", "nameGap": 28,
        },
        "yAxis": value_axis(palette),
        "tooltip": tooltip(palette),
        "series": [{"type": "bar", "name": METRICS[metric], "data": data}],
    }  # fmt: skip


def equity(curve: Mapping[str, Any], *, mode: Mode) -> Options:
    """A combination's equity beside buy-and-hold, its trades marked, and both drawdowns beneath.

    Args:
        curve: as :func:`steelyard.research.views.curve` gives it: ``x`` (milliseconds or bar numbers), ``is_time``,
            ``equity``, ``buy_and_hold``, ``drawdown_pct``, ``buy_and_hold_drawdown_pct`` of one length, ``entries``
            and ``exits`` as ``[x, equity]``, ``out_of_sample`` as ``[x from, x to]``.
        mode: light or dark.
    """
    palette = PALETTES[mode]
    x = curve["x"]
    lines = [*curve["equity"], *curve["buy_and_hold"]]
    is_log = min(lines) > 0 and max(lines) / min(lines) > LOG_RATIO_MIN
    kind = "time" if curve["is_time"] else "value"
    size = 7 if len(curve["entries"]) <= MARKS_LARGE_MAX else 4
    upper, lower = {"left": 52, "right": 14}, {"left": 52, "right": 14}
    x_axis = {
        "type": kind,
        "min": "dataMin",
        "max": "dataMax",
        "axisLine": {"lineStyle": {"color": palette.line}},
        "axisTick": {"show": False},
        "splitLine": {"show": False},
        "axisLabel": {"color": palette.faint, "fontSize": 11, "hideOverlap": True},
    }
    return {
        **base(palette),
        "legend": {
            "top": 0, "left": 48, "itemWidth": 14, "itemHeight": 8, "itemGap": 14,
            "textStyle": {"color": palette.soft, "fontSize": 12},
            "data": ["Strategy", "Buy and hold", "Bought", "Sold"],
        },
        "grid": [upper | {"top": 34, "bottom": "42%"}, lower | {"top": "64%", "bottom": 56}],
        "axisPointer": {"link": [{"xAxisIndex": "all"}], "lineStyle": {"color": palette.faint}},
        "tooltip": {**tooltip(palette), "trigger": "axis", ":formatter": _EQUITY_TOOLTIP},
        "xAxis": [
            x_axis | {"gridIndex": 0, "axisLabel": {"show": False}},
            x_axis | {"gridIndex": 1},
        ],
        "yAxis": [
            value_axis(palette) | ({"type": "log"} if is_log else {}) | {"gridIndex": 0, "scale": True},
            value_axis(palette) | {
                "gridIndex": 1, "max": 0, "splitNumber": 2,
                "axisLabel": {"color": palette.faint, "fontSize": 11, ":formatter": "v => v.toFixed(0) + ' %'"},
            },
        ],
        "dataZoom": [
            {"type": "inside", "xAxisIndex": [0, 1], "zoomOnMouseWheel": "ctrl", "moveOnMouseWheel": False},
            {
                "type": "slider", "xAxisIndex": [0, 1], "height": 16, "bottom": 8, "showDetail": False,
                "brushSelect": False, "borderColor": palette.line, "fillerColor": faded(palette.steel, 0.12),
                "dataBackground": {"lineStyle": {"opacity": 0}, "areaStyle": {"opacity": 0}},
                "selectedDataBackground": {"lineStyle": {"opacity": 0}, "areaStyle": {"opacity": 0}},
                "handleStyle": {"color": palette.surface, "borderColor": palette.faint},
                "moveHandleSize": 0,
            },
        ],
        "series": [
            _line("Strategy", x, curve["equity"], palette.steel, width=1.6) | {
                "markArea": {
                    "silent": True,
                    "data": [
                        [
                            {"xAxis": start, "itemStyle": {"color": faded(palette.brass, 0.07 + 0.08 * (place % 2))}},
                            {"xAxis": end},
                        ]
                        for place, (start, end) in enumerate(curve["out_of_sample"])
                    ],
                },
                "z": 3,
            },
            _line("Buy and hold", x, curve["buy_and_hold"], palette.passive, width=1.2),
            _marks("Bought", curve["entries"], palette.good, rotate=0, size=size),
            _marks("Sold", curve["exits"], palette.low, rotate=180, size=size),
            _line("Strategy", x, curve["drawdown_pct"], palette.steel, width=1.0, axis=1)
            | {"areaStyle": {"color": faded(palette.steel, 0.18)}, "z": 3},
            _line("Buy and hold", x, curve["buy_and_hold_drawdown_pct"], palette.passive, width=1.0, axis=1),
        ],
    }  # fmt: skip


def fold_bars(folds: Sequence[Mapping[str, Any]], *, mode: Mode) -> Options:
    """Return of each walk-forward fold out of sample, beside buy-and-hold over the same bars; None stays a gap."""
    palette = PALETTES[mode]
    series = (
        ("Chosen on the past", "out_of_sample_return_pct", palette.steel),
        ("Buy and hold", "buy_and_hold_return_pct", palette.passive),
    )
    return {
        **base(palette),
        "legend": {"top": 0, "left": 44, "itemWidth": 14, "itemHeight": 8, "textStyle": {"color": palette.soft}},
        "grid": {"left": 52, "right": 12, "top": 34, "bottom": 28},
        "xAxis": category_axis(palette, [_fold_label(fold) for fold in folds]),
        "yAxis": value_axis(palette)
        | {"axisLabel": {"color": palette.faint, "fontSize": 11, ":formatter": "v => v + ' %'"}},
        "tooltip": {
            **tooltip(palette),
            "trigger": "axis",
            "axisPointer": {"type": "shadow"},
            ":valueFormatter": "v => v == null ? '\\u2013' : v.toFixed(1) + ' %'",
        },
        "series": [
            {
                "type": "bar",
                "name": name,
                "data": [short(fold[column]) if fold[column] is not None else None for fold in folds],
                "itemStyle": {"color": colour, "borderRadius": 2},
                "barMaxWidth": 26,
            }
            for name, column, colour in series
        ],
    }


def logit_bars(edges: Sequence[float], counts: Sequence[int], *, mode: Mode) -> Options:
    """How the winners of one half of the history ranked in the other, over all splits.

    Args:
        edges: of the bins, one more than ``counts``; a logit below 0 is a rank in the worse half.
        counts: splits per bin.
        mode: light or dark.
    """
    palette = PALETTES[mode]
    middles = [(left + right) / 2 for left, right in pairwise(edges)]
    data = [
        {"value": count, "itemStyle": {"color": palette.low if middle < 0 else palette.high}}
        for middle, count in zip(middles, counts, strict=True)
    ]
    return {
        **base(palette),
        "grid": {"left": 52, "right": 12, "top": 14, "bottom": 44},
        "xAxis": {
            **category_axis(palette, [f"{middle:.1f}" for middle in middles]),
            "name": "logit of the winner's rank out of sample", "nameLocation": "middle", "nameGap": 28,
        },
        "yAxis": value_axis(palette) | {"minInterval": 1},
        "tooltip": {**tooltip(palette), ":valueFormatter": "v => v.toLocaleString('en') + ' splits'"},
        "series": [{"type": "bar", "name": "Splits", "data": data, "barCategoryGap": "8%"}],
    }  # fmt: skip


_EQUITY_TOOLTIP = """items => {
  const seen = new Set();
  const lines = items.filter(i => i.seriesType === 'line').map(i => {
    const isDrawdown = seen.has(i.seriesName);
    seen.add(i.seriesName);
    const number = i.data[1].toLocaleString('en', {maximumFractionDigits: isDrawdown ? 1 : 3});
    return i.seriesName + (isDrawdown ? ' drawdown  ' + number + ' %' : '  \\u00d7 ' + number);
  });
  return items[0].axisValueLabel + '\\n' + lines.join('\\n');
}"""


def _line(name: str, x: Sequence[float], y: Sequence[float], colour: str, *, width: float, axis: int = 0) -> Options:
    return {
        "type": "line",
        "name": name,
        "xAxisIndex": axis,
        "yAxisIndex": axis,
        "data": [[at, short(value)] for at, value in zip(x, y, strict=True)],
        "showSymbol": False,
        "lineStyle": {"color": colour, "width": width},
        "itemStyle": {"color": colour},
    }


def _marks(name: str, points: Sequence[Sequence[float]], colour: str, *, rotate: int, size: int) -> Options:
    return {
        "type": "scatter",
        "name": name,
        "data": [[at, short(value)] for at, value in points],
        "symbol": "triangle",
        "symbolRotate": rotate,
        "symbolSize": size,
        "itemStyle": {"color": colour},
        "z": 4,
    }


def _ring(name: str, place: list[int] | None, colour: str, symbol: str) -> Options:
    return {
        "type": "scatter",
        "name": name,
        "data": [] if place is None else [place],
        "symbol": symbol,
        "symbolSize": 14,
        "silent": True,
        "itemStyle": {"color": "transparent", "borderColor": colour, "borderWidth": 2},
        "z": 5,
    }


def _scale(values: Sequence[float], palette: Palette) -> tuple[float, float, list[str]]:
    """Ends and colours: diverging about 0 where there are both signs, otherwise from one end to the other."""
    if not values:
        return 0.0, 1.0, [palette.middle, palette.high]
    ordered = sorted(values)
    last = len(ordered) - 1
    low = ordered[math.floor(last * (1 - SHADE_QUANTILE))]
    high = ordered[math.ceil(last * SHADE_QUANTILE)]
    if low < 0 < high:
        end = max(-low, high)
        return -end, end, [palette.low, palette.middle, palette.high]
    if low == high:
        return low - 0.5, high + 0.5, [palette.middle, palette.middle]
    return low, high, [palette.low, palette.middle] if high <= 0 else [palette.middle, palette.high]


def _fold_label(fold: Mapping[str, Any]) -> str:
    start = fold.get("test_from")
    return str(start)[:7] if start else f"fold {fold['fold']}"
