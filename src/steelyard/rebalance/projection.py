"""The weights nearest to given ones within caps: a projection, found in floats and proven in integers.

Minimise ``sum (w - m)^2`` over ``0 <= w <= upper`` and rows ``sign * sum(w over members) <= sign * bound``.
With multipliers ``v >= 0`` of the rows the solution is ``w = clip(m - A'v, 0, upper)``, so it is known
once one knows which rows bind and which weights stand at a bound.  A primal-dual active-set
iteration guesses that in floats (Hintermueller, Ito and Kunisch 2002); a least-distance problem
solved by non-negative least squares (Lawson and Hanson 1974, ch. 23) guesses where that fails and
tells when there is no solution.  The guess is then solved and checked in integers, without any
rounding: before it is rounded, what is returned satisfies the optimality conditions exactly, and
every bound to 1E-11, which is more than floats could see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal

import numpy as np
from numpy.typing import NDArray

_EXACT = Context(prec=400)
_ITERATIONS_MAX = 40
_LEAST_DISTANCE_MAX = 500  # weights; the table of this method has the square of it in entries
_STEPS = 10_000
_STEP = Decimal("0.0001")
_SLACK = 10**49  # 1E-11 in units of 10**-60
_SCALE_DIGITS = 60  # finer than 28 digits of any weight that matters
_INFEASIBLE_RESIDUAL = 1e-7
_ACTIVE = 1e-12

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Row:
    """``sign * sum of the members' weights <= sign * bound``: +1 for at most, -1 for at least."""

    members: tuple[int, ...]
    bound: Decimal
    sign: int = 1


@dataclass(frozen=True, slots=True)
class _Guess:
    """Which rows bind, and which weights stand at zero (-1), at the upper bound (1) or between (0)."""

    rows: tuple[int, ...]
    places: list[int]


class NoProjectionError(ArithmeticError):
    """No guess could be proven; the inputs are beyond what floats can tell apart."""


def project(model: Sequence[Decimal], upper: Decimal | None, rows: Sequence[Row]) -> list[Decimal] | None:
    """The nearest weights, rounded half-even to 4 decimals; None if no weights keep all bounds.

    Raises:
        NoProjectionError: neither method found weights that satisfy the optimality conditions.
    """
    if upper is not None and upper < 0:
        return None
    exact = _Integers.of(model, upper, rows)
    if (weights := exact.solve(_Guess((), [0 if value > 0 else -1 for value in exact.model]))) is not None:
        return weights
    floats = _Floats(model, upper, rows)
    for guess in (floats.active_set, floats.least_distance):
        found = guess()
        if found is None:
            continue
        if not found.places:
            return None
        if (weights := exact.solve(found)) is not None:
            return weights
    return _without_pinned(model, upper, rows)


def _without_pinned(model: Sequence[Decimal], upper: Decimal | None, rows: Sequence[Row]) -> list[Decimal] | None:
    """The same where a cap of zero leaves its members no choice, so that no multiplier of it is the only one."""
    pinned = {member for row in rows if row.sign > 0 and not row.bound for member in row.members}
    if not pinned:
        raise NoProjectionError(f"no projection of {len(model)} weights under {len(rows)} rows could be proven")
    free = [index for index in range(len(model)) if index not in pinned]
    place = {index: number for number, index in enumerate(free)}
    left = [Row(tuple(place[one] for one in row.members if one in place), row.bound, row.sign) for row in rows]
    if any(not row.members and row.sign * row.bound < 0 for row in left):
        return None
    found = project([model[index] for index in free], upper, [row for row in left if row.members]) if free else []
    if found is None:
        return None
    weights = dict(zip(free, found, strict=True))
    return [weights.get(index, _STEP * 0) for index in range(len(model))]


class _Floats:
    """The problem in floats, for guessing."""

    def __init__(self, model: Sequence[Decimal], upper: Decimal | None, rows: Sequence[Row]) -> None:
        self.model = np.array([float(value) for value in model])
        self.upper = np.inf if upper is None else float(upper)
        self.matrix = np.zeros((len(rows), len(model)))
        for index, row in enumerate(rows):
            self.matrix[index, list(row.members)] = row.sign
        self.bounds = np.array([row.sign * float(row.bound) for row in rows])

    def active_set(self) -> _Guess | None:
        """Guess rows and places together until they repeat; None if they do not."""
        matrix, multipliers = self.matrix, np.zeros(len(self.bounds))
        before: bytes | None = None
        for _ in range(_ITERATIONS_MAX):
            free_of_rows = self.model - multipliers @ matrix
            top, bottom = free_of_rows >= self.upper, free_of_rows <= 0
            weights = np.minimum(np.maximum(free_of_rows, 0), self.upper)  # as np.clip, in a third of its time
            binding = multipliers + matrix @ weights - self.bounds > _ACTIVE
            now = binding.tobytes() + top.tobytes() + bottom.tobytes()
            if now == before:
                return _guess(binding, top, bottom)
            before = now
            multipliers = self._multipliers(binding, top, ~(top | bottom))
        return None

    def _multipliers(self, binding: Flags, top: Flags, free: Flags) -> Floats:
        rows = self.matrix[binding]
        inside = rows[:, free]
        wanted = inside @ self.model[free] - self.bounds[binding]
        if top.any():
            wanted += self.upper * rows[:, top].sum(axis=1)
        multipliers = np.zeros(len(self.bounds))
        if binding.any():
            multipliers[binding] = _solve(inside @ inside.T, wanted)
        return multipliers

    def least_distance(self) -> _Guess | None:
        """The same by non-negative least squares; a guess without places says that nothing is feasible."""
        size = len(self.model)
        if size > _LEAST_DISTANCE_MAX:
            return None
        from scipy.optimize import nnls  # noqa: PLC0415 - 0.3 s to import, and seldom needed

        normals = [np.eye(size), -self.matrix]
        limits = [-self.model, -self.bounds + self.matrix @ self.model]
        if np.isfinite(self.upper):
            normals.append(-np.eye(size))
            limits.append(self.model - self.upper)
        system = np.vstack([np.vstack(normals).T, np.concatenate(limits)])
        goal = np.zeros(size + 1)
        goal[-1] = 1
        try:
            multipliers, _ = nnls(system, goal)
        except RuntimeError:  # it gave up
            return None
        residual = system @ multipliers - goal
        if np.linalg.norm(residual) < _INFEASIBLE_RESIDUAL:
            return _Guess((), [])
        if residual[-1] >= 0:  # numbers too far apart for floats
            return None
        multipliers /= -residual[-1]
        at_zero, of_rows, at_top = np.split(multipliers, [size, size + len(self.bounds)])
        top = at_top > _ACTIVE if at_top.size else np.zeros(size, dtype=bool)
        return _guess(of_rows > _ACTIVE, top, at_zero > _ACTIVE)


