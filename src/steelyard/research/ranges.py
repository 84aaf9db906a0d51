"""Windows of a sweep: read from a range, a list, an array, a number or text, and checked once for all doors.

The Python API, the CLI (``5:100``, ``20:300:5``, ``5,10,20``) and HTTP (minimum, maximum, step) come
through here, so each refuses the same input with the same words.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

from steelyard.core.errors import InvalidInputError
from steelyard.research.strategies import WINDOW_BARS_MAX

Windows: TypeAlias = int | str | Iterable[int] | NDArray[np.integer]

WINDOWS_MAX = 20_000
"""Windows one range may hold."""
TEXT_CHARACTERS_MAX = 2_000


def read_windows(name: str, value: Windows) -> tuple[int, ...]:
    """The windows of one parameter, ascending, each once.

    Args:
        name: of the parameter, for messages.
        value: a number, a range, a list, an array, or text: ``5:100`` or ``20:300:5`` (ends included), ``5,10,20``.

    Raises:
        InvalidInputError: EMPTY_RANGE, REVERSED_RANGE, OUT_OF_RANGE, NOT_A_WINDOW, TOO_MANY_WINDOWS.
    """
    if isinstance(value, str):
        return _read_text(name, value)
    numbers = _read_numbers(name, value)
    if not numbers:
        _refuse_empty(name, value)
    if len(numbers) > WINDOWS_MAX:
        msg = f"`{name}` holds {len(numbers):,} windows; at most {WINDOWS_MAX:,} are swept at once"
        raise InvalidInputError(msg, code="TOO_MANY_WINDOWS", details={name: len(numbers)})
    for bars in numbers:
        _check_window(name, bars)
    return tuple(sorted(set(numbers)))


def span_windows(name: str, low: int, high: int, step: int = 1) -> tuple[int, ...]:
    """The windows from ``low`` to ``high``, both included where the steps meet them.

    Raises:
        InvalidInputError: REVERSED_RANGE, OUT_OF_RANGE, TOO_MANY_WINDOWS.
    """
    if step < 1:
        raise InvalidInputError(f"the step of `{name}` was {step}; it is at least 1", code="OUT_OF_RANGE")
    if low > high:
        msg = f"`{name}` went from {low} to {high}; the minimum must not exceed the maximum"
        raise InvalidInputError(msg, code="REVERSED_RANGE", details={name: [low, high]})
    _check_window(name, low)
    _check_window(name, high)
    return read_windows(name, range(low, high + 1, step))


def _read_text(name: str, text: str) -> tuple[int, ...]:
    if len(text) > TEXT_CHARACTERS_MAX:
        msg = f"`{name}` has {len(text):,} characters; at most {TEXT_CHARACTERS_MAX:,} are read"
        raise InvalidInputError(msg, code="NOT_A_WINDOW")
    if ":" not in text:
        return read_windows(name, [_read_whole(name, part, text) for part in text.split(",") if part.strip()])
    parts = [_read_whole(name, part, text) for part in text.split(":")]
    if len(parts) > 3:
        _refuse_text(name, text)
    return span_windows(name, *parts)


def _read_whole(name: str, part: str, text: str) -> int:
    part = part.strip()
    if not part.removeprefix("-").isdecimal() or len(part) > 12:
        _refuse_text(name, text)
    return int(part)


def _read_numbers(name: str, value: int | Iterable[int] | NDArray[np.integer]) -> list[int]:
    if isinstance(value, range):
        return list(value[: WINDOWS_MAX + 1])
    try:
        numbers = np.atleast_1d(np.asarray(value if np.ndim(value) == 0 else list(value)))  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        _refuse_value(name, value)
    if numbers.size == 0:
        return []
    whole = numbers.dtype.kind in "iu" or (numbers.dtype.kind == "f" and bool((numbers == np.floor(numbers)).all()))
    if numbers.ndim != 1 or not whole:
        _refuse_value(name, value)
    return [int(number) for number in numbers]


def _check_window(name: str, bars: int) -> None:
    if not 1 <= bars <= WINDOW_BARS_MAX:
        msg = f"`{name}` was {bars}; a window has 1 to {WINDOW_BARS_MAX:,} bars"
        raise InvalidInputError(msg, code="OUT_OF_RANGE", details={name: bars})


def _refuse_empty(name: str, value: object) -> NoReturn:
    if isinstance(value, range) and (value.stop - value.start) * value.step < 0:
        msg = f"`{name}` was {value!r}, which runs the wrong way; the minimum must not exceed the maximum"
        raise InvalidInputError(msg, code="REVERSED_RANGE")
    msg = f"`{name}` was {value!r}, which holds no window; give at least one, such as range(5, 101)"
    raise InvalidInputError(msg, code="EMPTY_RANGE")


def _refuse_value(name: str, value: object) -> NoReturn:
    msg = f"`{name}` was {str(value)[:80]!r}; windows are whole numbers of bars: a number, a range, a list or an array"
    raise InvalidInputError(msg, code="NOT_A_WINDOW")


def _refuse_text(name: str, text: str) -> NoReturn:
    msg = f"`{name}` was {text[:80]!r}; write windows as 5:100, as 20:300:5 (ends included) or as 5,10,20"
    raise InvalidInputError(msg, code="NOT_A_WINDOW")
