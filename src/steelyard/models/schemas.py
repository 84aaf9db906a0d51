"""The wire of models: what a client may send; :mod:`steelyard.models.views` is what it gets.

Names are camelCase; snake_case is understood too.  Decimals come as strings or as JSON numbers,
whose digits are read as they stand (see :mod:`steelyard.models.exact_json`).  Rules that concern
the whole document are those of :mod:`steelyard.models.validation`.

Source: requirement 001, "Data Transfer Objects"; contract models, "Wire format".
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, RootModel
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from steelyard.models.document import Model, Position
from steelyard.models.option_json import options_from_json, options_to_json
from steelyard.models.options import Mode, RebalanceOptions
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
    if not text.isprintable() and any(unicodedata.category(character) in {"Cc", "Cs"} for character in text):
        message = "{text} contains a control character or half a character"
        raise PydanticCustomError("unprintable", message, {"text": ascii(text[:40])})
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


class ModelsFile(RootModel[list[ModelPost] | ModelPost]):
    """One new model or several, as a file holds them."""


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
    """Options of this rebalance; those that it does not name are the model's own."""

    def over(self, model: Model) -> RebalanceOptions:
        """The model's options with those of the body in their place.

        Raises:
            InvalidInputError: out of range, or in contradiction with each other.
        """
        named = {to_camel(name) for name in self.model_fields_set}
        mine = {name: value for name, value in options_to_json(self.to_options()).items() if name in named}
        kept = {name: value for name, value in options_to_json(model.options).items() if name not in named}
        return options_from_json(kept | mine) or RebalanceOptions()
