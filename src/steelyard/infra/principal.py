"""Who is asking: a tenant, a subject, and the scopes that say what they may do."""

from __future__ import annotations

from dataclasses import dataclass

from steelyard.core.errors import ForbiddenError, InvalidInputError

ADMIN = "admin"
"""The scope that covers every other."""

_ROOMS = ("sweeps", "data", "models", "rebalance", "proposals")
SCOPES = frozenset({ADMIN, *(f"{room}:{verb}" for room in _ROOMS for verb in ("read", "write"))})
DEFAULT_TENANT = "default"


@dataclass(frozen=True, slots=True)
class Principal:
    """The one on whose behalf something happens.

    Attributes:
        tenant: whose rows they see.
        subject: the name that the audit log keeps: ``key:<id>``, ``jwt:<sub>``, ``development``.
        scopes: of :data:`SCOPES`.
        key_id: the API key behind it, if there is one.
    """

    tenant: str
    subject: str
    scopes: frozenset[str]
    key_id: str | None = None

    def may(self, scope: str) -> bool:
        """Whether the scopes cover ``scope``."""
        return scope in self.scopes or ADMIN in self.scopes

    def require(self, scope: str) -> None:
        """Refuse unless :meth:`may`.

        Raises:
            ForbiddenError: naming the scope that is missing.
        """
        if not self.may(scope):
            has = ", ".join(sorted(self.scopes)) or "none"
            raise ForbiddenError(f"this needs the scope `{scope}`; the credential has {has}", code="SCOPE_MISSING")


def checked_scopes(scopes: list[str] | tuple[str, ...]) -> frozenset[str]:
    """``scopes`` as a set, refusing one that nothing asks for.

    Raises:
        InvalidInputError: none, or an unknown one.
    """
    if not scopes:
        raise InvalidInputError("`scopes` was empty; give at least one of " + ", ".join(sorted(SCOPES)))
    if unknown := sorted(set(scopes) - SCOPES):
        raise InvalidInputError(f"`scopes` had {', '.join(unknown)}; known are {', '.join(sorted(SCOPES))}")
    return frozenset(scopes)