def _solve(matrix: Floats, wanted: Floats) -> Floats:
    try:
        solution = np.linalg.solve(matrix, wanted)
    except np.linalg.LinAlgError:  # rows that nothing free can move, or that say the same
        solution = np.linalg.lstsq(matrix, wanted, rcond=None)[0]
    return solution.astype(np.float64, copy=False)


def _guess(binding: Flags, top: Flags, bottom: Flags) -> _Guess:
    places = np.where(bottom, -1, np.where(top, 1, 0))
    return _Guess(tuple(np.flatnonzero(binding).tolist()), places.tolist())


@dataclass(frozen=True, slots=True)
class _Integers:
    """The problem in integers of ``10**-60``, for proving."""

    model: list[int]
    upper: int | None
    rows: Sequence[Row]
    bounds: list[int]

    @staticmethod
    def of(model: Sequence[Decimal], upper: Decimal | None, rows: Sequence[Row]) -> _Integers:
        numbers = [*model, *[row.bound for row in rows], *([] if upper is None else [upper])]
        scaled = [int(number.scaleb(_SCALE_DIGITS, _EXACT)) for number in numbers]
        size = len(model)
        bounds = [row.sign * bound for row, bound in zip(rows, scaled[size:], strict=False)]
        return _Integers(scaled[:size], None if upper is None else scaled[-1], rows, bounds)

    def solve(self, guess: _Guess) -> list[Decimal] | None:
        """The weights that ``guess`` leads to, rounded; None if they are not the nearest ones."""
        solved = self._multipliers(guess)
        if solved is None or any(number < 0 for number in solved[0]):
            return None
        numerators, scale = solved
        shifted = [value * scale for value in self.model]  # all in units of 10**-60 / scale
        for index, multiplier in zip(guess.rows, numerators, strict=True):
            row = self.rows[index]
            for member in row.members:
                shifted[member] -= row.sign * multiplier
        top = None if self.upper is None else self.upper * scale
        weights = []
        for value, place in zip(shifted, guess.places, strict=True):
            if (place < 0 < value) or (place > 0 and (top is None or value < top)):
                return None
            if place == 0 and (value < 0 or (top is not None and value > top)):
                return None
            weights.append(0 if place < 0 else value if place == 0 or top is None else top)
        if any(
            row.sign * sum([weights[member] for member in row.members]) > (bound + _SLACK) * scale
            for row, bound in zip(self.rows, self.bounds, strict=True)
        ):
            return None
        unit = scale * 10**_SCALE_DIGITS
        return [_STEP * _rounded(weight, unit) for weight in weights]

    def _multipliers(self, guess: _Guess) -> tuple[list[int], int] | None:
        """The binding rows' multipliers as numerators over one denominator > 0; None if they are not unique."""
        places, upper = guess.places, self.upper or 0
        matrix, free_members = [], []
        wanted = []
        for index in guess.rows:
            row = self.rows[index]
            free_members.append({member for member in row.members if places[member] == 0})
            at_top = sum(places[member] > 0 for member in row.members)
            inside = sum([self.model[member] for member in free_members[-1]])
            wanted.append(row.sign * (inside + at_top * upper) - self.bounds[index])
        signs = [self.rows[index].sign for index in guess.rows]
        for one, sign in zip(free_members, signs, strict=True):
            matrix.append([sign * other * len(one & two) for two, other in zip(free_members, signs, strict=True)])
        return _solve_integers(matrix, wanted)


def _solve_integers(matrix: list[list[int]], wanted: list[int]) -> tuple[list[int], int] | None:
    """Solve an integer system without fractions (Bareiss 1968); None if it is singular."""
    size = len(matrix)
    rows = [[*row, value] for row, value in zip(matrix, wanted, strict=True)]
    before = 1
    for step in range(size):
        pivot_row = next((index for index in range(step, size) if rows[index][step]), None)
        if pivot_row is None:
            return None
        rows[step], rows[pivot_row] = rows[pivot_row], rows[step]
        pivot = rows[step][step]
        for index in range(size):
            if index != step:
                factor = rows[index][step]
                rows[index] = [
                    (pivot * here - factor * there) // before
                    for here, there in zip(rows[index], rows[step], strict=True)
                ]
        before = pivot
    sign = -1 if before < 0 else 1
    return [sign * row[-1] for row in rows], sign * before


def _rounded(weight: int, unit: int) -> int:
    """``weight / unit`` half-even in steps of 4 decimals."""
    whole, rest = divmod(weight * _STEPS, unit)
    if 2 * rest > unit or (2 * rest == unit and whole % 2):
        whole += 1
    return whole
