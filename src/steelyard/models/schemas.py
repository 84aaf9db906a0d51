"""The wire of models: what a client may send and what it gets.

Names are camelCase; snake_case is understood too.  Decimals arrive as strings or as JSON numbers,
whose digits are read as they stand (see :mod:`steelyard.models.exact_json`), and leave as strings.
Rules that concern the whole document are those of :mod:`steelyard.models.validation`.

Source: requirement 001, "Data Transfer Objects"; contract models, "Wire format".
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from steelyard.core import clock
from steelyard.models.document import Model, Position
from steelyard.models.option_json import options_to_json
from steelyard.models.options import Mode, RebalanceOptions
from steelyard.models.stores import PortfolioResult, RebalanceRecord
from steelyard.models.validation import DIGITS_MAX

POSITIONS_SENT_MAX = 1_000
"""Positions of one body, those with target 0 included."""
PORTFOLIOS_SENT_MAX = 100_000
"""Portfolio ids of one body."""
NUMBER_CHARACTERS_MAX = 64
SECURITIES_SENT_MAX = 10_000
"""Security ids of one option."""

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)


def _read_number(value: Any) -> Decimal:
    """Text or a JSON number as a finite decimal, digit for digit."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise PydanticCustomError("decimal_type", "a decimal is a string or a number", {})
    text = str(value)
    if len(text) > NUMBER_CHARACTERS_MAX or not _NUMBER.fullmatch(text):
        raise PydanticCustomError("decimal_parsing", "{text} is not a decimal number", {"text": repr(text[:40])})
    number = Decimal(text)
    exponent = int(number.as_tuple().exponent)
    if not number:  # neither -0 nor 0E+9: a zero with the decimals that were written
        return Decimal((0, (0,), max(min(exponent, 0), -DIGITS_MAX)))
    if number.adjusted() >= DIGITS_MAX or exponent < -DIGITS_MAX:
        message = "{text} has more than {most} digits before or after its point"
        raise PydanticCustomError("decimal_max_digits", message, {"text": repr(text), "most": DIGITS_MAX})
    return number


def _printable(text: str) -> str:
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise PydanticCustomError("control_character", "{text} contains a control character", {"text": repr(text[:40])})
    return text


