"""Orders that bring portfolios to their model: whole quantities in, transactions and drifts out.

Securities are always worked on in the order of their ids, so that neither a document's order nor a
response's decides between equal answers.

Source: requirement 001, "Portfolio Rebalancing Algorithm"; contract models, section Rebalance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Literal, get_args

from steelyard.core.errors import InvalidInputError
from steelyard.core.money import from_scaled
from steelyard.models.document import Model, Position
from steelyard.models.explain import Reason, reasons
from steelyard.models.failures import explain_failure, not_verified, too_little_to_raise
from steelyard.models.integers import IntegerRows, Outside, fraction_of, integer_rows
from steelyard.models.options import RebalanceOptions
from steelyard.models.solution import SECONDS_MAX, ShareProblem, ShareSolution, Status, solve_shares
from steelyard.models.valuation import EXACT, Failure, Portfolio, Valued, share_of, value_portfolio

Solver = Literal["exact", "cvxpy"]
SOLD = ("NOT_IN_MODEL", "sold, because it is not in the model")
"""Reason and words of a holding that the model does not have."""


class Side(StrEnum):
    """Direction of a transaction."""

    BUY = "BUY"
    SELL = "SELL"


@dataclass(frozen=True, slots=True)
class Transaction:
    """An order for whole units, ``quantity`` > 0."""

    side: Side
    security_id: str
    quantity: int
    trade_date: date


@dataclass(frozen=True, slots=True)
class Drift:
    """A security before and after, and why its quantity is what it is.

    Attributes:
        target, high_drift, low_drift: of the model; 0 for a security that is not in it.
        actual: share after the rebalance of the market value less the cash to raise, 4 decimals, half-even.
        note: the reason in words.
    """

    security_id: str
    price: Decimal
    original_quantity: Decimal
    adjusted_quantity: Decimal
    target: Decimal
    high_drift: Decimal
    low_drift: Decimal
    actual: Decimal
    reason: str
    note: str


@dataclass(frozen=True, slots=True)
class Rebalance:
    """Orders of one portfolio.

    Attributes:
        transactions: sells first, then by security id.
        drifts: the model's securities in its order, then the other held ones by id.
        objective: the sum of what the model's securities miss their targets by, money.
        cash_is_tight: whether the cash decided some of the quantities.
    """

    portfolio_id: str
    market_value: Decimal
    cash_before: Decimal
    cash_after: Decimal
    transactions: tuple[Transaction, ...]
    drifts: tuple[Drift, ...]
    objective: Decimal
    cash_is_tight: bool


def rebalance_portfolios(
    model: Model,
    portfolios: Sequence[Portfolio],
    prices: Mapping[str, Decimal | None],
    *,
    trade_date: date,
    options: RebalanceOptions | None = None,
    solver: Solver = "exact",
    seconds_max: float = SECONDS_MAX,
    threads: int = 1,
) -> list[Rebalance | Failure]:
    """Orders for each portfolio, in their order; one that cannot be served is a :class:`Failure`.

    Args:
        model: a checked one, see :func:`steelyard.models.validation.checked_model`.
        portfolios: long-only, cash not negative.
        prices: by security id, money per unit; None or absent where there is none.
        trade_date: date of every transaction.
        options: what goes beyond the document.
        solver: ``exact``, or ``cvxpy`` for a MILP solver behind the same checks.
        seconds_max: limit of the solver for one portfolio.
        threads: chunks of portfolios solved at once.

    Raises:
        InvalidInputError: options that contradict the model.
    """
    options = options or RebalanceOptions()
    options.check_against(model)
    positions = sorted(model.positions, key=lambda position: position.security_id)
    securities = [position.security_id for position in positions]
    valued = [value_portfolio(portfolio, securities, prices) for portfolio in portfolios]
    known = {security_id: price for security_id, price in prices.items() if price is not None}

    answers = dict[int, Rebalance | Failure]()
    groups = dict[bool, list[tuple[int, Valued]]]()
    for place, one in enumerate(valued):
        if isinstance(one, Failure):
            answers[place] = one
        elif one.market_value <= options.raise_cash:
            answers[place] = too_little_to_raise(one, options.raise_cash)
        else:
            groups.setdefault(options.is_plain and _is_whole(one, securities), []).append((place, one))
    for is_plain, group in groups.items():
        rows = integer_rows(positions, [one for _, one in group], known, options, is_plain=is_plain)
        solution = solve(rows.problem, solver, seconds_max=seconds_max, threads=threads)
        why = reasons(rows.problem, solution)
        for p, (place, one) in enumerate(group):
            if solution.status[p] == Status.OPTIMAL:
                answer = _rebalance(model, one, known, rows, solution, p, why[p], trade_date)
                # The integers were checked; this checks what they were made of.
                answers[place] = answer if answer.cash_after >= options.raise_cash else not_verified(one.portfolio_id)
            else:
                answers[place] = explain_failure(one.portfolio_id, positions, rows, solution, p)
    return [answers[place] for place in range(len(valued))]


def _is_whole(portfolio: Valued, securities: Sequence[str]) -> bool:
    held = (portfolio.holdings[security_id] for security_id in securities if security_id in portfolio.holdings)
    return not any(fraction_of(quantity) for quantity in held)


def solve(
    problem: ShareProblem, solver: Solver, *, seconds_max: float = SECONDS_MAX, threads: int = 1
) -> ShareSolution:
    """The problem's answers, by the solver of that name."""
    if solver not in get_args(Solver):
        msg = f"`solver` was {solver!r}; choose one of {', '.join(get_args(Solver))}"
        raise InvalidInputError(msg, code="SOLVER_UNKNOWN")
    if solver == "cvxpy":
        from steelyard.models.cvxpy_solver import solve_with_cvxpy  # noqa: PLC0415 - takes seconds to import

        return solve_with_cvxpy(problem, seconds_max=seconds_max)
    return solve_shares(problem, threads=threads, seconds_max=seconds_max)


