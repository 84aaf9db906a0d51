"""Charts of a sweep, as plotly figures: heatmap, equity and drawdown, luck."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from steelyard.core.errors import InvalidInputError
from steelyard.research.moments import Floats, Ints

if TYPE_CHECKING:
    from steelyard.research.result import SweepResult

BLUE, ORANGE, GREY, RED, INK, SHADE = "#2563eb", "#d97706", "#6b7280", "#b91c1c", "#111827", "rgba(217,119,6,0.08)"
DIVERGING = ((0.0, "#b45309"), (0.5, "#f8fafc"), (1.0, "#1d4ed8"))
RISING = ((0.0, "#f8fafc"), (0.5, "#93b4f5"), (1.0, "#1e3a8a"))
POINTS_MAX = 4_000
"""Points of one line; longer paths are thinned evenly, drawdowns keep the worst of each step."""
AXIS_WINDOWS_MAX = 400
"""Windows on one axis of a heatmap; more are thinned evenly."""

NAMES = {
    "score": "Score",
    "sharpe_ratio": "Sharpe ratio",
    "sortino_ratio": "Sortino ratio",
    "calmar_ratio": "Calmar ratio",
    "total_return_pct": "Total return, %",
    "annualized_return": "Annualised return, %",
    "max_drawdown_pct": "Maximum drawdown, %",
    "win_rate_pct": "Win rate, %",
    "profit_factor": "Profit factor",
    "expectancy_pct": "Expectancy per trade, %",
    "exposure_pct": "Time in the market, %",
    "total_trades": "Trades",
    "closed_trades": "Closed trades",
    "trades_per_month": "Trades per month",
    "avg_trade_duration_days": "Average trade, days",
}


def heatmap(result: SweepResult, metric: str = "sharpe_ratio") -> go.Figure:
    """``metric`` over fast and slow windows, the best combination marked; of several signal windows the highest.

    Raises:
        InvalidInputError: UNKNOWN_METRIC, a column that the table lacks or that is no number.
    """
    if metric not in NAMES:
        msg = f"`metric` was {metric!r}; it is one of {', '.join(NAMES)}"
        raise InvalidInputError(msg, code="UNKNOWN_METRIC")
    if "slow_period" not in result.table:
        return _by_fast(result, metric)
    values = result.table[["fast_period", "slow_period"]].assign(
        value=result.table[metric].astype(float).replace([math.inf, -math.inf], math.nan)
    )
    grid = values.pivot_table(index="slow_period", columns="fast_period", values="value", aggfunc="max", dropna=False)
    grid = grid.iloc[_even(len(grid), AXIS_WINDOWS_MAX), _even(len(grid.columns), AXIS_WINDOWS_MAX)]
    figure = go.Figure(
        go.Heatmap(
            x=grid.columns.to_numpy(),
            y=grid.index.to_numpy(),
            z=grid.to_numpy(dtype=float),
            **_colours(grid.to_numpy(dtype=float)),
            colorbar={"title": {"text": NAMES[metric], "side": "right"}, "thickness": 14},
            hovertemplate="fast %{x}, slow %{y}<br>" + NAMES[metric] + " %{z:.3f}<extra></extra>",
            hoverongaps=False,
        )
    )
    best = result.best
    figure.add_scatter(
        x=[int(best["fast_period"])],
        y=[int(best["slow_period"])],
        mode="markers",
        marker={"symbol": "circle-open", "size": 14, "color": INK, "line": {"width": 2.5}},
        hovertemplate="best by " + result.spec.rank_by + ": fast %{x}, slow %{y}<extra></extra>",
        showlegend=False,
    )
    figure.update_xaxes(title="fast window, bars")
    figure.update_yaxes(title="slow window, bars")
    return _dressed(figure, f"{NAMES[metric]} of {len(result.table):,} combinations, {_symbol(result)}")


def equity(result: SweepResult) -> go.Figure:
    """Best combination, walk-forward path and buy-and-hold, growth of 1 on a log axis, with drawdowns below."""
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.7, 0.3], vertical_spacing=0.04)
    x = _times(result)
    held = result.series.close / result.series.close[0]
    _add_path(figure, x, held, "Buy and hold", GREY)
    _add_path(figure, x, result.backtest.equity, f"Best combination {_windows(result)}, chosen in hindsight", BLUE)
    if len(result.walk.returns):
        first = result.walk.first_bar
        walked = held[first - 1] * np.cumprod(1 + result.walk.returns)
        _add_path(figure, x[first:], walked, "Chosen on the past only (out of sample)", ORANGE)
        for number, fold in enumerate(result.walk_forward.to_dict("records")):
            if number % 2 == 0:
                start, end = x[int(fold["test_start"])], x[int(fold["test_end"]) - 1]
                figure.add_vrect(x0=start, x1=end, fillcolor=SHADE, line_width=0, layer="below")
    figure.update_yaxes(type="log", tickformat="~g", dtick="D2", title="growth of 1", row=1, col=1)
    figure.update_yaxes(title="drawdown", tickformat=".0%", row=2, col=1)
    figure.update_xaxes(title=None if result.series.timestamps is not None else "bar", row=2, col=1)
    figure.update_layout(hovermode="x unified")
    return _dressed(figure, f"Equity and drawdown, {_symbol(result)}", height=560)


def luck(result: SweepResult) -> go.Figure:
    """What luck alone would show beside what the best shows, and where winners of half the history ended."""
    figure = make_subplots(
        rows=1, cols=2, column_widths=[0.42, 0.58], horizontal_spacing=0.12,
        subplot_titles=("Sharpe ratio a year", "Winners, judged elsewhere"),
    )  # fmt: skip
    annual = math.sqrt(result.series.periods_per_year)
    parts = [("over cash", result.luck.over_cash), ("over passive", result.luck.over_passive)]
    known = [(name, part) for name, part in parts if part is not None]
    for label, colour, values in (
        ("best combination", BLUE, [part.sharpe * annual for _, part in known]),
        ("expected of luck", GREY, [part.luck_sharpe * annual for _, part in known]),
    ):
        figure.add_bar(
            x=[name for name, _ in known], y=values, name=label, marker_color=colour,
            hovertemplate="%{x}: %{y:.2f}<extra>" + label + "</extra>", row=1, col=1,
        )  # fmt: skip
    if (validation := result.luck.cross_validation) is not None:
        counts, edges = np.histogram(validation.logits, bins=60)
        middles = (edges[:-1] + edges[1:]) / 2
        figure.add_bar(
            x=middles,
            y=counts / counts.sum(),
            width=np.diff(edges),
            marker_color=np.where(middles < 0, RED, BLUE).tolist(),
            hovertemplate="logit %{x:.2f}: %{y:.1%} of splits<extra></extra>",
            showlegend=False,
            row=1,
            col=2,
        )
        figure.add_vline(x=0, line={"color": INK, "width": 1.5, "dash": "dot"}, row=1, col=2)
    figure.update_xaxes(title="logit of rank (below 0: worse half)", row=1, col=2)
    figure.update_yaxes(tickformat=".0%", row=1, col=2)
    title = f"Deflated Sharpe {_share(result.deflated_sharpe)}, overfitting {_share(result.pbo)}"
    figure.update_annotations(font_size=13)
    return _dressed(figure, title, height=380)


def _by_fast(result: SweepResult, metric: str) -> go.Figure:
    rows = result.table.sort_values("fast_period")
    figure = go.Figure(go.Scatter(x=rows["fast_period"], y=rows[metric], mode="lines+markers", line={"color": BLUE}))
    figure.update_xaxes(title="window, bars")
    figure.update_yaxes(title=NAMES[metric])
    return _dressed(figure, f"{NAMES[metric]} of {len(rows):,} windows, {_symbol(result)}")


def _add_path(figure: go.Figure, x: Any, path: Floats, name: str, colour: str) -> None:
    rows = _even(len(path), POINTS_MAX)
    figure.add_scatter(
        x=x[rows], y=path[rows], name=name, line={"color": colour, "width": 1.8},
        hovertemplate="%{y:.3f}<extra>" + escape(name) + "</extra>", row=1, col=1,
    )  # fmt: skip
    peak = np.maximum.accumulate(path)
    worst = np.minimum.reduceat(path / peak - 1, rows)
    figure.add_scatter(
        x=x[rows], y=worst, line={"color": colour, "width": 1}, showlegend=False,
        hovertemplate="%{y:.1%}<extra>" + escape(name) + "</extra>", row=2, col=1,
    )  # fmt: skip


def _even(count: int, most: int) -> Ints:
    """At most ``most`` of ``count`` places, evenly, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


