"""What a sweep hands back: the table, the best, how much of it is luck, charts and a report."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from steelyard.market.bars import PriceSeries
from steelyard.research.backtest import Backtest
from steelyard.research.luck import Luck
from steelyard.research.moments import Floats
from steelyard.research.out_of_sample import Walk
from steelyard.research.spec import SweepSpec
from steelyard.research.verdict import Verdict

if TYPE_CHECKING:
    import plotly.graph_objects as go

LOGIT_BINS = 24
"""Bins in which the logits of cross-validation are summed up."""


@dataclass(frozen=True, slots=True, eq=False)
class SweepResult:
    """One swept series.

    Attributes:
        table: one row per valid combination, best first; undefined figures are NaN, never 0.
        buy_and_hold: figures of holding the asset over the same bars, without costs.
        backtest: the best combination bar by bar, with its trades.
        luck: deflated Sharpe ratios and cross-validation.
        walk: walk-forward folds and their stitched path.
        verdict: all of it in words.
        metadata: what the result depends on: parameters, data, version, periods per year, execution.
        series: the prices.
        spec: the parameters.
        tickers: of a sweep over several series at equal weights, the sweep of each by itself.
    """

    table: pd.DataFrame
    buy_and_hold: pd.Series[Any]
    backtest: Backtest
    luck: Luck
    walk: Walk
    verdict: Verdict
    metadata: Mapping[str, Any]
    series: PriceSeries
    spec: SweepSpec
    tickers: Mapping[str, SweepResult] = field(default_factory=dict)

    @property
    def best(self) -> pd.Series[Any]:
        """The first row of the table; flagged ``below_min_trades`` where every combination is."""
        return self.table.iloc[0]

    def best_rows(self, count: int = 10, *, below_min_trades: bool = False) -> pd.DataFrame:
        """The first ``count`` rows, without those that traded too little unless asked for."""
        rows = self.table if below_min_trades else self.table[~self.table["below_min_trades"]]
        return rows.head(count)

    @property
    def deflated_sharpe(self) -> float:
        """Deflated Sharpe Ratio of the best combination, 0..1: over cash or over passive, whichever is less."""
        return self.luck.deflated_sharpe

    @property
    def pbo(self) -> float:
        """Probability of backtest overfitting, 0..1; about one half on noise."""
        return self.luck.pbo

    @property
    def walk_forward(self) -> pd.DataFrame:
        """One row per fold."""
        return self.walk.folds

    @property
    def out_of_sample(self) -> pd.Series[Any]:
        """Figures of the stitched out-of-sample path beside buy-and-hold of the same bars."""
        return pd.Series(dict(self.walk.figures), name="out_of_sample")

    def plot_heatmap(self, metric: str = "sharpe_ratio") -> go.Figure:
        """A column of the table over fast and slow windows."""
        from steelyard.research.charts import heatmap  # noqa: PLC0415 - plotly takes long to import

        return heatmap(self, metric)

    def plot_equity(self) -> go.Figure:
        """The best combination's equity and drawdown beside buy-and-hold, out-of-sample spans shaded."""
        from steelyard.research.charts import equity  # noqa: PLC0415

        return equity(self)

    def plot_luck(self) -> go.Figure:
        """Where the winners of one half of the history ended in the other half."""
        from steelyard.research.charts import luck  # noqa: PLC0415

        return luck(self)

    def to_html(self, path: str | Path) -> Path:
        """Write the report, one file that needs nothing else, and return its path."""
        from steelyard.research.report import write_report  # noqa: PLC0415

        return write_report(self, Path(path))

    def summary(self) -> dict[str, Any]:
        """JSON-ready: everything but the table and the paths; NaN and infinity become None."""
        return {
            "symbol": self.series.symbol,
            "best": plain(self.best.to_dict()),
            "deflated_sharpe": plain(self.deflated_sharpe),
            "pbo": plain(self.pbo),
            "luck": plain(luck_figures(self.luck)),
            "buy_and_hold": plain(self.buy_and_hold.to_dict()),
            "out_of_sample": plain(self.out_of_sample.to_dict()),
            "walk_forward": plain(self.walk_forward.to_dict("records")),
            "verdict": {
                "level": self.verdict.level,
                "headline": self.verdict.headline,
                "reasons": list(self.verdict.reasons),
            },
            "metadata": plain(dict(self.metadata)),
            "tickers": {symbol: result.summary() for symbol, result in self.tickers.items()},
        }

    def __repr__(self) -> str:
        best, kind = self.best, self.spec.strategy
        windows = "/".join(str(int(best[name])) for name in best.index if name.endswith("_period"))
        return (
            f"SweepResult({self.series.symbol}, {len(self.table):,} {kind} combinations, best {windows}, "
            f"deflated_sharpe={self.deflated_sharpe:.3f}, pbo={self.pbo:.3f}, {self.verdict.level})"
        )


def luck_figures(luck: Luck) -> dict[str, Any]:
    """The numbers of luck control by name, ratios per bar."""
    figures: dict[str, Any] = {"combinations": luck.combinations, "examined": luck.examined}
    for name, part in (("over_cash", luck.over_cash), ("over_passive", luck.over_passive)):
        if part is not None:
            figures[name] = {
                "probability": part.probability,
                "sharpe_per_bar": part.sharpe,
                "luck_sharpe_per_bar": part.luck_sharpe,
                "independent_trials": part.independent_trials,
            }
    if luck.cross_validation is not None:
        figures["splits"] = len(luck.cross_validation.logits)
        figures["loss_probability"] = luck.cross_validation.loss_probability
        figures["logit_histogram"] = logit_histogram(luck.cross_validation.logits)
    return figures


def logit_histogram(logits: Floats) -> dict[str, list[float]]:
    """Splits per bin of the winner's logit: ``LOGIT_BINS`` bins symmetric about 0, which is an edge."""
    end = max(1.0, float(np.abs(logits).max()))
    counts, edges = np.histogram(logits, bins=LOGIT_BINS, range=(-end, end))
    return {"edges": edges.tolist(), "counts": counts.tolist()}


def plain(value: Any) -> Any:
    """``value`` with plain Python numbers and ISO times; None for NaN and infinity."""
    match value:
        case Mapping():
            return {str(name): plain(item) for name, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case pd.Timestamp():
            return value.isoformat()
        case np.bool_():
            return bool(value)
        case bool() | str() | None:
            return value
        case int() | np.integer():
            return int(value)
        case float() | np.floating():
            return float(value) if math.isfinite(value) else None
    return value
