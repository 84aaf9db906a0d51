"""The composite score that ranks a sweep: one number from six statements about a strategy.

    score = [2.5 W + 1.5 N + 1.2 S + 1.2 P + 1.0 X + 0.6 B] / 8 x confidence

W win rate (pulled to its Wilson bound while trades are few), N number of trades, S Sortino ratio,
P profit factor, X expectancy per trade, B return beside buy-and-hold.  The greatest score is about
2.49.  Formula: contract sweeps, "Backtest semantics".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

WEIGHTS = (2.5, 1.5, 1.2, 1.2, 1.0, 0.6)
CEILING = 2.618
FLOOR = 0.1
WILSON_Z = 1.96


def composite_score(
    *,
    win_rate_pct: ArrayLike,
    trades: ArrayLike,
    sortino: ArrayLike,
    profit_factor: ArrayLike,
    expectancy_pct: ArrayLike,
    total_return_pct: ArrayLike,
    buy_and_hold_return_pct: ArrayLike,
) -> Floats:
    """Score each strategy; arguments broadcast to shape (N,).

    Args:
        win_rate_pct: 0..100, of closed trades.
        trades: trades opened.
        sortino: annualised; NaN where undefined.
        profit_factor: gross profit over gross loss, infinite without a loss.
        expectancy_pct: mean return of a closed trade, percent.
        total_return_pct: of the strategy.
        buy_and_hold_return_pct: of the asset over the same bars; NaN leaves the comparison neutral.

    Returns:
        0 where the win rate, the profit factor or the expectancy is missing (no trade was closed).
    """
    wr, n, s, p, x, tr, bh = np.broadcast_arrays(
        *(
            np.atleast_1d(np.asarray(value, dtype=np.float64))
            for value in (
                win_rate_pct, trades, sortino, profit_factor, expectancy_pct, total_return_pct, buy_and_hold_return_pct
            )
        )
    )  # fmt: skip
    with np.errstate(all="ignore"):
        parts = (_win_rate(wr, n), _trade_count(n), _sortino(s), _profit_factor(p), _expectancy(x), _beside(tr, bh))
        mean = sum(weight * part for weight, part in zip(WEIGHTS, parts, strict=True)) / sum(WEIGHTS)
        missing = np.isnan(wr) | np.isnan(n) | np.isnan(p) | np.isnan(x)
        return np.where(missing, 0.0, mean * _confidence(n))


def _win_rate(wr: Floats, n: Floats) -> Floats:
    doubt = 1 - np.exp(-3 / np.sqrt(n))
    doubt = np.where(wr < 40, np.minimum(0.95, doubt * (1 + (40 - wr) / 40)), doubt)
    rate = _wilson_lower(wr / 100, n) * 100 * doubt + wr * (1 - doubt)
    high = 1 + 1.618 * (1 - np.exp(-2.5 * (rate - 50) / 50))
    low = FLOOR + 0.9 * (rate / 50) ** (1.8 + 0.13 * (50 - rate))
    low = np.where(rate < 40, low / np.exp((40 - rate) / 25), low)
    part = np.where(rate > 50, high, low)
    return np.select([wr <= 0, (wr >= 100) & (n >= 100)], [FLOOR, CEILING], part)


def _wilson_lower(share: Floats, n: Floats) -> Floats:
    z2 = WILSON_Z**2
    centre = share + z2 / (2 * n)
    lower = (centre - WILSON_Z * np.sqrt(share * (1 - share) / n + z2 / (4 * n**2))) / (1 + z2 / n)
    return np.maximum(lower, 0.0)  # rounding may leave a bound of 0 just below it


def _trade_count(n: Floats) -> Floats:
    q = (n - 50) / 50
    return np.select(
        [n <= 0, n < 20, n < 40, n <= 49, n <= 100, n <= 200],
        [
            np.full_like(n, 0.05),
            0.05 + 0.1 * (n / 20) ** 4,
            0.15 + 0.35 * ((n - 20) / 20) ** 3,
            0.5 + 0.5 * ((n - 40) / 9) ** 2,
            1 + 1.2 * (0.7 * q + 1.2 * q * (1 - q)),
            2.2 - 0.4 * (n - 100) / 100,
        ],
        1.8 - 0.3 * (1 - np.exp(-(n - 200) / 100)),
    )


def _sortino(s: Floats) -> Floats:
    return np.where(s > 0, CEILING / (1 + np.exp(-0.9 * (s - 1.5))), FLOOR)  # NaN is not above 0


def _profit_factor(p: Floats) -> Floats:
    return np.select(
        [p < 0.8, p < 1, p < 2, p < 4],
        [np.full_like(p, FLOOR), FLOOR + 2 * (p - 0.8), p - 0.5, 1.5 + 1.118 * np.sqrt(np.maximum(p - 2, 0) / 2)],
        CEILING,
    )


def _expectancy(x: Floats) -> Floats:
    u = (np.maximum(x, 0) / 5) ** 1.2
    return np.where(x > 0, CEILING * u / (1 + u), FLOOR)


def _beside(tr: Floats, bh: Floats) -> Floats:
    edge = np.where(bh == 0, 0.0, (tr - bh) / np.abs(bh))
    return np.where(np.isnan(edge), 1.0, np.clip(1 + edge / 2.5, 0.25, 2.0))


def _confidence(n: Floats) -> Floats:
    return np.select(
        [n < 20, n < 40, n < 50],
        [0.1 + 0.4 * (n / 20) ** 3, 0.5 + 0.3 * ((n - 20) / 20) ** 2, 0.8 + 0.2 * (n - 40) / 10],
        1.0,
    )
