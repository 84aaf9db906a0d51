"""The columns of a sweep: what a strategy earned, what it risked, how it traded.

Rules for figures without a value: a zero is 0; a quotient whose divisor is zero is NaN (no return
varies: Sharpe; no bar loses: Sortino; no drawdown: Calmar; no trade was closed: win rate, profit
factor, expectancy, duration).  One exception, by custom: a profit factor without a loss is infinite.

Ratios use every bar, the first included (its return is 0), and a risk-free rate of 0.  One number,
the periods per year, annualises both the ratios and the return.  Source: contract sweeps,
"Backtest semantics".
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from steelyard.market.bars import PriceSeries
from steelyard.research.kernel import Figures
from steelyard.research.moments import Floats, Ints, sharpe_per_bar
from steelyard.research.score import composite_score

DAYS_PER_YEAR = 365.25
DAYS_PER_MONTH = DAYS_PER_YEAR / 12

RANKINGS = (
    "score", "sharpe_ratio", "sortino_ratio", "calmar_ratio", "total_return_pct", "annualized_return",
    "max_drawdown_pct", "win_rate_pct", "profit_factor", "expectancy_pct",
)  # fmt: skip
"""Columns a sweep can be ranked by; in each, more is better (drawdowns are negative)."""


@dataclass(frozen=True, slots=True)
class Span:
    """How long the bars of a result are, in every sense that its figures need.

    Attributes:
        bars: T.
        periods_per_year: bars in a year, for annualising.
        days: calendar days from the first bar to the last one's end.
    """

    bars: int
    periods_per_year: float
    days: float

    @classmethod
    def of(cls, series: PriceSeries, periods_per_year: float) -> Span:
        """From the bars' times; where nobody knows them, from the periods per year."""
        bars, times = len(series), series.timestamps
        if times is None or bars < 2:
            return cls(bars, periods_per_year, bars * DAYS_PER_YEAR / periods_per_year)
        between = float((times[-1] - times[0]) / np.timedelta64(1, "s")) / 86_400
        return cls(bars, periods_per_year, between * bars / (bars - 1))

    @property
    def years(self) -> float:
        """Years for the annualised return."""
        return self.bars / self.periods_per_year

    @property
    def months(self) -> float:
        """Calendar months, for trades per month."""
        return self.days / DAYS_PER_MONTH

    @property
    def days_per_bar(self) -> float:
        """Calendar days that pass with one bar."""
        return self.days / self.bars


def metric_columns(figures: Figures, span: Span, *, buy_and_hold_return_pct: float, min_trades: int) -> pd.DataFrame:
    """One row per combination, in the order of ``figures``; percentages are percent, drawdown is negative."""
    closed = figures.closed_trades
    equity = figures.final_equity
    annual = math.sqrt(span.periods_per_year)
    annualized = _annualized(equity, span.years)
    days = _over(figures.trade_bars_sum, closed) * span.days_per_bar
    table = {
        "total_return_pct": (equity - 1) * 100,
        "annualized_return": annualized * 100,
        "sharpe_ratio": sharpe_per_bar(span.bars, figures.return_sum, figures.return_sum_sq) * annual,
        "sortino_ratio": _over(figures.return_sum, np.sqrt(figures.downside_sum_sq * span.bars)) * annual,
        "calmar_ratio": _over(annualized, -figures.max_drawdown),
        "max_drawdown_pct": figures.max_drawdown * 100,
        "win_rate_pct": _over(figures.winning_trades, closed) * 100,
        "profit_factor": _profit_factor(figures.gross_profit, figures.gross_loss),
        "expectancy_pct": _over(figures.trade_return_sum, closed) * 100,
        "exposure_pct": figures.bars_in_market / span.bars * 100,
        "total_trades": figures.entries,
        "closed_trades": closed,
        "trades_per_month": figures.entries / span.months,
        "avg_trade_duration": duration_texts(days),
        "avg_trade_duration_days": days,
        "buy_and_hold_return_pct": np.full(len(equity), buy_and_hold_return_pct),
        "below_min_trades": figures.entries < min_trades,
    }
    return pd.DataFrame(table | {"score": score_of(table)})


def score_of(columns: dict[str, NDArray[np.generic]]) -> Floats:
    """The composite score of rows that have the other columns."""
    return composite_score(
        win_rate_pct=columns["win_rate_pct"],
        trades=columns["total_trades"],
        sortino=columns["sortino_ratio"],
        profit_factor=columns["profit_factor"],
        expectancy_pct=columns["expectancy_pct"],
        total_return_pct=columns["total_return_pct"],
        buy_and_hold_return_pct=columns["buy_and_hold_return_pct"],
    )


def path_metrics(returns: Floats, periods_per_year: float) -> dict[str, float]:
    """The figures that a path of bar returns (T,) has by itself: those of the table, same names, same rules."""
    bars = len(returns)
    equity = np.cumprod(1 + returns)
    peak = np.maximum.accumulate(np.maximum(equity, 1.0))
    drawdown = float((equity / peak - 1).min()) if bars else 0.0
    final = np.array([equity[-1] if bars else 1.0])
    annualized = _annualized(final, max(bars, 1) / periods_per_year)
    annual = math.sqrt(periods_per_year)
    total, squares, downside = (np.array([part.sum()]) for part in (returns, returns**2, np.minimum(returns, 0.0) ** 2))
    columns = {
        "total_return_pct": (final - 1) * 100,
        "annualized_return": annualized * 100,
        "sharpe_ratio": sharpe_per_bar(bars, total, squares) * annual,
        "sortino_ratio": _over(total, np.sqrt(downside * bars)) * annual,
        "calmar_ratio": _over(annualized, np.array([-drawdown])),
        "max_drawdown_pct": np.array([drawdown * 100]),
    }
    return {name: float(column[0]) for name, column in columns.items()}


def bar_returns(close: Floats) -> Floats:
    """Returns of holding the asset, the first bar's 0, shape (T,)."""
    return np.concatenate([[0.0], close[1:] / close[:-1] - 1.0])


def held_return_pct(close: Floats) -> float:
    """Return of holding the asset from the first close to the last, percent, without costs."""
    return float(close[-1] / close[0] - 1) * 100


def duration_texts(days: Floats) -> NDArray[np.object_]:
    """Durations for a person: days, below one day hours, below one hour minutes; None where undefined."""
    scaled = np.select([days >= 1, days >= 1 / 24], [days, days * 24], days * 1440)
    units = np.select([days >= 1, days >= 1 / 24], ["days", "hours"], "minutes")
    texts = [
        None if math.isnan(value) else f"{value:.1f} {unit}"
        for value, unit in zip(scaled.tolist(), units.tolist(), strict=True)
    ]
    return np.array(texts, dtype=object)


def _annualized(equity: Floats, years: float) -> Floats:
    with np.errstate(over="ignore"):  # a short span may annualise to infinity
        return equity ** (1 / years) - 1


def _over(dividend: Floats | Ints, divisor: Floats | Ints) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(divisor != 0, dividend / divisor, np.nan)


def _profit_factor(profit: Floats, loss: Floats) -> Floats:
    return np.where((loss == 0) & (profit > 0), np.inf, _over(profit, loss))
