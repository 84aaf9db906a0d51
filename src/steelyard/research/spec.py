"""What a sweep is asked to do: every choice checked and written down, ready to be hashed and repeated."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from steelyard.core.canonical import canonical_hash
from steelyard.core.errors import InvalidInputError, TooLargeError
from steelyard.research.execution import Execution
from steelyard.research.metrics import RANKINGS
from steelyard.research.ranges import Windows, read_windows
from steelyard.research.strategies import Combinations, Strategy, enumerate_combinations, level_rules
from steelyard.research.walk_forward import FOLDS_DEFAULT, Scheme

COMBINATIONS_MAX = 500_000
"""Combinations of one sweep; its table then takes about 100 MB."""
MIN_TRADES_MAX = 100_000


@dataclass(frozen=True, slots=True)
class SweepSpec:
    """The parameters of a sweep; the same on the same prices gives the same bytes.

    Attributes:
        fast: windows in bars, ascending.
        slow: windows in bars; empty for the level rule of RSI.
        signal: windows in bars, read by MACD only; empty otherwise.
        periods_per_year: None for the series' own.
        min_trades: combinations that trade less are kept, flagged and ranked last.
        rank_by: a column of the table.
        folds: of the walk-forward analysis.
        scheme: anchored or rolling.
        purge: bars before each test span that are not trained on; None for the longest look-back.
        embargo: further such bars; None for 1 % of all.
    """

    strategy: Strategy
    fast: tuple[int, ...]
    slow: tuple[int, ...]
    signal: tuple[int, ...]
    execution: Execution
    periods_per_year: float | None
    min_trades: int
    rank_by: str
    folds: int = FOLDS_DEFAULT
    scheme: Scheme = "anchored"
    purge: int | None = None
    embargo: int | None = None

    @classmethod
    def read(
        cls,
        strategy: str | Strategy,
        fast: Windows,
        slow: Windows | None,
        signal: Windows,
        **choices: Any,
    ) -> Self:
        """Check everything that can be checked before prices are seen.

        Raises:
            InvalidInputError: the offending parameter by name and value.
            TooLargeError: more than ``COMBINATIONS_MAX`` combinations.
        """
        kind = _read_strategy(strategy)
        if slow is None and kind is not Strategy.RSI:
            raise InvalidInputError(f"`slow` was None; only RSI goes without, {kind} needs it", code="EMPTY_RANGE")
        spec = cls(
            strategy=kind,
            fast=read_windows("fast", fast),
            slow=() if slow is None else read_windows("slow", slow),
            signal=read_windows("signal", signal) if kind is Strategy.MACD else (),
            **choices,
        )
        spec._check()
        return spec

    def combinations(self) -> Combinations:
        """Every valid combination, ordered by fast, then slow, then signal."""
        if not self.slow:
            return level_rules(self.fast)
        return enumerate_combinations(self.fast, self.slow, self.signal or (1,))

    @property
    def look_back(self) -> int:
        """Bars the longest combination looks back."""
        return max((*self.fast, *self.slow)) + (max(self.signal) if self.signal else 0)

    def with_periods_per_year(self, periods: float) -> SweepSpec:
        """The same with the number that annualises filled in."""
        return replace(self, periods_per_year=periods)

    def parameters(self) -> dict[str, Any]:
        """JSON-ready, complete."""
        return {**asdict(self), "strategy": self.strategy.value, "execution": asdict(self.execution)}

    def parameters_hash(self) -> str:
        """Of the canonical JSON of :meth:`parameters`."""
        return canonical_hash(self.parameters())

    def _check(self) -> None:
        size = len(self.fast) * max(len(self.slow), 1) * max(len(self.signal), 1)
        if size > 2 * COMBINATIONS_MAX or (size > COMBINATIONS_MAX and len(self.combinations()) > COMBINATIONS_MAX):
            msg = f"the ranges give up to {size:,} combinations; at most {COMBINATIONS_MAX:,} are swept at once: "
            raise TooLargeError(msg + "widen the steps", code="TOO_MANY_COMBINATIONS", details={"combinations": size})
        self.combinations()
        if self.rank_by not in RANKINGS:
            msg = f"`rank_by` was {self.rank_by!r}; it is one of {', '.join(RANKINGS)}"
            raise InvalidInputError(msg, code="UNKNOWN_RANKING")
        if not 0 <= self.min_trades <= MIN_TRADES_MAX:
            msg = f"`min_trades` was {self.min_trades}; it is 0 to {MIN_TRADES_MAX:,}"
            raise InvalidInputError(msg, code="OUT_OF_RANGE")
        periods = self.periods_per_year
        if periods is not None and not (math.isfinite(periods) and periods > 0):
            msg = (
                f"`periods_per_year` was {periods}; it is a positive number, such as 252 for daily bars of an exchange"
            )
            raise InvalidInputError(msg, code="OUT_OF_RANGE")
        if self.purge is not None and self.purge < self.look_back:
            msg = f"`purge` was {self.purge} bars; it is at least the longest look-back, {self.look_back} bars"
            raise InvalidInputError(msg, code="OUT_OF_RANGE")


def _read_strategy(strategy: str | Strategy) -> Strategy:
    try:
        return Strategy(str(strategy).upper())
    except ValueError:
        names = ", ".join(Strategy)
        raise InvalidInputError(f"`strategy` was {strategy!r}; it is one of {names}", code="UNKNOWN_STRATEGY") from None
