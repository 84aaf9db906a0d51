"""Made-up bars from a seed: a price that wanders geometrically while its volatility wanders too.

With A bars in a year, annual volatility sigma and standard normal z, e, u:

    log v_t = phi log v_{t-1} + sqrt(1 - phi^2) omega e_t          (volatility around its usual level)
    log C_t = log C_{t-1} + (mu - s_t^2 / 2) / A + s_t z_t / sqrt(A),   s_t = sigma exp(log v_t)

A bar opens near the close before; its high and low are drawn from the law of the extremes of a
Brownian bridge between open and close.  Prices are whole ticks.  The numbers depend on the symbol
and the seed alone, so that a series can be made again anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from steelyard.market.bars import Floats, Times

if TYPE_CHECKING:
    import pandas as pd

VOLATILITY_MEMORY = 0.97
"""phi, per bar."""
VOLATILITY_SPREAD = 0.4
"""omega, of the logarithm."""
OPENING_SHARE = 0.2
"""Of a bar's variance, what happens between the last close and its open."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a synthetic series looks like; rates are per year, as fractions."""

    first_price: float = 100.0
    drift: float = 0.08
    volatility: float = 0.25
    tick: float = 0.01


def generate_bars(symbol: str, times: Times, *, seed: int, periods_per_year: float, recipe: Recipe) -> pd.DataFrame:
    """Bars at the given times: ``ts, open, high, low, close``, each price a whole number of ticks.

    Args:
        symbol: another one is another series under the same seed.
        times: shape (T,), UTC.
        seed: at least 0.
        periods_per_year: bars in a year.
        recipe: how prices move.
    """
    import pandas as pd  # noqa: PLC0415 - as scipy, half a second that reading a stored series does not need
    from scipy.signal import lfilter  # noqa: PLC0415

    bars = len(times)
    draw = np.random.default_rng([seed, *symbol.encode()])
    shocks = VOLATILITY_SPREAD * np.sqrt(1 - VOLATILITY_MEMORY**2) * draw.standard_normal(bars)
    spread = recipe.volatility * np.exp(lfilter([1.0], [1.0, -VOLATILITY_MEMORY], shocks)) / np.sqrt(periods_per_year)
    opening, trading = spread * np.sqrt(OPENING_SHARE), spread * np.sqrt(1 - OPENING_SHARE)
    gaps = opening * draw.standard_normal(bars)
    moves = trading * draw.standard_normal(bars) + recipe.drift / periods_per_year - spread**2 / 2
    log_close = np.log(recipe.first_price) + np.cumsum(gaps + moves)
    log_open = log_close - moves
    reach = -2 * trading**2 * np.log(1 - draw.random((2, bars)))
    widths = np.sqrt((log_close - log_open) ** 2 + reach)
    logs = {
        "open": log_open,
        "high": (log_open + log_close + widths[0]) / 2,
        "low": (log_open + log_close - widths[1]) / 2,
        "close": log_close,
    }
    return pd.DataFrame({"ts": times, **{name: _on_ticks(values, recipe.tick) for name, values in logs.items()}})


def _on_ticks(log_price: Floats, tick: float) -> Floats:
    """Prices as whole ticks, at least one; rounding is monotone, so a high stays above its low."""
    ticks: Floats = np.maximum(np.rint(np.exp(log_price) / tick), 1.0)
    per_unit = round(1 / tick)
    return ticks / per_unit if per_unit * tick == 1.0 else ticks * tick
