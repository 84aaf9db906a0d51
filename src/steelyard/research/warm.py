"""Compile every kernel into Numba's cache: `python -m steelyard.research.warm`, at set-up."""

from __future__ import annotations

import numpy as np

from steelyard.research.cscv import cross_validate
from steelyard.research.execution import Execution
from steelyard.research.kernel import simulate_combinations
from steelyard.research.strategies import Strategy, enumerate_combinations, level_rules


def warm() -> None:
    """Call each kernel once with the argument types that the product uses."""
    close = np.linspace(100.0, 110.0, 200)
    averages = enumerate_combinations([2, 3], [5, 8])
    for strategy in Strategy:
        simulate_combinations(close, None, strategy, averages, Execution(), segments=np.array([0, 100, 200]))
    simulate_combinations(close, None, Strategy.RSI, level_rules([3]), Execution())
    cross_validate(np.ones((2, 4)), np.ones((2, 4)))


if __name__ == "__main__":
    warm()
