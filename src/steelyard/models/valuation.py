"""A portfolio as it stands: what it holds, what that is worth, and why it cannot be rebalanced if so.

Exact: no sum or product is ever rounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any

EXACT = Context(prec=400, traps=[Inexact, InvalidOperation])
"""Wide enough for any product of two numbers that were read; raises rather than rounds."""

INTEGER_DIGITS_MAX = 24
"""Digits before the point of an amount, a quantity or a price."""
DECIMALS_MAX = 40
"""And after it: floats written out have up to some 25."""
WEIGHT_DIGITS = 4
"""Decimals of a weight, from requirement 001."""


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Cash and holdings, as accounting reports them.

    Attributes:
        cash: money.
        holdings: quantity by security id; whole or fractional.
    """

    portfolio_id: str
    cash: Decimal
    holdings: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a portfolio got no orders.

    Attributes:
        code: SCREAMING_SNAKE, stable.
        details: JSON-ready; always with ``portfolioId``.
    """

    portfolio_id: str
    code: str
    message: str
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Valued:
    """A portfolio that can be rebalanced.

    Attributes:
        holdings: quantities above 0.
        market_value: cash and all holdings, above 0.
    """

    portfolio_id: str
    cash: Decimal
    holdings: Mapping[str, Decimal]
    market_value: Decimal


def value_portfolio(
    portfolio: Portfolio, model_securities: Iterable[str], prices: Mapping[str, Decimal | None]
) -> Valued | Failure:
    """The portfolio with its market value, or the reason why it cannot be rebalanced.

    A security of the model or a held one without a price fails the portfolio: nothing is ever
    valued at 0 and sold.
    """
    numbers = {"cash": portfolio.cash, **{f"quantity of {one}": held for one, held in portfolio.holdings.items()}}
    if odd := sorted(name for name, number in numbers.items() if not within_limits(number)):
        facts = {"name": odd[0], "value": str(numbers[odd[0]])}
        return failure(portfolio.portfolio_id, "NUMBER_OUT_OF_RANGE", _BAD_NUMBER, **facts)
    holdings = {security_id: quantity for security_id, quantity in portfolio.holdings.items() if quantity}
    if portfolio.cash < 0:
        return failure(portfolio.portfolio_id, "NEGATIVE_CASH", _NEGATIVE_CASH, cash=portfolio.cash)
    if short := sorted(security_id for security_id, quantity in holdings.items() if quantity < 0):
        shown = {security_id: str(holdings[security_id]) for security_id in short}
        return failure(portfolio.portfolio_id, "SHORT_POSITION", _SHORT, securities=short, quantities=shown)
    needed = sorted({*model_securities, *holdings})
    if unpriced := [security_id for security_id in needed if prices.get(security_id) is None]:
        return failure(portfolio.portfolio_id, "MISSING_PRICE", _MISSING_PRICE, securities=unpriced)
    known = {security_id: price for security_id in needed if (price := prices[security_id]) is not None}
    if wrong := [security_id for security_id, price in known.items() if not within_limits(price) or price <= 0]:
        shown = {security_id: str(known[security_id]) for security_id in wrong}
        return failure(portfolio.portfolio_id, "PRICE_INVALID", _BAD_PRICE, securities=wrong, prices=shown)
    value = portfolio.cash
    for security_id, quantity in holdings.items():
        value = EXACT.add(value, EXACT.multiply(quantity, known[security_id]))
    if value <= 0:
        return failure(portfolio.portfolio_id, "MARKET_VALUE_NOT_POSITIVE", _NO_VALUE, market_value=value)
    return Valued(portfolio.portfolio_id, portfolio.cash, holdings, value)


def within_limits(number: Decimal) -> bool:
    """Whether a number is finite and of a size for which sums and products stay exact."""
    if not number.is_finite():
        return False
    exponent = int(number.as_tuple().exponent)
    return number.adjusted() < INTEGER_DIGITS_MAX and exponent >= -DECIMALS_MAX


def share_of(value: Decimal, whole: Decimal) -> Decimal:
    """``value / whole`` with 4 decimals, rounded once, half-even."""
    over, under = value.as_integer_ratio()
    whole_over, whole_under = whole.as_integer_ratio()
    divisor = under * whole_over
    below, rest = divmod(over * whole_under * 10**WEIGHT_DIGITS, divisor)
    up = 2 * rest > divisor or (2 * rest == divisor and below % 2 == 1)
    return Decimal(below + up).scaleb(-WEIGHT_DIGITS)


def failure(portfolio_id: str, code: str, message: str, **facts: Any) -> Failure:
    """A failure whose message is ``message`` filled in with the facts, which become its details too."""
    listed = {name: ", ".join(fact) if isinstance(fact, list) else fact for name, fact in facts.items()}
    details = {_camel(name): str(fact) if isinstance(fact, Decimal) else fact for name, fact in facts.items()}
    text = f"portfolio {portfolio_id}: " + message.format(**listed)
    return Failure(portfolio_id, code, text, {"portfolioId": portfolio_id, **details})


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.title() for part in tail)


_NEGATIVE_CASH = "its cash was {cash}; settle the overdraft before rebalancing"
_SHORT = "it is short of {securities}; whole-share orders need long positions"
_MISSING_PRICE = "there is no price for {securities}; it would have to guess what they are worth"
_BAD_PRICE = "the price of {securities} is not a number above 0, or has too many digits"
_BAD_NUMBER = "the {name} was {value}, which is not a finite number of reasonable size"
_NO_VALUE = "its market value was {market_value}; there is nothing to invest"
