"""Walk-forward analysis: choose on the past, judge on what came after, fold by fold.

The later half of the bars is cut into test spans.  For each, the combination with the best Sharpe
ratio on the training bars before it is held through it:

    |---- training ----| purge + embargo |-- test --|                     anchored: training starts at bar 0
                    |---- training ----| purge + embargo |-- test --|     rolling: training keeps its length

The *purge* leaves out the last training bars, as many as the longest window looks back, so that no
average of the test span contains a price the choice was made on; the *embargo* widens that gap
against slow dependence.  (In a split that only looks forward both are one gap, and they add up.)
Source: Lopez de Prado, "Advances in Financial Machine Learning", 2018, chapters 7 and 12.

Each combination is simulated once over all bars, so its averages are warm when a test span begins,
and it may hold a position from before.  The stitched path pays for that: where the position to take
over differs from the one held, the change is bought or sold at the last close before the span.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from steelyard.core.errors import InvalidInputError
from steelyard.research.execution import Execution
from steelyard.research.moments import Floats

Scheme = Literal["anchored", "rolling"]
SCHEMES: tuple[Scheme, ...] = ("anchored", "rolling")

FOLDS_DEFAULT = 5
FOLDS_MAX = 100
FIRST_TEST_SHARE = 0.5
"""Share of the bars before the first test span."""
EMBARGO_SHARE = 0.01
"""Of all bars, the default embargo."""
TRAINING_BARS_MIN = 60
TEST_BARS_MIN = 10


@dataclass(frozen=True, slots=True)
class Fold:
    """Bars ``[train_start, train_end)`` to choose on and ``[test_start, test_end)`` to judge by."""

    train_start: int
    train_end: int
    test_start: int
    test_end: int


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """The whole-series path of one combination: bar returns (T,) and which sleeves hold at each close, (T, sleeves)."""

    returns: Floats
    held: NDArray[np.bool_]


def plan_folds(
    bars: int, *, folds: int = FOLDS_DEFAULT, scheme: Scheme = "anchored", purge: int, embargo: int | None = None
) -> tuple[Fold, ...]:
    """Cut ``bars`` bars into folds, oldest first; none where the training would be too short to choose on.

    Args:
        bars: of the series.
        folds: test spans.
        scheme: whether training always starts at bar 0 or keeps its length.
        purge: bars left out before each test span, at least the longest window.
        embargo: further bars left out; None for 1 % of all.

    Raises:
        InvalidInputError: OUT_OF_RANGE, UNKNOWN_SCHEME.
    """
    _check_plan(folds, scheme, purge, embargo)
    gap = purge + (int(bars * EMBARGO_SHARE) if embargo is None else embargo)
    edges = np.linspace(int(bars * FIRST_TEST_SHARE), bars, folds + 1).round().astype(int).tolist()
    training_bars = edges[0] - gap
    if training_bars < purge + TRAINING_BARS_MIN or edges[1] - edges[0] < TEST_BARS_MIN:
        return ()
    return tuple(
        Fold(end - gap - training_bars if scheme == "rolling" else 0, end - gap, end, following)
        for end, following in pairwise(edges)
    )


def stitch(
    folds: Sequence[Fold], chosen: Sequence[int | None], path_of: Callable[[int], Path], execution: Execution
) -> Floats:
    """Bar returns of holding each fold's choice through its test span, from the first test bar to the last.

    Args:
        folds: oldest first, each test span following the one before.
        chosen: per fold, which combination; None stays in cash.
        path_of: the path of a combination.
        execution: costs of changing what is held.
    """
    pieces: list[Floats] = []
    held: NDArray[np.bool_] = np.zeros(1, dtype=bool)
    for fold, choice in zip(folds, chosen, strict=True):
        path = None if choice is None else path_of(choice)
        before = np.zeros_like(held) if path is None else path.held[fold.test_start - 1]
        bars = slice(fold.test_start, fold.test_end)
        piece = np.zeros(fold.test_end - fold.test_start) if path is None else path.returns[bars].copy()
        piece[0] += _change(held, before, execution) * (1 + piece[0])  # exactly nothing where trading is free
        held = np.zeros_like(held) if path is None else path.held[fold.test_end - 1]
        pieces.append(piece)
    return np.concatenate(pieces) if pieces else np.empty(0)


def _change(held: NDArray[np.bool_], wanted: NDArray[np.bool_], execution: Execution) -> float:
    """Return of changing what each sleeve holds, the mean over sleeves of equal weight; never above 0."""
    bought, sold = (wanted & ~held).mean(), (held & ~wanted).mean()
    return float(bought * (1 / execution.cost_of_a_unit - 1) + sold * (execution.proceeds_of_a_unit - 1))


def _check_plan(folds: int, scheme: str, purge: int, embargo: int | None) -> None:
    if not 1 <= folds <= FOLDS_MAX:
        raise InvalidInputError(f"`folds` was {folds}; a walk has 1 to {FOLDS_MAX} folds", code="OUT_OF_RANGE")
    if scheme not in SCHEMES:
        raise InvalidInputError(f"`scheme` was {scheme!r}; it is one of {', '.join(SCHEMES)}", code="UNKNOWN_SCHEME")
    for name, value in (("purge", purge), ("embargo", embargo)):
        if value is not None and value < 0:
            raise InvalidInputError(f"`{name}` was {value}; it is a number of bars, 0 or more", code="OUT_OF_RANGE")
