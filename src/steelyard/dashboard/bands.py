"""Drift bands as ECharts options: the range that a weight may be in, and where it was and came to.

Weights come as shares and are shown in percent.  Labels are tickers or ids and only ever text: ECharts draws them on
a canvas, and the tooltip is not HTML.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from steelyard.dashboard.chart_parts import Options, base, category_axis, faded, short, tooltip, value_axis
from steelyard.dashboard.theme import PALETTES, Mode, Palette

ROW_PX = 26
"""Height of one security."""
FRAME_PX = 74
"""Height of legend and axis."""


@dataclass(frozen=True, slots=True)
class Band:
    """A security's row.

    Attributes:
        label: what to call it.
        target, low, high: shares; ``low`` and ``high`` are distances from the target.
        before, after: shares before and after a rebalance; None where there is none.
    """

    label: str
    target: float
    low: float
    high: float
    before: float | None = None
    after: float | None = None

    @property
    def bottom(self) -> float:
        """Smallest share inside the band; a share is never below 0."""
        return max(self.target - self.low, 0.0)

    @property
    def top(self) -> float:
        """Largest share inside the band."""
        return self.target + self.high


def band_chart(bands: Sequence[Band], *, mode: Mode) -> Options:
    """Bands and targets, first one on top; with marks before and after where any row has them.

    Returns:
        Series ``Band`` stacked on an unseen one that ends at its bottom; marks are ``[percent, row]``.
    """
    palette = PALETTES[mode]
    marks = [
        _marks("Before", [band.before for band in bands], palette.brass, "emptyCircle", 9),
        _marks("After", [band.after for band in bands], palette.steel, "circle", 9),
    ]
    shown = [mark for mark in marks if mark["data"]]
    return {
        **base(palette),
        "aria": {"enabled": True, "label": {"description": f"Drift bands of {len(bands)} securities"}},
        "legend": {
            "top": 0, "left": 0, "itemWidth": 14, "itemHeight": 9, "itemGap": 14, "selectedMode": False,
            "textStyle": {"color": palette.soft, "fontSize": 12},
            "data": ["Band", "Target", *(mark["name"] for mark in shown)],
        },
        "grid": {"left": 4, "right": 16, "top": 50, "bottom": 6, "containLabel": True},
        "xAxis": value_axis(palette) | {
            "position": "top", "min": 0, "splitNumber": 4,
            "axisLabel": {"color": palette.faint, "fontSize": 11, ":formatter": "v => v + ' %'"},
        },
        "yAxis": category_axis(palette, [band.label for band in bands]) | {
            "inverse": True,
            "axisLabel": {
                "color": palette.soft, "fontSize": 11, "interval": 0, "width": 84, "overflow": "truncate",
            },
        },
        "tooltip": {**tooltip(palette), "trigger": "axis", "axisPointer": {"type": "shadow"}, ":formatter": _TOOLTIP},
        "series": [*_range(bands, palette), _target(bands, palette), *shown],
    }  # fmt: skip


def chart_height(rows: int) -> int:
    """Pixels for a chart of so many securities."""
    return FRAME_PX + ROW_PX * max(rows, 1)


def _range(bands: Sequence[Band], palette: Palette) -> list[Options]:
    unseen = {
        "type": "bar", "name": "below", "stack": "band", "silent": True, "barWidth": 12,
        "itemStyle": {"color": "transparent"},
        "data": [_percent(band.bottom) for band in bands],
    }  # fmt: skip
    seen = {
        "type": "bar", "name": "Band", "stack": "band", "barWidth": 12,
        "itemStyle": {"color": faded(palette.steel, 0.24), "borderRadius": 3},
        "data": [
            {"value": short(top - bottom), "ends": [bottom, top]}
            for bottom, top in ((_percent(band.bottom), _percent(band.top)) for band in bands)
        ],
    }  # fmt: skip
    return [unseen, seen]


def _target(bands: Sequence[Band], palette: Palette) -> Options:
    return _marks("Target", [band.target for band in bands], palette.faint, "rect", 3) | {"symbolSize": [2, 16]}


def _marks(name: str, shares: Sequence[float | None], colour: str, symbol: str, size: int) -> Options:
    return {
        "type": "scatter",
        "name": name,
        "data": [[_percent(share), row] for row, share in enumerate(shares) if share is not None],
        "symbol": symbol,
        "symbolSize": size,
        "itemStyle": {"color": colour, "borderWidth": 2},
        "z": 4,
    }


def _percent(share: float) -> float:
    return short(share * 100)


_TOOLTIP = """items => {
  const text = v => v.toLocaleString('en', {maximumFractionDigits: 2}) + ' %';
  const lines = items.filter(i => i.seriesName !== 'below').map(i => i.seriesName === 'Band'
    ? 'Band  ' + text(i.data.ends[0]) + ' to ' + text(i.data.ends[1])
    : i.seriesName + '  ' + text(i.data[0]));
  return items[0].axisValueLabel + '\\n' + lines.join('\\n');
}"""
