"""``sy.whole_shares``: targets and prices in, verified whole quantities out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from steelyard.core.errors import InvalidInputError
from steelyard.core.money import exact_decimal, from_scaled
from steelyard.models.explain import Reason, reasons
from steelyard.models.integers import scale_of, scaled
from steelyard.models.orders import Solver, solve
from steelyard.models.solution import ShareProblem, ShareSolution, Status
from steelyard.models.valuation import DECIMALS_MAX, INTEGER_DIGITS_MAX, within_limits
from steelyard.models.windows import Whole

POSITIONS_MAX = 10_000
"""Securities of one portfolio in one call."""
PORTFOLIOS_MAX = 1_000_000
"""Portfolios of one call."""

Number: TypeAlias = "Decimal | int | str | float | np.integer[Any]"
Numbers: TypeAlias = "Mapping[str, Number] | Sequence[Number] | npt.NDArray[Any]"


@dataclass(frozen=True, slots=True)
class WholeShares:
    """Whole quantities of one portfolio.

    Attributes:
        quantities: by key, or in the order given; None without an answer.
        status: OPTIMAL, NO_WHOLE_QUANTITY, NOT_ENOUGH_CASH, SOLVER_TIMEOUT or NOT_VERIFIED.
        objective: the sum of what the quantities miss their targets by, money; None without an answer.
        reasons: why each quantity is what it is, or has none; as ``quantities``.
    """

    quantities: dict[str, int] | tuple[int, ...] | None
    status: str
    objective: Decimal | None
    reasons: dict[str, str] | tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class WholeSharesBatch:
    """Whole quantities of many portfolios.

    Attributes:
        quantities: ``(P, N)``; -1 throughout a portfolio without an answer.
        status: ``(P,)``, codes of :class:`steelyard.models.solution.Status`; 0 is OPTIMAL.
        objective: ``(P,)``, in units of money / ``scale``; -1 without an answer.
    """

    quantities: Whole
    status: npt.NDArray[np.int8]
    objective: Whole
    _problem: ShareProblem
    _solution: ShareSolution

    def reasons(self) -> npt.NDArray[np.int8]:
        """Why each quantity is what it is, ``(P, N)`` codes of :class:`steelyard.models.explain.Reason`."""
        return reasons(self._problem, self._solution)


@overload
def whole_shares(
    market_value: Whole,
    target: Whole,
    low_drift: Whole,
    high_drift: Whole,
    price: Whole,
    *,
    scale: int,
    budget: Whole | None = None,
    solver: Solver = "exact",
    threads: int = 1,
) -> WholeSharesBatch: ...
@overload
def whole_shares(
    market_value: Number,
    target: Numbers,
    low_drift: Numbers | Number,
    high_drift: Numbers | Number,
    price: Numbers,
    *,
    budget: Number | None = None,
    solver: Solver = "exact",
) -> WholeShares: ...
def whole_shares(
    market_value: Number | Whole,
    target: Numbers | Whole,
    low_drift: Numbers | Number | Whole,
    high_drift: Numbers | Number | Whole,
    price: Numbers | Whole,
    *,
    budget: Number | Whole | None = None,
    scale: int | None = None,
    solver: Solver = "exact",
    threads: int = 1,
) -> WholeShares | WholeSharesBatch:
    """The whole quantities nearest to the targets, inside every drift window and within the cash.

    Minimises the sum of ``|market_value target - quantity price|`` over whole ``quantity >= 0`` with
    ``market_value (target - low_drift) <= quantity price <= market_value (target + high_drift)`` and
    a total cost within ``budget``.  Ties take the smaller quantity.  Exact, and every answer is
    checked against the problem before it is returned.

        >>> whole_shares("100000", {"A": "0.30", "B": "0.25"}, "0.02", "0.05", {"A": "33.37", "B": "101.5"}).quantities
        {'A': 899, 'B': 246}

    Args:
        market_value: of one portfolio; or an integer array ``(P,)`` for a batch.
        target: shares of the market value, 0..1, a mapping or a sequence.  In a batch an integer
            array ``(N,)`` or ``(P, N)`` in units of ``1 / scale``.
        low_drift: how far below the target, a share of the market value: with the keys or in the
            order of ``target``, or one number for all.
        high_drift: how far above it, likewise.
        price: above 0.  In a batch: integers in the same unit of money as ``market_value``.
        budget: most that the quantities may cost; the market value unless given.
        scale: weight units in a whole, for a batch only, for example 1000.
        solver: ``exact``, or ``cvxpy`` for HiGHS behind the same checks.
        threads: chunks of a batch solved at once.

    Numbers are Decimals, ints or text; a float is read as the shortest text that gives it, so 0.105
    means 0.105.

    Raises:
        InvalidInputError: values that are no numbers, out of range, or do not belong together.
    """
    if isinstance(market_value, np.ndarray):
        if scale is None or scale < 1:
            msg = f"`scale` was {scale!r}; a batch of integers needs the weight units in a whole, for example 1000"
            raise InvalidInputError(msg, code="SCALE_INVALID")
        arrays = {"market_value": market_value, "target": target, "low_drift": low_drift, "high_drift": high_drift}
        return _batch({**arrays, "price": price}, budget, scale, solver, threads)
    if scale is not None:
        msg = f"`scale` was {scale!r} for one portfolio; it belongs to batches of integer arrays"
        raise InvalidInputError(msg, code="SCALE_INVALID")
    return _single(market_value, target, low_drift, high_drift, price, budget, solver)


def _single(
    market_value: Any, target: Any, low_drift: Any, high_drift: Any, price: Any, budget: Any, solver: Solver
) -> WholeShares:
    keys = list(target) if isinstance(target, Mapping) else None
    targets = _aligned(target, "target", keys, None)
    lows, highs, prices = (
        _aligned(given, name, keys, len(targets))
        for name, given in (("low_drift", low_drift), ("high_drift", high_drift), ("price", price))
    )
    value = _number(market_value, "market_value")
    most = value if budget is None else _number(budget, "budget")
    money, weight = scale_of([value, most, *prices]), scale_of([*targets, *lows, *highs])
    problem = ShareProblem(
        market_value=scaled([value], money),
        target=scaled(targets, weight),
        low=scaled(lows, weight),
        high=scaled(highs, weight),
        price=scaled(prices, money),
        unit=10**weight,
        budget=scaled([most], money),
    )
    _check_ranges(problem)
    solution = solve(problem, solver, threads=1)
    status = Status(int(solution.status[0]))
    why = [Reason(int(code)).text for code in reasons(problem, solution)[0]]
    quantities = [int(units) for units in solution.quantity[0]] if status == Status.OPTIMAL else None
    objective = from_scaled(int(solution.objective[0]), digits=money + weight) if quantities is not None else None
    if keys is None:
        return WholeShares(None if quantities is None else tuple(quantities), status.name, objective, tuple(why))
    by_key = None if quantities is None else dict(zip(keys, quantities, strict=True))
    return WholeShares(by_key, status.name, objective, dict(zip(keys, why, strict=True)))


def _batch(given: dict[str, Any], budget: Any, scale: int, solver: Solver, threads: int) -> WholeSharesBatch:
    if budget is not None:
        given = {**given, "budget": budget}
    arrays = {name: _integers(name, values) for name, values in given.items()}
    portfolios, positions = len(arrays["market_value"]), arrays["target"].shape[-1]
    for name, array in arrays.items():
        wanted = [(portfolios,)] if name in {"market_value", "budget"} else [(positions,), (portfolios, positions)]
        if array.shape not in wanted:
            expected = " or ".join(map(str, wanted))
            raise InvalidInputError(f"`{name}` had the shape {array.shape}; expected {expected}", code="SHAPE_MISMATCH")
    problem = ShareProblem(
        market_value=arrays["market_value"],
        target=arrays["target"],
        low=arrays["low_drift"],
        high=arrays["high_drift"],
        price=arrays["price"],
        unit=scale,
        budget=arrays.get("budget"),
    )
    _check_ranges(problem)
    solution = solve(problem, solver, threads=threads)
    return WholeSharesBatch(solution.quantity, solution.status, solution.objective, problem, solution)


def _aligned(given: Any, name: str, keys: list[str] | None, length: int | None) -> list[Decimal]:
    """The numbers in the order of the targets."""
    if isinstance(given, Mapping):
        if keys is None or set(given) != set(keys):
            odd = sorted(map(str, set(given) ^ set(keys or ())))[:5]
            msg = f"the keys of `{name}` and `target` differ in {', '.join(odd)}; give both the same keys"
            raise InvalidInputError(msg, code="KEYS_DIFFER")
        return [_number(given[key], f"{name}[{key!r}]") for key in keys]
    if isinstance(given, str | Real | Decimal):
        if length is None or name == "price":
            raise InvalidInputError(f"`{name}` was {given!r}; give one number for each security", code="SHAPE_MISMATCH")
        return [_number(given, name)] * length
    numbers = [_number(value, f"{name}[{i}]") for i, value in enumerate(given)]
    if keys is not None or len(numbers) != (len(numbers) if length is None else length):
        found = f"a sequence of {len(numbers)}"
        expected = "a mapping, as `target` is one" if keys is not None else f"{length} numbers, as in `target`"
        raise InvalidInputError(f"`{name}` was {found}; expected {expected}", code="SHAPE_MISMATCH")
    if len(numbers) > POSITIONS_MAX:
        msg = f"`{name}` had {len(numbers)} numbers; at most {POSITIONS_MAX}"
        raise InvalidInputError(msg, code="TOO_MANY_POSITIONS")
    return numbers


def _number(value: Any, name: str) -> Decimal:
    if isinstance(value, np.integer):
        value = int(value)
    elif isinstance(value, float | np.floating):
        value = repr(float(value))
    number = exact_decimal(value, name=name)
    if not within_limits(number):
        digits = f"{INTEGER_DIGITS_MAX} digits before the point and {DECIMALS_MAX} after"
        msg = f"`{name}` was {value!r}; it has at most {digits}"
        raise InvalidInputError(msg, code="OUT_OF_RANGE")
    return number


def _integers(name: str, values: Any) -> Whole:
    array = np.asarray(values)
    whole = np.issubdtype(array.dtype, np.integer)
    if not whole and not (array.dtype == object and all(isinstance(value, int) for value in array.flat)):
        msg = f"`{name}` had the dtype {array.dtype}; a batch is integers, scaled so that nothing is rounded"
        raise InvalidInputError(msg, code="NOT_INTEGERS")
    if array.ndim not in {1, 2} or len(array) > PORTFOLIOS_MAX:
        msg = f"`{name}` had the shape {array.shape}; give (P,), (N,) or (P, N) with P up to {PORTFOLIOS_MAX}"
        raise InvalidInputError(msg, code="SHAPE_MISMATCH")
    return array.astype(object if array.dtype in {np.dtype(object), np.dtype(np.uint64)} else np.int64)


def _check_ranges(problem: ShareProblem) -> None:
    """Refuse what the problem is not defined for: it would give an answer that means nothing."""
    bounds = {
        "market_value": (problem.market_value, 1, None),
        "target": (problem.target, 0, problem.unit),
        "low_drift": (problem.low, 0, problem.unit),
        "high_drift": (problem.high, 0, problem.unit),
        "price": (problem.price, 1, None),
    }
    for name, (array, least, most) in bounds.items():
        if not array.size:
            continue
        smallest, largest = array.min(), array.max()
        if smallest < least or (most is not None and largest > most):
            wrong = smallest if smallest < least else largest
            said = "above 0" if most is None else "between 0 and 1"
            shown = wrong if most is None else Decimal(int(wrong)) / problem.unit
            raise InvalidInputError(f"`{name}` had the value {shown}; it lies {said}", code="OUT_OF_RANGE")
