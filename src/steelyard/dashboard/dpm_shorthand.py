"""Options that are maps or amounts, as short lines of text: ``sector:TECH 0.30``, ``USD 50000``, ``1000 CHF``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Shorthand:
    """How an option is written in lines.

    Attributes:
        example: a line, to say what one looks like.
        write: lines of a value; None for a value of another shape, which is then JSON.
        read: the value of lines; ValueError names the one that cannot be read.
    """

    example: str
    write: Callable[[Any], str | None]
    read: Callable[[str], Any]


def _write_map(value: Any, inner: Callable[[Any], str | None]) -> str | None:
    if not isinstance(value, Mapping):
        return None
    lines = []
    for key, one in value.items():
        text = inner(one)
        if text is None or not _is_word(text) or key != key.strip() or "\n" in key or not key:
            return None
        lines.append(f"{key} {text}")
    return "\n".join(lines)


def _read_map(text: str, example: str, inner: Callable[[str], Any]) -> dict[str, Any]:
    found = {}
    for line in filter(None, map(str.strip, text.split("\n"))):
        key, _, value = line.rpartition(" ")
        if not key.strip():
            raise ValueError(f"a line reads {line!r}; it is to look like {example!r}")
        found[key.strip()] = inner(value)
    return found


def _write_cap(value: Any) -> str | None:
    return _plain(value["max_weight"]) if isinstance(value, Mapping) and set(value) == {"max_weight"} else None


def _write_money(value: Any) -> str | None:
    if not isinstance(value, Mapping) or set(value) != {"amount", "currency"}:
        return None
    amount, currency = _plain(value["amount"]), value["currency"]
    fits = amount is not None and isinstance(currency, str) and _is_word(amount) and _is_word(currency)
    return f"{amount} {currency}" if fits else None


def _read_money(text: str) -> dict[str, str]:
    words = text.split()
    if len(words) != 2:
        raise ValueError(f"it reads {text.strip()!r}; it is to look like '1000 CHF'")
    return {"amount": words[0], "currency": words[1]}


def _plain(value: Any) -> str | None:
    is_number = isinstance(value, str | int | float) and not isinstance(value, bool)
    return str(value) if is_number else None


def _is_word(text: str) -> bool:
    return text.split() == [text]


SHORTHANDS: Mapping[str, Shorthand] = {
    "group_constraints": Shorthand(
        "sector:TECH 0.30",
        lambda value: _write_map(value, _write_cap),
        lambda text: _read_map(text, "sector:TECH 0.30", lambda share: {"max_weight": share}),
    ),
    "max_overdraft_by_ccy": Shorthand(
        "USD 50000",
        lambda value: _write_map(value, _plain),
        lambda text: _read_map(text, "USD 50000", lambda amount: amount),
    ),
    "min_trade_notional": Shorthand("1000 CHF", _write_money, _read_money),
}
"""By option."""
