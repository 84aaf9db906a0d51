"""Figures as a person reads them: signs, units, thin spaces; what is undefined is a dash, never a 0."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

UNDEFINED = "\N{EN DASH}"


def ratio(value: float | None, digits: int = 2) -> str:
    """A plain ratio, such as a Sharpe ratio."""
    return UNDEFINED if value is None or math.isnan(value) else _signed(f"{value:,.{digits}f}")


def percent(value: float | None, digits: int = 1) -> str:
    """A value that is in percent already; from a thousand on without decimals."""
    if value is None or math.isnan(value):
        return UNDEFINED
    return _signed(f"{value:,.{0 if abs(value) >= 1000 else digits}f}") + " %"


def share(value: float | None, digits: int = 1) -> str:
    """A share 0..1 as percent; never rounded to the certainty it is not."""
    if value is None or math.isnan(value):
        return UNDEFINED
    smallest = 10.0**-digits / 100
    if 0 < value < smallest:
        return f"< {smallest * 100:.{digits}f} %"
    if 1 - smallest < value < 1:
        return f"> {(1 - smallest) * 100:.{digits}f} %"
    return f"{value * 100:.{digits}f} %"


def count(value: float | None) -> str:
    """A whole number with separators."""
    return UNDEFINED if value is None or math.isnan(value) else f"{value:,.0f}"


def counted(number: int, noun: str) -> str:
    """A number of things, as ``1 file`` or ``20 files``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def windows(row: Mapping[str, Any]) -> str:
    """The parameters of a combination, as ``12 / 26 / 9``."""
    names = ("fast_period", "slow_period", "signal_period")
    return " / ".join(str(row[name]) for name in names if row.get(name) is not None)


def moment(value: datetime | None) -> str:
    """A time to the minute, UTC."""
    return UNDEFINED if value is None else f"{value:%Y-%m-%d %H:%M}"


def duration(seconds: float) -> str:
    """A length of time in the unit that suits it."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _signed(text: str) -> str:
    # A true minus is as wide as a digit and a plus, so columns stay in line; "-0.0" is no news.
    if not any(digit in text for digit in "123456789") and "inf" not in text:
        text = text.removeprefix("-")
    return text.replace("-", "−").replace("inf", "∞")  # noqa: RUF001 - the minus sign of typography
