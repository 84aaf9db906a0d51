"""What a user is told about a portfolio that has no answer: which securities, and what would be near."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from steelyard.core.money import from_scaled
from steelyard.models.document import Position
from steelyard.models.explain import Window, windows_of
from steelyard.models.integers import IntegerRows
from steelyard.models.solution import ShareSolution, Status
from steelyard.models.valuation import EXACT, Failure, Valued, failure, share_of


def explain_failure(
    portfolio_id: str, positions: Sequence[Position], rows: IntegerRows, solution: ShareSolution, p: int
) -> Failure:
    """Why portfolio ``p`` of the rows has no answer; ``positions`` as the rows have them."""
    status = Status(int(solution.status[p]))
    if status == Status.NO_WHOLE_QUANTITY:
        return _no_whole_quantity(portfolio_id, positions, rows, p)
    if status == Status.NOT_ENOUGH_CASH:
        return _not_enough_cash(portfolio_id, positions, rows, p)
    if status == Status.SOLVER_TIMEOUT:
        return failure(portfolio_id, "SOLVER_TIMEOUT", _TIMEOUT, solver_status="TIMEOUT")
    return not_verified(portfolio_id)


def not_verified(portfolio_id: str) -> Failure:
    """The solver answered, but the answer breaks a rule of the problem."""
    return failure(portfolio_id, "SOLVER_INACCURATE", _INACCURATE, solver_status="NOT_VERIFIED")


def too_little_to_raise(portfolio: Valued, amount: Decimal) -> Failure:
    """The cash to raise is all that the portfolio is worth, or more."""
    value = portfolio.market_value
    return failure(portfolio.portfolio_id, "RAISE_CASH_TOO_LARGE", _TOO_LITTLE, raise_cash=amount, market_value=value)


def _no_whole_quantity(portfolio_id: str, positions: Sequence[Position], rows: IntegerRows, p: int) -> Failure:
    windows = zip(positions, windows_of(rows.problem, p), strict=True)
    empty = {position.security_id: window for position, window in windows if window.is_empty}
    near = {security_id: _nearest(window, rows, p) for security_id, window in empty.items()}
    facts = {"solver_status": "INFEASIBLE", "securities": list(empty), "nearest": near}
    return failure(portfolio_id, INFEASIBLE, _NO_QUANTITY, **facts)


def _not_enough_cash(portfolio_id: str, positions: Sequence[Position], rows: IntegerRows, p: int) -> Failure:
    """Even the smallest quantities cost too much: named are those that must be above their targets, or else all."""
    windows = dict(zip((one.security_id for one in positions), windows_of(rows.problem, p), strict=True))
    needed = {security_id: one for security_id, one in windows.items() if one.smallest > 0}
    above = {security_id: one for security_id, one in needed.items() if one.smallest * one.step > one.wanted} or needed
    cost = sum(one.smallest * one.step for one in windows.values())
    facts = {
        "solver_status": "INFEASIBLE",
        "securities": list(above),
        "nearest": {security_id: _nearest(window, rows, p) for security_id, window in above.items()},
        "needed": _money(cost, rows),
        "available": _money(int(rows.problem.cash_row[p]) * rows.problem.unit, rows),
    }
    return failure(portfolio_id, INFEASIBLE, _NO_CASH, **facts)


def _nearest(window: Window, rows: IntegerRows, p: int) -> dict[str, Any]:
    """The quantities around the target with their weights, and the window, as text that keeps its digits."""
    near: dict[str, Any] = {
        "targetValue": _money(window.wanted + window.kept, rows),
        "price": _money(window.step, rows),
        "quantities": [],
    }
    if window.kept:
        near["keptValue"] = _money(window.kept, rows)
    base = int(rows.problem.market_value[p]) * rows.problem.unit
    for units in (window.below, window.above):
        if units is not None:
            weight = share_of(Decimal(units * window.step + window.kept), Decimal(base))
            near["quantities"].append({"quantity": units, "weight": str(weight)})
    return near


def _money(scaled: int, rows: IntegerRows) -> str:
    """An amount from integers of money / ``unit``, exactly: ``unit`` is a power of ten."""
    amount = from_scaled(scaled, digits=rows.money_digits + len(str(rows.problem.unit)) - 1).normalize(EXACT)
    return format(amount, "f")


INFEASIBLE = "OPTIMIZATION_FAILED"
"""Requirement 001's code; ``details.solverStatus`` says INFEASIBLE."""

_NO_QUANTITY = "no quantity of {securities} lies inside its drift window; widen the drift or change the target"
_NO_CASH = (
    "even the smallest quantities inside the windows cost {needed} of {available}; widen the low drift of {securities}"
)
_TIMEOUT = "the solver stopped at its limit before it had an optimal answer; nothing is ordered"
_INACCURATE = "the solver's answer failed the exact check and is not used; nothing is ordered"
_TOO_LITTLE = "cannot raise {raise_cash} from a market value of {market_value}"
