"""Models, portfolios and prices in the words of the desk."""

from datetime import date
from decimal import Decimal

from steelyard.models.document import Model, Position
from steelyard.models.orders import Rebalance, rebalance_portfolios
from steelyard.models.validation import checked_model
from steelyard.models.valuation import Failure, Portfolio

TODAY = date(2026, 3, 2)


def security(name):
    """A 24-character id from a short name: A -> A00...0."""
    return name.ljust(24, "0")


def position(name, target, low="0.02", high="0.05"):
    return Position(security(name), Decimal(target), high_drift=Decimal(high), low_drift=Decimal(low))


def model(*positions, portfolios=()):
    return checked_model(Model("growth", positions, tuple(portfolios)))


def portfolio(cash, portfolio_id="p1", **holdings):
    return Portfolio(portfolio_id, Decimal(cash), {security(name): Decimal(held) for name, held in holdings.items()})


def prices(**by_name):
    return {security(name): None if price is None else Decimal(price) for name, price in by_name.items()}


def rebalance(one_model, one_portfolio, by_security, **more):
    """The orders of one portfolio, which must have some."""
    answer = rebalance_portfolios(one_model, [one_portfolio], by_security, trade_date=TODAY, **more)[0]
    assert isinstance(answer, Rebalance), answer
    return answer


def refusal(one_model, one_portfolio, by_security, **more):
    """Why one portfolio gets no orders."""
    answer = rebalance_portfolios(one_model, [one_portfolio], by_security, trade_date=TODAY, **more)[0]
    assert isinstance(answer, Failure), answer
    return answer


def orders(answer):
    """Transactions as (side, name, quantity)."""
    return [(order.side.value, order.security_id.rstrip("0"), order.quantity) for order in answer.transactions]


def after(answer):
    """Quantity afterwards by name, as text."""
    return {drift.security_id.rstrip("0"): str(drift.adjusted_quantity) for drift in answer.drifts}


def reason(answer, name):
    return next(drift.reason for drift in answer.drifts if drift.security_id == security(name))