def _colours(values: Floats) -> dict[str, Any]:
    """Two colours around zero where values lie on both sides, otherwise one; the outermost 1 % must not wash out."""
    finite = values[np.isfinite(values)]
    low, high = (float(value) for value in np.quantile(finite, (0.01, 0.99))) if len(finite) else (0.0, 1.0)
    if low < 0 < high:
        reach = max(-low, high)
        return {"colorscale": DIVERGING, "zmin": -reach, "zmax": reach}
    return {"colorscale": RISING, "zmin": low, "zmax": high}


def _times(result: SweepResult) -> Any:
    times = result.series.timestamps
    return np.arange(len(result.series)) if times is None else pd.DatetimeIndex(times)


def _windows(result: SweepResult) -> str:
    best = result.best
    return "/".join(str(int(best[name])) for name in best.index if name.endswith("_period"))


def _symbol(result: SweepResult) -> str:
    return f"{escape(result.series.symbol)} {result.spec.strategy}"


def _share(value: float) -> str:
    return "not tested" if math.isnan(value) else f"{value:.1%}"


def _dressed(figure: go.Figure, title: str, *, height: int = 460) -> go.Figure:
    return figure.update_layout(
        template="plotly_white",
        title={"text": title, "x": 0.01, "xanchor": "left", "font": {"size": 16}},
        font={"family": "system-ui, -apple-system, 'Segoe UI', sans-serif", "color": INK, "size": 13},
        legend={"orientation": "h", "y": -0.14, "x": 0},
        margin={"l": 64, "r": 24, "t": 64, "b": 56},
        height=height,
        bargap=0.25,
    )
