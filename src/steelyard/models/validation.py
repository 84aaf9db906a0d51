"""The rules of a model document: what is checked, and what is tidied.

Every broken rule is found, not only the first: the error carries the code and message of the
first and lists all of them under ``details["problems"]``.

Source: requirement 001, "Business Rules"; contract models, "Wire format".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Context, Decimal

from steelyard.core.errors import InvalidInputError
from steelyard.models.document import Model, Position

TARGET_SUM_MAX = Decimal("0.95")
TARGET_STEP = Decimal("0.005")
POSITIONS_MAX = 100
"""Positions with a target above 0 in one model."""
NAME_LENGTH_MAX = 255
PORTFOLIO_ID_LENGTH_MAX = 64
PORTFOLIOS_MAX = 100_000
"""Portfolios that follow one model."""
DIGITS_MAX = 34
"""Significant digits of a decimal, as many as Decimal128 holds."""

_SECURITY_ID = re.compile(r"[A-Za-z0-9]{24}", re.ASCII)
_EXACT = Context(prec=200)


@dataclass(frozen=True, slots=True)
class Problem:
    """A broken rule: where, which, and the value that broke it."""

    field: str
    code: str
    message: str


def checked_model(model: Model) -> Model:
    """The model as it is to be stored: name trimmed, zero targets dropped, repeated portfolios once.

    Raises:
        InvalidInputError: with the code of the first broken rule and all of them in its details.
    """
    tidy = replace(model, name=model.name.strip(), portfolios=tuple(dict.fromkeys(model.portfolios)))
    _refuse([*_name_problems(tidy.name), *_position_problems(tidy.positions), *_portfolio_problems(tidy.portfolios)])
    return replace(tidy, positions=tuple(position for position in tidy.positions if position.target > 0))


def check_portfolio_ids(portfolios: Sequence[str]) -> None:
    """Refuse ids that are blank or too long, and lists that are."""
    _refuse([*_portfolio_problems(portfolios)])


def check_security_id(security_id: str) -> None:
    """Refuse what is not 24 letters and digits."""
    _refuse([*_security_problems("securityId", security_id)])


def _name_problems(name: str) -> Iterator[Problem]:
    if not name:
        yield Problem("name", "NAME_BLANK", f"`name` was blank; give 1 to {NAME_LENGTH_MAX} characters")
    elif len(name) > NAME_LENGTH_MAX:
        msg = f"`name` had {len(name)} characters; it has at most {NAME_LENGTH_MAX}"
        yield Problem("name", "NAME_TOO_LONG", msg)


def _portfolio_problems(portfolios: Sequence[str]) -> Iterator[Problem]:
    if len(portfolios) > PORTFOLIOS_MAX:
        msg = f"`portfolios` had {len(portfolios)} ids; a model has at most {PORTFOLIOS_MAX}"
        yield Problem("portfolios", "TOO_MANY_PORTFOLIOS", msg)
    for i, portfolio_id in enumerate(portfolios):
        if not portfolio_id.strip() or len(portfolio_id) > PORTFOLIO_ID_LENGTH_MAX:
            shown = portfolio_id[: PORTFOLIO_ID_LENGTH_MAX + 1]
            msg = f"`portfolios[{i}]` was {shown!r}; an id has 1 to {PORTFOLIO_ID_LENGTH_MAX} characters, not all blank"
            yield Problem(f"portfolios[{i}]", "PORTFOLIO_ID_INVALID", msg)


def _position_problems(positions: Sequence[Position]) -> Iterator[Problem]:
    for i, position in enumerate(positions):
        yield from _security_problems(f"positions[{i}].securityId", position.security_id)
        yield from _number_problems(f"positions[{i}]", position)
    for security_id, times in Counter(position.security_id for position in positions).items():
        if times > 1:
            msg = f"`positions` named security {security_id} {times} times; each security appears once"
            yield Problem("positions", "DUPLICATE_SECURITY", msg)
    wanted = [position.target for position in positions if position.target.is_finite() and position.target > 0]
    if len(wanted) > POSITIONS_MAX:
        msg = f"`positions` had {len(wanted)} with a target above 0; a model has at most {POSITIONS_MAX}"
        yield Problem("positions", "TOO_MANY_POSITIONS", msg)
    if (total := _sum(wanted)) > TARGET_SUM_MAX:
        msg = f"the targets added up to {total}; at most {TARGET_SUM_MAX}, the rest stays cash"
        yield Problem("positions", "TARGET_SUM_EXCEEDED", msg)


def _security_problems(field: str, security_id: str) -> Iterator[Problem]:
    if not _SECURITY_ID.fullmatch(security_id):
        msg = f"`{field}` was {security_id[:40]!r}; a security id is 24 letters and digits"
        yield Problem(field, "SECURITY_ID_INVALID", msg)


def _number_problems(field: str, position: Position) -> Iterator[Problem]:
    numbers = {"target": position.target, "highDrift": position.high_drift, "lowDrift": position.low_drift}
    for name, number in numbers.items():
        most = TARGET_SUM_MAX if name == "target" else Decimal(1)
        if not number.is_finite() or not 0 <= number <= most:
            msg = f"`{field}.{name}` was {number}; it lies between 0 and {most}"
            yield Problem(f"{field}.{name}", "OUT_OF_RANGE", msg)
        elif len(number.as_tuple().digits) > DIGITS_MAX or -number.as_tuple().exponent > DIGITS_MAX:  # type: ignore[operator]
            msg = f"`{field}.{name}` was {str(number)[:80]}; it has at most {DIGITS_MAX} digits"
            yield Problem(f"{field}.{name}", "TOO_PRECISE", msg)
        elif name == "target" and number % TARGET_STEP:
            msg = f"`{field}.target` was {number}; it is 0 or a multiple of {TARGET_STEP}"
            yield Problem(f"{field}.target", "TARGET_PRECISION", msg)
    low, high = position.low_drift, position.high_drift
    if low.is_finite() and high.is_finite() and low > high:
        msg = f"`{field}.lowDrift` was {low} and `highDrift` {high}; the low one is not above the high one"
        yield Problem(f"{field}.lowDrift", "DRIFT_ORDER", msg)


def _sum(numbers: Iterable[Decimal]) -> Decimal:
    total = Decimal(0)
    for number in numbers:
        total = _EXACT.add(total, number)
    return total


def _refuse(problems: list[Problem]) -> None:
    if problems:
        listed = [{"field": one.field, "code": one.code, "message": one.message} for one in problems]
        raise InvalidInputError(problems[0].message, code=problems[0].code, details={"problems": listed})
