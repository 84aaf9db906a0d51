"""Drift monitor: which positions are outside their bands, and how far, without trading.

A position is outside when its share of the market value is not within ``[target - low, target +
high]``; its distance is what is missing to the nearer edge.  Holdings that are not in the model
have target 0 and no band.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from steelyard.models.document import Model
from steelyard.models.valuation import EXACT, Failure, Portfolio, Valued, share_of, value_portfolio
from steelyard.models.windows import SUM_MAX, Whole, largest


@dataclass(frozen=True, slots=True)
class Drifted:
    """A position outside its band.

    Attributes:
        actual, distance: shares of the market value, 4 decimals, half-even; the distance is exact before rounding.
    """

    security_id: str
    actual: Decimal
    target: Decimal
    low_drift: Decimal
    high_drift: Decimal
    distance: Decimal


@dataclass(frozen=True, slots=True)
class PortfolioDrift:
    """A portfolio's positions outside their bands, worst first; none if it is within all of them."""

    portfolio_id: str
    market_value: Decimal
    positions: tuple[Drifted, ...]

    @property
    def worst(self) -> Decimal:
        """Distance of the first position; 0 without any."""
        return self.positions[0].distance if self.positions else Decimal(0)


def find_drift(
    model: Model, portfolios: Iterable[Portfolio], prices: Mapping[str, Decimal | None]
) -> list[PortfolioDrift | Failure]:
    """Each portfolio against the model, worst first; those that cannot be valued come last, by id."""
    securities = [position.security_id for position in model.positions]
    found: list[PortfolioDrift] = []
    failed: list[Failure] = []
    for portfolio in portfolios:
        valued = value_portfolio(portfolio, securities, prices)
        if isinstance(valued, Failure):
            failed.append(valued)
        else:
            found.append(_drift_of(model, valued, prices))
    found.sort(key=lambda one: (-one.worst, one.portfolio_id))
    return [*found, *sorted(failed, key=lambda one: one.portfolio_id)]


def band_distances(
    market_value: Whole, value: Whole, target: Whole, low: Whole, high: Whole, *, unit: int
) -> npt.NDArray[np.float64]:
    """How far each position is outside its band, ``(P, N)``, as a share of the market value; 0 inside.

    Whether a position is outside is decided in integers; only the distance is a float.

    Args:
        market_value: ``(P,)``, above 0, in units of money.
        value: ``(P, N)`` of each position, in units of money.
        target: ``(N,)`` or ``(P, N)``, in units of ``1 / unit``.
        low: likewise.
        high: likewise.
        unit: weight units in a whole.
    """
    rows = [np.asarray(array) for array in (market_value, value, target, low, high)]
    most, weight = largest(rows[0]), max(unit, sum(largest(array) for array in rows[2:]))
    dtype = np.dtype(np.int64 if most * weight + unit * largest(rows[1]) < SUM_MAX else object)
    market_value, value, target, low, high = (array.astype(dtype) for array in rows)
    whole = market_value[:, None]
    below = whole * (target - low) - unit * value
    above = unit * value - whole * (target + high)
    return np.asarray(np.maximum(np.maximum(below, above), 0) / (unit * whole), dtype=np.float64)


def _drift_of(model: Model, portfolio: Valued, prices: Mapping[str, Decimal | None]) -> PortfolioDrift:
    nothing = Decimal(0)
    bands = {one.security_id: (one.target, one.low_drift, one.high_drift) for one in model.positions}
    outside = []
    for security_id in sorted({*bands, *portfolio.holdings}):
        target, low, high = bands.get(security_id, (nothing, nothing, nothing))
        worth = EXACT.multiply(portfolio.holdings.get(security_id, nothing), prices[security_id] or nothing)
        least = EXACT.multiply(portfolio.market_value, EXACT.subtract(target, low))
        most = EXACT.multiply(portfolio.market_value, EXACT.add(target, high))
        distance = max(EXACT.subtract(least, worth), EXACT.subtract(worth, most))
        if distance > 0:
            actual, away = share_of(worth, portfolio.market_value), share_of(distance, portfolio.market_value)
            outside.append((distance, Drifted(security_id, actual, target, low, high, away)))
    ordered = sorted(outside, key=lambda one: (-one[0], one[1].security_id))
    return PortfolioDrift(portfolio.portfolio_id, portfolio.market_value, tuple(drifted for _, drifted in ordered))
