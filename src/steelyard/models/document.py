"""The model document: what a portfolio should hold, and who follows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from steelyard.models.options import RebalanceOptions


@dataclass(frozen=True, slots=True)
class Position:
    """A security's share of the portfolio's value, and how far it may drift.

    Attributes:
        security_id: 24 letters and digits.
        target: 0..0.95, a multiple of 0.005.
        high_drift, low_drift: 0..1, of the portfolio's value and not of the target; low <= high.
    """

    security_id: str
    target: Decimal
    high_drift: Decimal
    low_drift: Decimal


@dataclass(frozen=True, slots=True)
class Model:
    """A named set of positions and the portfolios that follow it.

    Attributes:
        positions: every target above 0, securities unique, targets adding up to 0.95 at most.
        portfolios: ids, unique, in the order in which they joined.
        last_rebalance_date: UTC; None before the first.
        version: counts the changes, for optimistic locking; 1 at creation.
        options: of every rebalance that does not bring its own; None is the document's problem.
    """

    name: str
    positions: tuple[Position, ...] = ()
    portfolios: tuple[str, ...] = ()
    model_id: str = ""
    last_rebalance_date: datetime | None = None
    version: int = 1
    options: RebalanceOptions | None = None
