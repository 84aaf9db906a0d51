"""Compile this room's kernels into Numba's cache: `python -m steelyard.models.warm`, at set-up."""

from __future__ import annotations

import numpy as np

from steelyard.models.choices import MAY_BUY, MAY_SELL, Choices
from steelyard.models.solution import ShareProblem, solve_shares


def warm() -> None:
    """Solve one small problem each way: plain, with choices, and with a cash row that binds."""
    value, weight, price = np.array([1000]), np.array([950]), np.array([600])
    choices = Choices(*(np.full((1, 1), fill) for fill in (0, 0, 1, 1, MAY_BUY | MAY_SELL)))
    for options in (None, choices):
        solve_shares(ShareProblem(value, weight, np.array([400]), np.array([400]), price, 1000, choices=options))


if __name__ == "__main__":
    warm()
