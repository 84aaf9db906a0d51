"""Where in a JSON text a value stands, so that what is wrong with it can be said beside its line."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


def offset_of(text: str, path: Sequence[str | int]) -> int:
    """Where the value at ``path`` begins in ``text``, well-formed JSON; of one that is not there, its parent.

    Steps of the path are keys and positions; of a key that comes twice the last counts, as for a reader.
    """
    at = _skip(text, 0)
    for step in path:
        inside = _member(text, at, step) if text[at] == "{" else _item(text, at, step) if text[at] == "[" else None
        if inside is None:
            return at
        at = inside
    return at


def line_of(text: str, offset: int) -> int:
    """The line of an offset, from 1."""
    return text.count("\n", 0, offset) + 1


def _member(text: str, at: int, key: str | int) -> int | None:
    found, at = None, _skip(text, at + 1)
    while text[at] != "}":
        name, at = _DECODER.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)  # past the colon
        if name == str(key):
            found = at
        at = _next(text, at)
    return found


def _item(text: str, at: int, position: str | int) -> int | None:
    count, at = 0, _skip(text, at + 1)
    while text[at] != "]":
        if count == position:
            return at
        count, at = count + 1, _next(text, at)
    return None


def _next(text: str, at: int) -> int:
    """The start of what follows the value at ``at``: the next one, or the closing bracket."""
    _, end = _DECODER.raw_decode(text, at)
    end = _skip(text, end)
    return _skip(text, end + 1) if text[end] == "," else end


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
