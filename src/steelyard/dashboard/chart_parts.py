"""Parts that the charts share: frame, tooltip, axes and colours as ECharts options."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from steelyard.dashboard.theme import Palette

Options = dict[str, Any]

LABELS_MAX = 16
"""Labels of an axis of windows; more would overlap."""
FONT = 'system-ui, -apple-system, "Segoe UI", "Helvetica Neue", "Noto Sans", Arial, sans-serif'
"""As in the style sheet: a canvas inherits nothing."""


def base(palette: Palette) -> Options:
    """What every chart begins with."""
    return {
        "animation": False,
        "textStyle": {"color": palette.soft, "fontFamily": FONT},
        "aria": {"enabled": True},
        "backgroundColor": "transparent",
    }


def tooltip(palette: Palette) -> Options:
    """How what the pointer is on is told."""
    return {
        "renderMode": "richText",  # never HTML
        "confine": True,
        "backgroundColor": palette.ink,
        "borderWidth": 0,
        "padding": [6, 9],
        "textStyle": {"color": palette.surface, "fontSize": 12, "lineHeight": 17},
    }


def category_axis(palette: Palette, labels: Sequence[Any]) -> Options:
    """An axis of labels, as many as do not overlap."""
    return {
        "type": "category",
        "data": [str(label) for label in labels],
        "axisLine": {"lineStyle": {"color": palette.line}},
        "axisTick": {"show": False},
        "axisLabel": {
            "color": palette.faint,
            "fontSize": 11,
            "hideOverlap": True,
            "interval": math.ceil(len(labels) / LABELS_MAX) - 1 if labels else 0,
        },
        "nameTextStyle": {"color": palette.soft, "fontSize": 12},
    }


def value_axis(palette: Palette) -> Options:
    """An axis of numbers."""
    return {
        "type": "value",
        "axisLabel": {"color": palette.faint, "fontSize": 11},
        "splitLine": {"lineStyle": {"color": palette.line}},
    }


def short(value: float) -> float:
    """Six digits, enough for any screen; spares the wire half of every number."""
    return float(f"{value:.6g}")


def faded(colour: str, opacity: float) -> str:
    """A colour seen through."""
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"
