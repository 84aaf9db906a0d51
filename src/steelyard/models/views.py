"""The wire of models: what a client gets.

The classes describe the answers in the OpenAPI document; the functions make them, as plain values.
Decimals leave as strings, with the scale that is stored.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from pydantic import AwareDatetime
from pydantic.alias_generators import to_camel

from steelyard.core import clock
from steelyard.models.document import Model
from steelyard.models.drift import PortfolioDrift
from steelyard.models.option_json import options_to_json
from steelyard.models.orders import Rebalance
from steelyard.models.schemas import Wire
from steelyard.models.stores import PortfolioResult, RebalanceRecord
from steelyard.models.valuation import EXACT


class PositionView(Wire):
    """A position of a model; decimals as strings."""

    security_id: str
    target: str
    high_drift: str
    low_drift: str


class ModelView(Wire):
    """A model."""

    model_id: str
    name: str
    positions: list[PositionView]
    portfolios: list[str]
    last_rebalance_date: AwareDatetime | None
    version: int
    options: dict[str, Any]


class TransactionView(Wire):
    """An order for whole units."""

    transaction_type: str
    security_id: str
    quantity: int
    trade_date: date


class DriftView(Wire):
    """A security before and after, and why its quantity is what it is."""

    security_id: str
    price: str
    original_quantity: str
    adjusted_quantity: str
    target: str
    high_drift: str
    low_drift: str
    actual: str
    reason: str
    note: str


class ErrorView(Wire):
    """Why a portfolio got no orders."""

    code: str
    message: str
    details: dict[str, Any]


class RefusalErrorView(ErrorView):
    """Why a request was refused."""

    timestamp: AwareDatetime
    trace_id: str


class RefusalView(Wire):
    """The body of every refusal on these routes."""

    error: RefusalErrorView


REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": RefusalView, "description": meaning}
    for status, meaning in {
        400: "The body, a parameter or an id is malformed or breaks a rule",
        401: "A credential is needed, or the one sent is wrong",
        403: "The credential has not the scope",
        404: "No such model, portfolio or record",
        409: "The version is stale, the name is taken, or the key was used for another request",
        413: "The body is too large",
        422: "The optimisation has no answer",
        503: "A service that is needed does not answer; see Retry-After",
    }.items()
}
"""What each route may answer instead, for the OpenAPI document."""


class RebalanceView(Wire):
    """Orders of one portfolio, or the reason why there are none."""

    portfolio_id: str
    portfolio_name: str | None = None
    rebalance_id: str
    transactions: list[TransactionView] | None = None
    drifts: list[DriftView] | None = None
    error: ErrorView | None = None


class RecordView(Wire):
    """A stored rebalance without its portfolios."""

    rebalance_id: str
    model_id: str
    model_name: str
    rebalance_date: AwareDatetime
    trade_date: date
    number_of_portfolios: int
    options: dict[str, Any]
    version: int


class RecordPortfolioView(Wire):
    """What a stored rebalance came to for one portfolio."""

    portfolio_id: str
    portfolio_name: str | None
    market_value: str
    cash_before_rebalance: str
    cash_after_rebalance: str
    positions: list[dict[str, Any]]


class RecordWithPortfoliosView(RecordView):
    """A stored rebalance whole."""

    portfolios: list[RecordPortfolioView]


class DriftedPositionView(Wire):
    """A position outside its band; `distance` to the band's nearer edge is a share of the market value."""

    security_id: str
    actual: str
    target: str
    low_drift: str
    high_drift: str
    distance: str


class DriftedPortfolioView(Wire):
    """A portfolio with positions outside their bands, worst first."""

    model_id: str
    model_name: str
    portfolio_id: str
    market_value: str
    worst: str
    positions: list[DriftedPositionView]


class DriftFailureView(Wire):
    """A portfolio that could not be valued."""

    model_id: str
    portfolio_id: str
    error: ErrorView


class DriftReportView(Wire):
    """Who is outside the bands; the counts are of all portfolios, the list is a page."""

    as_of: AwareDatetime
    number_of_portfolios: int
    outside: int
    within: int
    failed: int
    portfolios: list[DriftedPortfolioView]
    failures: list[DriftFailureView]


_DRIFT_NAMES = [to_camel(name) for name in DriftView.model_fields]


def decimal_text(number: Decimal) -> str:
    """A decimal as it leaves: its digits and scale, never with an exponent."""
    return format(number, "f")


