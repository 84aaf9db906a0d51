"""A model as it stands in the form, text by text, and what is wrong with it in the engine's own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter, ValidationError

from steelyard.core.errors import InvalidInputError
from steelyard.models.document import Model
from steelyard.models.schemas import ModelPost, Number
from steelyard.models.validation import checked_model

FIELDS = ("securityId", "target", "lowDrift", "highDrift")
"""Fields of a position, as the API names them."""

_NUMBER: TypeAdapter[Decimal] = TypeAdapter(Number)

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Draft:
    """What the form holds.

    Attributes:
        model: checked, without portfolios; None where there are problems.
        problems: field and words; fields are ``name``, ``positions`` or ``positions[3].target``.
        total: sum of the targets that can be read.
    """

    model: Model | None
    problems: tuple[tuple[str, str], ...]
    total: Decimal


def read_draft(name: str, rows: Sequence[Row]) -> Draft:
    """The draft of a form with these texts, by the rules that the API's bodies are read with."""
    total = sum((_number_of(row["target"]) or Decimal(0) for row in rows), Decimal(0))
    try:
        body = ModelPost.model_validate({"name": name, "positions": [dict(row) for row in rows]})
        return Draft(checked_model(body.to_model()), (), total)
    except ValidationError as refused:
        return Draft(None, tuple((_field(error["loc"]), error["msg"]) for error in refused.errors()), total)
    except InvalidInputError as refused:
        problems = tuple((one["field"], one["message"]) for one in refused.details["problems"])
        return Draft(None, problems, total)


def readable_weights(row: Row) -> tuple[float, float, float] | None:
    """Target, low and high drift of a row for the chart, or None while one of them is no number from 0 to 1."""
    numbers = [_number_of(row[name]) for name in ("target", "lowDrift", "highDrift")]
    target, low, high = (None if one is None or not 0 <= one <= 1 else float(one) for one in numbers)
    return None if target is None or low is None or high is None else (target, low, high)


def _number_of(text: str) -> Decimal | None:
    try:
        return _NUMBER.validate_python(text)
    except ValidationError:
        return None


def _field(loc: tuple[Any, ...]) -> str:
    """``("positions", 3, "target")`` as ``positions[3].target``."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return path.removeprefix(".")