def _rebalance(
    model: Model,
    portfolio: Valued,
    prices: Mapping[str, Decimal],
    rows: IntegerRows,
    solution: ShareSolution,
    p: int,
    why: Sequence[int],
    trade_date: date,
) -> Rebalance:
    outside = rows.outside[p]
    positions = {position.security_id: position for position in model.positions}
    adjusted = dict(outside.remaining)
    notes = {security_id: _outside_note(security_id, outside, portfolio) for security_id in outside.remaining}
    for security_id, units, reason in zip(sorted(positions), solution.quantity[p], why, strict=True):
        fraction = fraction_of(portfolio.holdings.get(security_id, _NOTHING))
        adjusted[security_id] = EXACT.add(Decimal(int(units)), fraction)
        notes[security_id] = (Reason(reason).name, Reason(reason).text)

    drifts = []
    cash = portfolio.market_value
    for security_id in [*positions, *sorted(outside.remaining)]:
        value = EXACT.multiply(adjusted[security_id], prices[security_id])
        cash = EXACT.subtract(cash, value)
        position = positions.get(security_id, Position(security_id, _NOTHING, _NOTHING, _NOTHING))
        drifts.append(
            Drift(
                security_id=security_id,
                price=prices[security_id],
                original_quantity=portfolio.holdings.get(security_id, _NOTHING),
                adjusted_quantity=adjusted[security_id],
                target=position.target,
                high_drift=position.high_drift,
                low_drift=position.low_drift,
                actual=share_of(value, outside.base),
                reason=notes[security_id][0],
                note=notes[security_id][1],
            )
        )
    unit = Decimal(rows.problem.unit)
    return Rebalance(
        portfolio_id=portfolio.portfolio_id,
        market_value=portfolio.market_value,
        cash_before=portfolio.cash,
        cash_after=cash,
        transactions=transactions_of(drifts, trade_date),
        drifts=tuple(drifts),
        objective=EXACT.divide(from_scaled(int(solution.objective[p]), digits=rows.money_digits), unit),
        cash_is_tight=bool(solution.repaired[p]),
    )


def transactions_of(drifts: Sequence[Drift], trade_date: date) -> tuple[Transaction, ...]:
    """One whole-unit order for each change, sells first, then by security id."""
    transactions = []
    for drift in drifts:
        change = int(EXACT.subtract(drift.adjusted_quantity, drift.original_quantity))
        if change:
            side = Side.BUY if change > 0 else Side.SELL
            transactions.append(Transaction(side, drift.security_id, abs(change), trade_date))
    return tuple(sorted(transactions, key=lambda order: (order.side is Side.BUY, order.security_id)))


def _outside_note(security_id: str, outside: Outside, portfolio: Valued) -> tuple[str, str]:
    """Why a holding that is not in the model ends where it does: reason and words."""
    if security_id in outside.stands_for:
        return "SUBSTITUTE", f"counts for the target of {outside.stands_for[security_id]}"
    remaining = outside.remaining[security_id]
    if not remaining:
        return SOLD
    if remaining == fraction_of(portfolio.holdings[security_id]):
        return "FRACTION_KEPT", "not in the model; the whole units are sold and the fraction stays"
    return "NOT_ALLOWED", "not in the model, but lots, the minimum trade or the allowed directions keep it"


_NOTHING = Decimal(0)
