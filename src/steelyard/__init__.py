"""Steelyard carries a portfolio from research to orders.

This is the Python API for notebooks: nothing deeper is needed for daily work.  Names load on first
use, so ``import steelyard as sy`` is quick.

    >>> import steelyard as sy
    >>> result = sy.sweep(sy.load_prices("AAPL"), fast=range(5, 101), slow=range(20, 301, 5))
    >>> result.best, result.deflated_sharpe, result.pbo
    >>> sy.simulate(request).status, sy.propose(proposal).result.status  # requests as their JSON
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from steelyard._version import __version__

if TYPE_CHECKING:
    from steelyard.core.errors import SteelyardError as SteelyardError
    from steelyard.market.bars import PriceSeries as PriceSeries
    from steelyard.market.loading import load_prices as load_prices
    from steelyard.proposals.api import propose as propose
    from steelyard.rebalance.api import analyze as analyze
    from steelyard.rebalance.api import simulate as simulate
    from steelyard.research.result import SweepResult as SweepResult
    from steelyard.research.sweep import sweep as sweep

_HOMES = {
    "PriceSeries": "steelyard.market.bars",
    "SteelyardError": "steelyard.core.errors",
    "SweepResult": "steelyard.research.result",
    "analyze": "steelyard.rebalance.api",
    "load_prices": "steelyard.market.loading",
    "propose": "steelyard.proposals.api",
    "simulate": "steelyard.rebalance.api",
    "sweep": "steelyard.research.sweep",
}

__all__ = [
    "PriceSeries",
    "SteelyardError",
    "SweepResult",
    "__version__",
    "analyze",
    "load_prices",
    "propose",
    "simulate",
    "sweep",
]


def __getattr__(name: str) -> Any:
    if (home := _HOMES.get(name)) is None:
        raise AttributeError(f"module 'steelyard' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(home), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
