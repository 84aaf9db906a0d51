"""Authentication: an API key, a bearer token or a session cookie becomes a principal, or a 401."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from steelyard.core.errors import UnauthenticatedError
from steelyard.infra.database import Database
from steelyard.infra.jwt import TokenVerifier
from steelyard.infra.keys import DEVELOPMENT_KEY, find_principal
from steelyard.infra.principal import ADMIN, DEFAULT_TENANT, Principal
from steelyard.infra.sessions import find_session
from steelyard.infra.settings import Settings

DEVELOPER = Principal(DEFAULT_TENANT, "development", frozenset({ADMIN}))
"""Whom the documented development key stands for, on loopback in the local profile only."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request brought, at most one of each."""

    api_key: str | None = None
    bearer: str | None = None
    session_id: str | None = None


class Authenticator:
    """Looks credentials up: the key first, then the bearer (a token or a key), then the cookie.

    Attributes:
        admits_developer: whether the documented development key works.
    """

    def __init__(self, settings: Settings, database: Database) -> None:
        self._database = database
        self._tokens = TokenVerifier(settings)
        self.admits_developer = (
            settings.development_key_enabled and settings.profile == "LOCAL" and settings.on_loopback
        )

    async def authenticate(self, credentials: Credentials) -> Principal:
        """The principal of the first credential that came; a wrong one is not excused by another.

        Raises:
            UnauthenticatedError: none came, or it is wrong, expired or revoked.
        """
        if credentials.api_key is not None:
            return await self.by_key(credentials.api_key)
        if credentials.bearer is not None:
            is_token = credentials.bearer.count(".") == 2
            return await (self._tokens.verify(credentials.bearer) if is_token else self.by_key(credentials.bearer))
        if credentials.session_id is not None:
            async with self._database.reading() as session:
                if principal := await find_session(session, credentials.session_id):
                    return principal
            raise UnauthenticatedError("the session has ended; log in again", code="SESSION_ENDED")
        raise UnauthenticatedError("a credential is needed: send X-API-Key, or log in", code="CREDENTIAL_MISSING")

    async def by_key(self, key: str) -> Principal:
        """The principal of an API key.

        Raises:
            UnauthenticatedError: unknown, revoked, or the development key where it does not work.
        """
        if self.admits_developer and hmac.compare_digest(key.encode(), DEVELOPMENT_KEY.encode()):
            return DEVELOPER
        async with self._database.reading() as session:
            if principal := await find_principal(session, key):
                return principal
        raise UnauthenticatedError("the API key is unknown or revoked", code="KEY_REFUSED")