def _utc_if_naive(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def _not_bool(value: Any) -> Any:
    if isinstance(value, bool) or (isinstance(value, Decimal) and value != int(value)):
        raise PydanticCustomError("int_type", "{value} is not a whole number", {"value": repr(value)})
    return int(value) if isinstance(value, Decimal) else value


Number = Annotated[Decimal, BeforeValidator(_read_number, json_schema_input_type=str | float)]
Text = Annotated[str, AfterValidator(_printable)]
Whole = Annotated[int, BeforeValidator(_not_bool, json_schema_input_type=int)]
Version = Annotated[Whole, Field(ge=1, le=2**31 - 1)]
Moment = Annotated[datetime, AfterValidator(_utc_if_naive)]
Ids = Annotated[list[Text], Field(max_length=PORTFOLIOS_SENT_MAX)]
Securities = Annotated[list[Text], Field(max_length=SECURITIES_SENT_MAX)]


class Wire(BaseModel):
    """A body; names in camelCase, or in snake_case."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, validate_by_alias=True)


class PositionBody(Wire):
    """A position: a security's share of the value and how far it may drift."""

    security_id: Annotated[Text, Field(examples=["683b6d88a29ee10e8b499643"])]
    target: Annotated[Number, Field(description="0 to 0.95, a multiple of 0.005; 0 drops the position")]
    high_drift: Annotated[Number, Field(description="0 to 1")]
    low_drift: Annotated[Number, Field(description="0 to 1, not above highDrift")]

    def to_position(self) -> Position:
        """The position, not yet checked."""
        return Position(self.security_id, self.target, high_drift=self.high_drift, low_drift=self.low_drift)


class SecurityBody(Wire):
    """Names a position; its other fields may be there and say nothing."""

    security_id: Text


class PortfoliosBody(Wire):
    """Names portfolios."""

    portfolios: Ids


class OptionsBody(Wire):
    """What a rebalance may do beyond the document; each option narrows the quantities that may be chosen."""

    model_config = ConfigDict(extra="forbid")  # an option that is misspelt must not be ignored

    mode: Mode = Mode.BUY_AND_SELL
    raise_cash: Annotated[Number, Field(description="Amount to free; with mode RAISE_CASH")] = Decimal(0)
    lot_size: Annotated[Whole, Field(description="Units of one lot")] = 1
    lot_sizes: Annotated[dict[Text, Whole], Field(max_length=SECURITIES_SENT_MAX)] = {}
    minimum_trade: Annotated[Number, Field(description="Value of the smallest trade worth making")] = Decimal(0)
    never_buy: Securities = []
    never_sell: Securities = []
    equivalents: Annotated[
        dict[Text, Securities],
        Field(max_length=SECURITIES_SENT_MAX, description="By the model's security, those that count for its target"),
    ] = {}

    def to_options(self) -> RebalanceOptions:
        """The options.

        Raises:
            InvalidInputError: out of range, or in contradiction with each other.
        """
        return RebalanceOptions(
            mode=self.mode,
            raise_cash=self.raise_cash,
            lot_size=self.lot_size,
            lot_sizes=self.lot_sizes,
            minimum_trade=self.minimum_trade,
            never_buy=frozenset(self.never_buy),
            never_sell=frozenset(self.never_sell),
            equivalents={target: tuple(given) for target, given in self.equivalents.items()},
        )


class ModelPost(Wire):
    """A new model."""

    name: Text
    positions: Annotated[list[PositionBody], Field(max_length=POSITIONS_SENT_MAX)] = []
    portfolios: Ids = []
    options: OptionsBody | None = None

    def to_model(self) -> Model:
        """The document, not yet checked."""
        return Model(
            name=self.name,
            positions=tuple(position.to_position() for position in self.positions),
            portfolios=tuple(self.portfolios),
            options=None if self.options is None else self.options.to_options(),
        )


class ModelPut(ModelPost):
    """A model as it shall be; ``version`` is the one that it replaces."""

    positions: Annotated[list[PositionBody], Field(max_length=POSITIONS_SENT_MAX)]
    portfolios: Ids
    version: Version
    last_rebalance_date: Annotated[Moment | None, Field(description="Moves the stored date forward, never back")] = None

    def to_replacement(self, model_id: str) -> Model:
        """The document of that id, not yet checked."""
        return replace(self.to_model(), model_id=model_id, version=self.version)


class RebalanceBody(OptionsBody):
    """Options of this rebalance, in place of the model's own; no body at all keeps those."""


class PositionView(BaseModel):
    """A position of a model; decimals as strings."""

    securityId: str
    target: str
    highDrift: str
    lowDrift: str


class ModelView(BaseModel):
    """A model."""

    modelId: str
    name: str
    positions: list[PositionView]
    portfolios: list[str]
    lastRebalanceDate: AwareDatetime | None
    version: int
    options: dict[str, Any]


class TransactionView(BaseModel):
    """An order for whole units."""

    transactionType: str
    securityId: str
    quantity: int
    tradeDate: date


class DriftView(BaseModel):
    """A security before and after, and why its quantity is what it is."""

    securityId: str
    price: str
    originalQuantity: str
    adjustedQuantity: str
    target: str
    highDrift: str
    lowDrift: str
    actual: str
    reason: str
    note: str


class ErrorView(BaseModel):
    """Why a portfolio got no orders."""

    code: str
    message: str
    details: dict[str, Any]


class RebalanceView(BaseModel):
    """Orders of one portfolio, or the reason why there are none."""

    portfolioId: str
    portfolioName: str | None = None
    rebalanceId: str
    transactions: list[TransactionView] = []
    drifts: list[DriftView] = []
    error: ErrorView | None = None


class RecordView(BaseModel):
    """A stored rebalance without its portfolios."""

    rebalanceId: str
    modelId: str
    modelName: str
    rebalanceDate: AwareDatetime
    tradeDate: date
    numberOfPortfolios: int
    options: dict[str, Any]
    version: int


class RecordPortfolioView(BaseModel):
    """What a stored rebalance came to for one portfolio."""

    portfolioId: str
    portfolioName: str | None
    marketValue: str
    cashBeforeRebalance: str
    cashAfterRebalance: str
    positions: list[dict[str, Any]]


class RecordWithPortfoliosView(RecordView):
    """A stored rebalance whole."""

    portfolios: list[RecordPortfolioView]


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
        "drifts": [{name: position[name] for name in DriftView.model_fields} for position in result.positions],
    }
