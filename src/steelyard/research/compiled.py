"""How this room compiles its kernels: cached on disk, GIL released, divisions as NumPy makes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile ``function`` at its first call, or load it from Numba's cache.

    Numba looks at the file of ``function`` alone to tell whether a cached kernel is stale, so a kernel calls compiled
    helpers of its own file only (and :mod:`steelyard.research.bits`, two intrinsics that do not change).
    """
    return cast("F", njit(cache=True, nogil=True, error_model="numpy")(function))


def helper(function: F) -> F:
    """Compile ``function`` into each kernel of its file that calls it."""
    return cast("F", njit(inline="never", error_model="numpy")(function))
