"""Bits of 64 bars: two machine instructions that Numba has no name for.

A word holds one bit for each of 64 bars, the first bar in the lowest bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

WORD_BARS = 64


def _trailing_zeros(_context: Any, _word: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.IntType(1)(0))

    return types.int64(types.uint64), generate


def _leading_zeros(_context: Any, _word: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctlz(arguments[0], ir.IntType(1)(0))

    return types.int64(types.uint64), generate


trailing_zeros = cast("Callable[[Any], int]", intrinsic(_trailing_zeros))
"""The position of the lowest set bit of a uint64; 64 if there is none."""

leading_zeros = cast("Callable[[Any], int]", intrinsic(_leading_zeros))
"""How many high bits of a uint64 are zero; 64 if all are."""
