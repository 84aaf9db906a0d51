"""The strategies of a sweep and the combinations of their parameters.

Each strategy turns closes into a state per bar, in or out, known at that close:

- ``SMA``: in while the simple average over ``fast`` bars is above the one over ``slow`` bars.
- ``EMA``: the same with exponential averages of span ``fast`` and ``slow`` (weight 2 / (span + 1) on the newest close,
  started at the first close, no later adjustment).
- ``MACD``: in while EMA(fast) - EMA(slow) is above its own EMA of span ``signal``.
- ``RSI``: in while the relative strength index over ``fast`` bars is above the one over ``slow`` bars (Wilder's
  smoothing, started with the plain mean of the first changes).  Without ``slow`` it is the level rule: in from the bar
  at which RSI(fast) falls below ``lower`` until it rises above ``upper``.

A state counts as defined from bar ``slow - 1`` on (MACD: ``slow + signal - 2``; RSI: ``slow``, or ``fast`` for the
level rule, because n changes need n + 1 closes).  Equal averages are out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from steelyard.core.errors import InvalidInputError

SIGNAL_DEFAULT = 9
WINDOW_BARS_MAX = 100_000


class Strategy(StrEnum):
    """What a sweep can try."""

    SMA = "SMA"
    EMA = "EMA"
    MACD = "MACD"
    RSI = "RSI"


@dataclass(frozen=True, slots=True, eq=False)
class Combinations:
    """Parameters of C combinations, one row of a sweep's table each; compiled code relies on the checks made here.

    Attributes:
        fast: (C,) bars, at least 1.
        slow: (C,) bars, more than ``fast``; 0 in all rows for the level rule of RSI.
        signal: (C,) bars, at least 1; read by MACD only.
        lower: level of RSI that enters; read by the level rule only.
        upper: level of RSI that leaves; read by the level rule only.

    Raises:
        InvalidInputError: OUT_OF_RANGE for a window outside 1 to 100,000 bars, for ``fast`` not below ``slow``, or for
            levels that are not 0 < lower < upper < 100; NO_VALID_COMBINATION for none at all.
    """

    fast: NDArray[np.int64]
    slow: NDArray[np.int64]
    signal: NDArray[np.int64]
    lower: float = 30.0
    upper: float = 70.0

    def __post_init__(self) -> None:
        for name in ("fast", "slow", "signal"):
            object.__setattr__(self, name, np.array(getattr(self, name), dtype=np.int64))
        if not len(self.fast) == len(self.slow) == len(self.signal) > 0:
            lengths = f"{len(self.fast)}, {len(self.slow)} and {len(self.signal)}"
            msg = f"`fast`, `slow` and `signal` had {lengths} values; they have one each per combination, at least one"
            raise InvalidInputError(msg, code="NO_VALID_COMBINATION")
        _check_windows("fast", self.fast)
        _check_windows("signal", self.signal)
        if self.is_level_rule:
            _check_levels(self.lower, self.upper)
            return
        _check_windows("slow", self.slow)
        if (reversed_ := np.flatnonzero(self.fast >= self.slow)).size:
            row = reversed_[0]
            msg = f"`fast` was {self.fast[row]} and `slow` {self.slow[row]}; fast must be the smaller window"
            raise InvalidInputError(msg, code="OUT_OF_RANGE")

    def __len__(self) -> int:
        return len(self.fast)

    def __getitem__(self, rows: slice) -> Combinations:
        return Combinations(self.fast[rows], self.slow[rows], self.signal[rows], self.lower, self.upper)

    @property
    def is_level_rule(self) -> bool:
        """Whether RSI is held between two levels rather than compared with a slower RSI."""
        return not self.slow.any()

    def first_defined_bar(self, strategy: Strategy) -> NDArray[np.int64]:
        """(C,) the first bar whose state is defined."""
        longest = np.maximum(self.fast, self.slow)
        match strategy:
            case Strategy.MACD:
                return longest + self.signal - 2
            case Strategy.RSI:
                return longest
            case _:
                return longest - 1


def enumerate_combinations(
    fast: Iterable[int], slow: Iterable[int], signal: Iterable[int] = (SIGNAL_DEFAULT,)
) -> Combinations:
    """Every valid combination (``fast < slow``), ordered by fast, then slow, then signal; repeats count once.

    Raises:
        InvalidInputError: NO_VALID_COMBINATION, or OUT_OF_RANGE for a window below 1 or above 100,000 bars.
    """
    axes = [_axis(name, values) for name, values in (("fast", fast), ("slow", slow), ("signal", signal))]
    grid = [axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")]
    valid = grid[0] < grid[1]
    if not valid.any():
        msg = f"no combination has fast < slow: the smallest fast was {axes[0][0]}, the largest slow {axes[1][-1]}"
        raise InvalidInputError(msg, code="NO_VALID_COMBINATION")
    return Combinations(fast=grid[0][valid], slow=grid[1][valid], signal=grid[2][valid])


def level_rules(periods: Iterable[int], *, lower: float = 30.0, upper: float = 70.0) -> Combinations:
    """One combination per RSI period, entered below ``lower`` and left above ``upper``.

    Raises:
        InvalidInputError: NO_VALID_COMBINATION, or OUT_OF_RANGE for a period or the levels.
    """
    fast = _axis("fast", periods)
    return Combinations(fast, np.zeros_like(fast), np.ones_like(fast), lower, upper)


def _axis(name: str, values: Iterable[int]) -> NDArray[np.int64]:
    axis = np.array(sorted(set(values)), dtype=np.int64)
    if len(axis) == 0:
        raise InvalidInputError(f"`{name}` was empty; give at least one window", code="NO_VALID_COMBINATION")
    _check_windows(name, axis)
    return axis


def _check_windows(name: str, windows: NDArray[np.int64]) -> None:
    for bars in (windows.min(), windows.max()):
        if not 1 <= bars <= WINDOW_BARS_MAX:
            msg = f"`{name}` was {bars}; a window has 1 to {WINDOW_BARS_MAX:,} bars"
            raise InvalidInputError(msg, code="OUT_OF_RANGE", details={name: int(bars)})


def _check_levels(lower: float, upper: float) -> None:
    if not 0.0 < lower < upper < 100.0:
        msg = f"`lower` was {lower!r} and `upper` {upper!r}; they are levels of RSI with 0 < lower < upper < 100"
        raise InvalidInputError(msg, code="OUT_OF_RANGE")
