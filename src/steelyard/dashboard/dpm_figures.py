"""Exact decimals of a DPM result as a person reads them; they come as text of up to 28 digits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from steelyard.dashboard import figures

Money = Mapping[str, Any]

_MINUS = "\N{MINUS SIGN}"
_QUANTITY_DIGITS = 4
_HUGE = Decimal(10) ** 15


def amount(value: Any, *, digits: int = 2) -> str:
    """An amount with separators and a true minus; from 1E15 on in scientific form."""
    number = _decimal(value)
    text = f"{number:.6E}" if abs(number) >= _HUGE else f"{number:,.{digits}f}"
    if text.startswith("-") and not any(digit in text for digit in "123456789"):
        text = text.removeprefix("-")
    return text.replace("-", _MINUS)


def money(value: Money | None) -> str:
    """An amount with its currency; a dash where there is none."""
    return figures.UNDEFINED if value is None else f"{amount(value['amount'])} {value['currency']}"


def quantity(value: Any) -> str:
    """Units: whole ones without decimals, parts with up to four."""
    number = _decimal(value)
    text = amount(number, digits=0 if number == number.to_integral_value() else _QUANTITY_DIGITS)
    return text.rstrip("0").rstrip(".") if "." in text and "E" not in text else text


def weight(value: Any, *, digits: int = 2) -> str:
    """A share of the portfolio in percent."""
    return figures.percent(float(_decimal(value)) * 100, digits)


def listed(names: Iterable[str], *, at_most: int = 8) -> str:
    """Names as ``A, B and 3 more``, each once."""
    unique = list(dict.fromkeys(names))
    more = len(unique) - at_most
    return ", ".join(unique) if more <= 0 else f"{', '.join(unique[:at_most])} and {more:,} more"


def _decimal(value: Any) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))
