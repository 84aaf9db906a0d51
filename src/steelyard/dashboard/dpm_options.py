"""The options of a rebalance as fields of a form: what each is for, what it may be, and how its text is read."""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from steelyard.dashboard.dpm_faults import message_of
from steelyard.rebalance.schemas import EngineOptions

Kind = Literal["switch", "choice", "number", "text", "json"]

_ELSEWHERE = (
    "enable_proposal_simulation", "proposal_", "auto_funding", "funding_mode", "fx_generation_policy",
    "fx_funding_source_currency", "enable_drift_analytics", "enable_instrument_drift", "drift_",
    "enable_suitability_scanner", "suitability_thresholds", "dust_trade_threshold",
)  # fmt: skip
"""Beginnings of options that advisory alone reads, or nothing; they can still be given as JSON."""
_LABELS: Mapping[str, str] = {"pct": "share", "fx": "FX", "ccy": "currency", "min": "least", "max": "most"}


@dataclass(frozen=True, slots=True)
class OptionField:
    """One option.

    Attributes:
        label, description: its name in words, and what it does.
        limits: what it may be, in words; empty where anything of its kind is.
        choices: of a choice, in their order.
        default: what counts when it is not given, as text.
        example: as JSON, to begin with.
    """

    name: str
    label: str
    description: str
    kind: Kind
    limits: str
    choices: tuple[str, ...]
    default: str
    example: str


def option_fields() -> dict[str, OptionField]:
    """The options that a rebalance reads, by name, in the order of the contract."""
    found = EngineOptions.model_fields
    return {name: _field(name, info) for name, info in found.items() if not name.startswith(_ELSEWHERE)}


def label_of(name: str) -> str:
    """``max_turnover_pct`` as ``Max turnover share``."""
    words = [_LABELS.get(word, word) for word in name.split("_")]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def first_value(field: OptionField) -> Any:
    """What an option is set to when it is added: another value than its default, where there is an obvious one."""
    if field.kind == "switch":
        return field.default == "false"
    if field.kind == "choice":
        return next(one for one in field.choices if one != field.default)
    return json.loads(field.example) if field.kind == "json" else field.example


def summary_of(options: Mapping[str, Any]) -> str:
    """Options in one line."""
    parts = []
    for name, value in options.items():
        label = label_of(name)
        label = label[:1].lower() + label[1:]
        if isinstance(value, bool):
            parts.append(label if value else f"no {label}")
        else:
            parts.append(f"{label} {value if isinstance(value, str) else json.dumps(value, default=str)}")
    return ", ".join(parts) or "the engine's defaults"


def option_problems(options: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with options, by name; under the empty name what concerns several of them."""
    try:
        EngineOptions.model_validate(options)
    except ValidationError as refused:
        faults = refused.errors(include_url=False)
        return {str(fault["loc"][0]) if fault["loc"] else "": message_of(fault) for fault in reversed(faults)}
    return {}


def read_json_object(text: str) -> dict[str, Any]:
    """The object that ``text`` holds, nothing for an empty text.

    Raises:
        ValueError: it is no JSON, or another kind of it; its text says what and where.
    """
    if not text.strip():
        return {}
    try:
        value = json.loads(text, parse_constant=str)  # NaN is refused as the text that it is
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno} is not JSON: {error.msg.lower()}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError('it is not an object, such as {"max_turnover_pct": "0.1"}')  # noqa: TRY004 - a wrong text
    return value


def _field(name: str, info: FieldInfo) -> OptionField:
    kind, choices = _kind(info.annotation)
    default = info.get_default(call_default_factory=True)
    return OptionField(
        name,
        label_of(name),
        (info.description or "").removeprefix("Beyond the contract: ").capitalize(),
        kind,
        _limits(info, kind),
        choices,
        _text(default),
        _text((info.examples or [default])[0]),
    )


def _kind(annotation: Any) -> tuple[Kind, tuple[str, ...]]:
    inner = [one for one in _members(annotation) if one is not type(None)]
    one = inner[0]
    if get_origin(one) is Literal:
        return "choice", tuple(map(str, get_args(one)))
    if isinstance(one, type) and issubclass(one, StrEnum):
        return "choice", tuple(member.value for member in one)
    if one is bool:
        return "switch", ()
    if one in (int, Decimal):
        return "number", ()
    return ("text", ()) if one is str else ("json", ())


def _members(annotation: Any) -> list[Any]:
    if get_origin(annotation) in (Union, types.UnionType):
        return [inner for one in get_args(annotation) for inner in _members(one)]
    return _members(get_args(annotation)[0]) if get_origin(annotation) is Annotated else [annotation]


def _limits(info: FieldInfo, kind: Kind) -> str:
    metadata = [*info.metadata, *_nested_metadata(info.annotation)]
    low = next((one.ge for one in metadata if isinstance(one, Ge)), None)
    high = next((one.le for one in metadata if isinstance(one, Le)), None)
    if low is None and high is None:
        return "JSON" if kind == "json" else ""
    return f"{low} to {high}" if low is not None and high is not None else f"at least {low}"


def _nested_metadata(annotation: Any) -> list[Any]:
    """Limits that stand inside an optional type, such as ``Annotated[Decimal, Ge(0)] | None``."""
    if get_origin(annotation) is Annotated:
        found: list[Any] = []
        for one in get_args(annotation)[1:]:
            found += getattr(one, "metadata", [one])
        return found
    return [one for inner in get_args(annotation) for one in _nested_metadata(inner)]


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | Decimal) else json.dumps(value, default=str)
