"""The tick of a series: the decimal step of which every price is a multiple."""

from __future__ import annotations

import numpy as np

from steelyard.market.bars import Floats

DECIMALS_MAX = 8
TICKS_MAX = float(2**53)
"""Whole numbers above this are not all exact in float64."""


def infer_tick(*prices: Floats) -> float | None:
    """The coarsest of 1, 0.1, .. 1e-8 in which all prices are whole, to the bit; None if there is none."""
    return next((10.0**-decimals for decimals in range(DECIMALS_MAX + 1) if _fits(prices, 10.0**decimals)), None)


def _fits(prices: tuple[Floats, ...], per_unit: float) -> bool:
    # A division is rounded once, so it gives the float nearest to the decimal, as reading text does.
    return all(
        np.all(np.abs(p) * per_unit < TICKS_MAX) and np.all(np.rint(p * per_unit) / per_unit == p) for p in prices
    )
