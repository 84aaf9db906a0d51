"""The out-of-sample row: what the walk-forward choices earned on bars they had not seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from steelyard.market.bars import PriceSeries
from steelyard.research.execution import Execution
from steelyard.research.metrics import path_metrics
from steelyard.research.moments import Floats
from steelyard.research.search import Search
from steelyard.research.walk_forward import Fold, Path, stitch

PARAMETERS = ("fast_period", "slow_period", "signal_period")


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """A walk through the folds.

    Attributes:
        folds: one row each: bars and times, the choice, its ratios and returns in and out of sample.
        figures: of the stitched path; NaN where there are no folds.
        returns: bar returns of that path, from the first test bar to the last.
        first_bar: of the path in the series; T where there are no folds.
    """

    folds: pd.DataFrame
    figures: Mapping[str, float]
    returns: Floats
    first_bar: int


def walk(
    series: PriceSeries,
    asset_returns: Floats,
    folds: Sequence[Fold],
    found: Search,
    *,
    path_of: Callable[[int], Path],
    execution: Execution,
    periods_per_year: float,
) -> Walk:
    """Hold each fold's winner through its test span.

    Args:
        series: the prices, T bars.
        asset_returns: of the series, (T,).
        folds: oldest first.
        found: the pass over all combinations, with each fold's winner.
        path_of: the whole path of a row of ``found``; asked once per winner.
        execution: costs of changing from one winner to the next.
        periods_per_year: annualises.
    """
    paths = {row: path_of(row) for row in sorted({row for row in found.winners if row is not None})}
    returns = stitch(folds, found.winners, paths.__getitem__, execution)
    first = folds[0].test_start if folds else len(series)
    records = []
    for number, fold in enumerate(folds):
        piece = returns[fold.test_start - first : fold.test_end - first]
        records.append(
            {"fold": number + 1}
            | _place(series, fold)
            | _choice(found, number)
            | {"in_sample_sharpe": found.winner_sharpes[number] * math.sqrt(periods_per_year)}
            | _beside(piece, asset_returns[fold.test_start : fold.test_end], periods_per_year)
        )
    row = path_metrics(returns, periods_per_year)
    asset = path_metrics(asset_returns[first:], periods_per_year)
    row |= {f"buy_and_hold_{name.removeprefix('total_')}": value for name, value in asset.items()}
    if not folds:
        row = dict.fromkeys(row, math.nan)
    counts = {"folds": float(len(folds)), "bars": float(len(returns))}
    return Walk(pd.DataFrame.from_records(records), row | counts, returns, first)


def _place(series: PriceSeries, fold: Fold) -> dict[str, Any]:
    bars = {
        "train_start": fold.train_start, "train_end": fold.train_end,
        "test_start": fold.test_start, "test_end": fold.test_end,
    }  # fmt: skip
    if series.timestamps is None:
        return bars
    times = pd.to_datetime(series.timestamps[[fold.test_start, fold.test_end - 1]])
    return bars | {"test_from": times[0], "test_to": times[1]}


def _choice(found: Search, number: int) -> dict[str, Any]:
    names = [name for name in PARAMETERS if name in found.table]
    row = found.winners[number]
    return {name: None if row is None else int(found.table[name].to_numpy()[row]) for name in names}


def _beside(returns: Floats, asset_returns: Floats, periods_per_year: float) -> dict[str, float]:
    own, asset = path_metrics(returns, periods_per_year), path_metrics(asset_returns, periods_per_year)
    return {
        "out_of_sample_sharpe": own["sharpe_ratio"],
        "out_of_sample_return_pct": own["total_return_pct"],
        "out_of_sample_max_drawdown_pct": own["max_drawdown_pct"],
        "buy_and_hold_sharpe": asset["sharpe_ratio"],
        "buy_and_hold_return_pct": asset["total_return_pct"],
    }
