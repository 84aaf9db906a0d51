"""Requests from files, for the terminal: read up to a size, and refused with the faults in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import typer

from steelyard.core.errors import InvalidInputError, TooLargeError

REQUEST_BYTES_MAX = 100_000_000
"""Size of a request file, in bytes."""

_FAULTS_SHOWN_MAX = 10

Made = TypeVar("Made")


def read_file(path: Path) -> bytes:
    """The content of a file, or of standard input for ``-``.

    Raises:
        InvalidInputError: FILE_UNREADABLE.
        TooLargeError: it is larger than :data:`REQUEST_BYTES_MAX`.
    """
    if str(path) == "-":
        body = typer.get_binary_stream("stdin").read(REQUEST_BYTES_MAX + 1)
    else:
        try:
            with path.open("rb") as file:
                body = file.read(REQUEST_BYTES_MAX + 1)
        except OSError as failure:
            message = f"`{path}` cannot be read: {failure.strerror}"
            raise InvalidInputError(message, code="FILE_UNREADABLE") from None
    if len(body) > REQUEST_BYTES_MAX:
        raise TooLargeError(f"`{path}` is larger than {REQUEST_BYTES_MAX} bytes")
    return body


def with_faults(use: Callable[[bytes], Made], body: bytes) -> Made:
    """``use(body)``; a refusal that lists faults says the first of them in its message.

    Raises:
        InvalidInputError: as ``use`` does.
    """
    try:
        return use(body)
    except InvalidInputError as refused:
        if not (faults := refused.details.get("errors")):
            raise
        raise InvalidInputError(faults_said(faults), code=refused.code, details=refused.details) from None


def faults_said(faults: list[dict[str, Any]]) -> str:
    """The first faults of a body, each with its place."""
    said = [f"{'.'.join(map(str, fault['loc'][1:]))}: {fault['msg']}" for fault in faults[:_FAULTS_SHOWN_MAX]]
    more = len(faults) - len(said)
    return "; ".join(said + [f"and {more} more"] * (more > 0))
