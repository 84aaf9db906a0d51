"""What is wrong with the text of a request: each fault with its place, in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from steelyard.dashboard.dpm_places import line_of, offset_of

FAULTS_MAX = 50
"""Faults that are shown."""
INPUT_CHARACTERS_MAX = 60
"""Characters of a wrong value that are shown."""

_LISTS: Mapping[str, str] = {
    "positions": "position",
    "cash_balances": "cash balance",
    "lots": "lot",
    "prices": "price",
    "fx_rates": "exchange rate",
    "targets": "target",
    "shelf_entries": "shelf entry",
    "recent_trades": "recent trade",
}
_MESSAGES: Mapping[str, str] = {
    "missing": "is missing",
    "decimal_parsing": "is not a number",
    "decimal_type": "is not a number",
    "finite_number": "is not a finite number",
    "int_parsing": "is not a whole number",
    "int_type": "is not a whole number",
    "int_from_float": "is not a whole number",
    "bool_parsing": "is neither true nor false",
    "bool_type": "is neither true nor false",
    "string_type": "is not text",
    "list_type": "is not a list",
    "dict_type": "is not an object",
    "model_attributes_type": "is not an object",
    "model_type": "is not an object",
}
_BOUNDS: Mapping[str, str] = {
    "less_than_equal": "at most",
    "less_than": "less than",
    "greater_than_equal": "at least",
    "greater_than": "more than",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Attributes:
        line: in the text, from 1; None where there is no text to point at.
        place: the way to the value, as ``portfolio snapshot, position 2, quantity``.
        message: what is wrong with it.
    """

    line: int | None
    place: str
    message: str


def explain(errors: Sequence[Mapping[str, Any]], text: str) -> list[Fault]:
    """The faults of a body, entries as FastAPI has them under ``detail``, in the order of the text."""
    faults = [_fault(error, text) for error in errors[:FAULTS_MAX]]
    return sorted(faults, key=lambda fault: fault.line or 0)


def place_words(path: Sequence[str | int]) -> str:
    """``("portfolio_snapshot", "positions", 1)`` as ``portfolio snapshot, position 2``; lists count from 1."""
    parts: list[str] = []
    before: str | int | None = None
    for step in path:
        if isinstance(step, int):
            if before in _LISTS:
                parts.pop()
            parts.append(f"{_LISTS.get(str(before), 'number')} {step + 1}")
        else:
            parts.append(step.replace("_", " "))
        before = step
    return ", ".join(parts) or "the request"


def _fault(error: Mapping[str, Any], text: str) -> Fault:
    path = tuple(error["loc"])[1:]
    if error["type"] == "json_invalid":
        offset = int(path[0]) if path else 0
        return Fault(
            line_of(text, offset), "the text", f"is not JSON: {error['ctx']['error'].rstrip('.').lower()} here"
        )
    if error["type"] == "missing" and not path:
        return Fault(None, "the request", "is empty: paste one, or pick one of the examples")
    return Fault(line_of(text, offset_of(text, path)), place_words(path), message_of(error))


def message_of(error: Mapping[str, Any]) -> str:
    """What is wrong with a value, as the rest of a sentence that begins with its name."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return str(context.get("error", error["msg"]))
    if kind in ("too_long", "string_too_long"):
        return f"is too long: at most {context['max_length']:,}"
    said = _MESSAGES.get(kind)
    if kind in ("enum", "literal_error"):
        said = f"is none of {context['expected']}"
    elif kind in _BOUNDS:
        said = f"must be {_BOUNDS[kind]} {next(iter(context.values()))}"
    if said is None:
        return str(error["msg"])
    return said if kind == "missing" else f"{said}; it was {_shown(error['input'])}"


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= INPUT_CHARACTERS_MAX else text[: INPUT_CHARACTERS_MAX - 1] + "\N{HORIZONTAL ELLIPSIS}"
