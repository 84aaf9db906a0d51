"""The errors a user can meet, one class per category.

An error is data: a category (the class), a ``code`` in SCREAMING_SNAKE that a program can branch
on, a ``message`` with the offending value for a person, and ``details`` for both.  The API, the
CLI and HTTP say the same words; only the envelope differs (see ``server.error_bodies``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class SteelyardError(Exception):
    """Anything that Steelyard refuses or cannot do, with its reason.

    Attributes:
        code: stable identifier of the reason, SCREAMING_SNAKE.
        message: one or two sentences with the offending value and, where there is one, the remedy.
        details: JSON-ready facts behind the message.
    """

    http_status: ClassVar[int] = 500
    exit_status: ClassVar[int] = 1
    default_code: ClassVar[str] = "INTERNAL_ERROR"

    def __init__(self, message: str, *, code: str | None = None, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.details = dict(details or {})


class InvalidInputError(SteelyardError, ValueError):
    """A value is malformed, out of range or contradicts another one; a ``ValueError``, as notebooks expect."""

    http_status = 422
    exit_status = 2
    default_code = "INVALID_INPUT"


class UnauthenticatedError(SteelyardError):
    """No credential, or one that is wrong, expired or revoked."""

    http_status = 401
    exit_status = 3
    default_code = "UNAUTHENTICATED"


class ForbiddenError(SteelyardError):
    """The credential is good, but its scopes do not cover the action."""

    http_status = 403
    exit_status = 3
    default_code = "FORBIDDEN"


class NotFoundError(SteelyardError, LookupError):
    """No such thing, or not one of this tenant."""

    http_status = 404
    exit_status = 4
    default_code = "NOT_FOUND"


class ConflictError(SteelyardError):
    """The thing changed meanwhile, exists already, or is in a state that forbids the action."""

    http_status = 409
    exit_status = 5
    default_code = "CONFLICT"


class TooLargeError(SteelyardError):
    """A named limit of size or count is exceeded."""

    http_status = 413
    exit_status = 2
    default_code = "TOO_LARGE"


class InfeasibleError(SteelyardError):
    """The input is well-formed, but what it asks for has no answer."""

    http_status = 422
    exit_status = 9
    default_code = "INFEASIBLE"


class DataIntegrityError(SteelyardError):
    """Stored data is not what its manifest or hash promises."""

    http_status = 422
    exit_status = 6
    default_code = "DATA_INTEGRITY"


class UnavailableError(SteelyardError):
    """Something needed does not answer now; trying again later may work."""

    http_status = 503
    exit_status = 7
    default_code = "UNAVAILABLE"


class CancelledError(SteelyardError):
    """The user stopped the work."""

    http_status = 409
    exit_status = 130
    default_code = "CANCELLED"


class ConfigurationError(SteelyardError):
    """The settings contradict each other or are too weak for the profile."""

    exit_status = 8
    default_code = "CONFIGURATION"
