"""Text for compiled code: fixed pieces, tables of strings, and how they are copied into a buffer."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
import numpy.typing as npt
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

Bytes = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]
Piece = tuple[int, int]
F = TypeVar("F", bound=Callable[..., Any])
_INSIDE: dict[str, Any] = {"error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
_copy_memory: Any = cgutils.raw_memcpy


def helper(function: F) -> F:
    """Compile ``function`` into the kernels that call it; it has no other callers."""
    return cast("F", njit(**_INSIDE)(function))


def kernel(function: F) -> Any:
    """Compile ``function`` at its first call, or load it from Numba's cache."""
    return njit(cache=True, nogil=True, error_model="numpy")(function)


class Strings(NamedTuple):
    """Strings one behind the other: number ``i`` is ``text[ends[i]:ends[i + 1]]``."""

    text: Bytes
    ends: Integers


def strings(texts: Sequence[str]) -> Strings:
    """A table of ASCII strings."""
    ends = np.frombuffer(array("q", accumulate(map(len, texts), initial=0)), np.int64)
    text = "".join(texts).encode("ascii") or b" "  # an array of nothing cannot be made of a buffer
    return Strings(np.frombuffer(text, np.uint8), ends)


class Pieces:
    """Collects fixed pieces of text; ``text`` holds them all and is a constant to compiled code."""

    def __init__(self) -> None:
        self._text = b""

    def piece(self, text: str) -> Piece:
        """Where ``text`` stands."""
        start = len(self._text)
        self._text += text.encode("ascii")
        # Of a type without a value of its own: Numba compiles a function anew for every literal.
        return cast("Piece", (np.int64(start), np.int64(len(self._text))))

    @property
    def text(self) -> Bytes:
        """All of them."""
        return np.frombuffer(self._text, np.uint8)


def _copy(_typing: Any, out: Any, at: Any, text: Any, start: Any, end: Any) -> Any:  # noqa: ARG001
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        out, at, text, start, end = arguments
        into = builder.gep(context.make_array(signature.args[0])(context, builder, out).data, [at])
        source = builder.gep(context.make_array(signature.args[2])(context, builder, text).data, [start])
        count = builder.sub(end, start)
        _copy_memory(builder, into, source, count, 1)
        return builder.add(at, count)

    return types.int64(out, types.int64, text, types.int64, types.int64), generate


copy = cast("Callable[[Any, int, Any, int, int], int]", intrinsic(_copy))
"""Copy ``text[start:end]`` to ``out[at:]``, as machines do it fastest; the place behind it."""


@helper
def put(out: Any, at: int, table: Any, number: int) -> int:
    """Copy a string of a table; the place behind it."""
    return copy(out, at, table.text, table.ends[number], table.ends[number + 1])


@helper
def say(out: Any, at: int, text: Any, piece: Piece) -> int:
    """Copy a fixed piece; the place behind it."""
    return copy(out, at, text, piece[0], piece[1])


@helper
def say_char(out: Any, at: int, character: int) -> int:
    """Write a character; the place behind it."""
    out[at] = character
    return at + 1