def model_view(model: Model) -> dict[str, Any]:
    """A model as :class:`ModelView`."""
    last = model.last_rebalance_date
    return {
        "modelId": model.model_id,
        "name": model.name,
        "positions": [
            {
                "securityId": position.security_id,
                "target": decimal_text(position.target),
                "highDrift": decimal_text(position.high_drift),
                "lowDrift": decimal_text(position.low_drift),
            }
            for position in model.positions
        ],
        "portfolios": list(model.portfolios),
        "lastRebalanceDate": None if last is None else clock.isoformat_z(last),
        "version": model.version,
        "options": options_to_json(model.options),
    }


def record_view(record: RebalanceRecord) -> dict[str, Any]:
    """A record as :class:`RecordView`."""
    return {
        "rebalanceId": record.rebalance_id,
        "modelId": record.model_id,
        "modelName": record.model_name,
        "rebalanceDate": clock.isoformat_z(record.rebalance_date),
        "tradeDate": record.trade_date.isoformat(),
        "numberOfPortfolios": record.number_of_portfolios,
        "options": dict(record.options),
        "version": record.version,
    }


def record_portfolio_view(result: PortfolioResult) -> dict[str, Any]:
    """A portfolio with orders as :class:`RecordPortfolioView`."""
    amounts = (result.market_value, result.cash_before, result.cash_after)
    market_value, cash_before, cash_after = (decimal_text(amount or Decimal(0)) for amount in amounts)
    return {
        "portfolioId": result.portfolio_id,
        "portfolioName": result.portfolio_name,
        "marketValue": market_value,
        "cashBeforeRebalance": cash_before,
        "cashAfterRebalance": cash_after,
        "positions": list(result.positions),
    }


def rebalance_view(record: RebalanceRecord, result: PortfolioResult) -> dict[str, Any]:
    """A result as :class:`RebalanceView`; made of what is stored, so that a replay is the same bytes."""
    head = {"portfolioId": result.portfolio_id, "portfolioName": result.portfolio_name}
    if result.error is not None:
        return {**head, "rebalanceId": record.rebalance_id, "error": dict(result.error)}
    traded = [position for position in result.positions if position["transactionType"]]
    traded.sort(key=lambda position: (position["transactionType"] == "BUY", position["securityId"]))
    return {
        **head,
        "rebalanceId": record.rebalance_id,
        "transactions": [
            {
                "transactionType": position["transactionType"],
                "securityId": position["securityId"],
                "quantity": position["transactionQuantity"],
                "tradeDate": record.trade_date.isoformat(),
            }
            for position in traded
        ],
        "drifts": [{name: position[name] for name in _DRIFT_NAMES} for position in result.positions],
    }


def position_views(answer: Rebalance) -> tuple[dict[str, Any], ...]:
    """The positions of a rebalance as its record keeps them."""
    orders = {order.security_id: order for order in answer.transactions}
    views = []
    for drift in answer.drifts:
        order = orders.get(drift.security_id)
        values = (
            EXACT.multiply(quantity, drift.price) for quantity in (drift.original_quantity, drift.adjusted_quantity)
        )
        before, after = (decimal_text(value) for value in values)
        view = {
            "securityId": drift.security_id,
            "price": decimal_text(drift.price),
            "originalQuantity": decimal_text(drift.original_quantity),
            "adjustedQuantity": decimal_text(drift.adjusted_quantity),
            "originalPositionMarketValue": before,
            "adjustedPositionMarketValue": after,
            "target": decimal_text(drift.target),
            "highDrift": decimal_text(drift.high_drift),
            "lowDrift": decimal_text(drift.low_drift),
            "actual": decimal_text(drift.actual),
            "transactionType": None if order is None else order.side.value,
            "transactionQuantity": 0 if order is None else order.quantity,
            "reason": drift.reason,
            "note": drift.note,
        }
        views.append(view)
    return tuple(views)


def drift_view(model: Model, found: PortfolioDrift) -> dict[str, Any]:
    """A portfolio outside its bands as :class:`DriftedPortfolioView`."""
    return {
        "modelId": model.model_id,
        "modelName": model.name,
        "portfolioId": found.portfolio_id,
        "marketValue": decimal_text(found.market_value),
        "worst": decimal_text(found.worst),
        "positions": [
            {
                "securityId": one.security_id,
                "actual": decimal_text(one.actual),
                "target": decimal_text(one.target),
                "lowDrift": decimal_text(one.low_drift),
                "highDrift": decimal_text(one.high_drift),
                "distance": decimal_text(one.distance),
            }
            for one in found.positions
        ],
    }
