"""JSON Web Tokens of an identity provider: verified against its key set or a shared secret.

The algorithm follows from what is configured, never from the token: HS256 for a secret, RS256, ES256
or EdDSA for a key set.  ``exp`` is always required; ``iss`` and ``aud`` must match where configured.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
import jwt

from steelyard.core.errors import ConfigurationError, UnauthenticatedError, UnavailableError
from steelyard.infra.principal import DEFAULT_TENANT, SCOPES, Principal
from steelyard.infra.settings import Settings

_KEY_SET_ALGORITHMS = ["RS256", "ES256", "EdDSA"]
_KEY_SET_AGE_S_MAX = 300
_KEY_SET_PAUSE_S = 10
_SECRET_BYTES_MIN = 32
_TOKEN_LENGTH_MAX = 8_192
_KEY_SET_TIMEOUT_S = 5


class TokenVerifier:
    """Turns a bearer token into a principal."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._key_set = _KeySet(settings.jwt_jwks_url) if settings.jwt_jwks_url else None
        self._secret = settings.jwt_secret.get_secret_value() if settings.jwt_secret else None
        if self._secret is not None and len(self._secret.encode()) < _SECRET_BYTES_MIN:
            message = f"`STEELYARD_JWT_SECRET` had {len(self._secret.encode())} bytes; HS256 needs {_SECRET_BYTES_MIN}"
            raise ConfigurationError(message, code="WEAK_JWT_SECRET")

    async def verify(self, token: str) -> Principal:
        """The principal that ``token`` speaks for; scopes that nothing here asks for are left out.

        Raises:
            UnauthenticatedError: malformed, forged, expired, or meant for another audience.
            UnavailableError: the key set cannot be had.
        """
        if len(token) > _TOKEN_LENGTH_MAX:
            raise _refused(f"it had {len(token)} characters; it has at most {_TOKEN_LENGTH_MAX}")
        try:
            claims = self._decoded(token, *await self._key_for(token))
        except jwt.PyJWTError as refusal:
            raise _refused(str(refusal)) from None
        tenant, subject = claims.get(self._settings.jwt_tenant_claim, DEFAULT_TENANT), claims.get("sub", "")
        if not (isinstance(tenant, str) and 0 < len(tenant) <= 100 and isinstance(subject, str)):
            raise _refused(f"its claim `{self._settings.jwt_tenant_claim}` was {tenant!r}")
        return Principal(tenant, f"jwt:{subject[:150]}", self._scopes(claims))

    async def _key_for(self, token: str) -> tuple[Any, list[str]]:
        if self._key_set is not None:
            key = await self._key_set.find(jwt.get_unverified_header(token).get("kid"))
            return key, [key.algorithm_name] if key.algorithm_name in _KEY_SET_ALGORITHMS else []
        if self._secret is not None:
            return self._secret, ["HS256"]
        raise _refused("this server is not configured to accept tokens")

    def _decoded(self, token: str, key: Any, algorithms: list[str]) -> dict[str, Any]:
        return jwt.decode(
            token,
            key,
            algorithms=algorithms,
            issuer=self._settings.jwt_issuer,
            audience=self._settings.jwt_audience,
            leeway=self._settings.jwt_leeway_s,
            options={"require": ["exp"], "verify_aud": self._settings.jwt_audience is not None},
        )

    def _scopes(self, claims: dict[str, Any]) -> frozenset[str]:
        given = claims.get("scope", claims.get("scopes"))
        if given is None:
            return frozenset(self._settings.jwt_default_scopes)
        return SCOPES & frozenset(given.split() if isinstance(given, str) else map(str, given))


class _KeySet:
    """A provider's public keys, fetched when first needed, when old, and when a token names a new one."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._fetched_s = float("-inf")
        self._turn = asyncio.Lock()

    async def find(self, key_id: str | None) -> jwt.PyJWK:
        async with self._turn:
            age_s = time.monotonic() - self._fetched_s
            if age_s > _KEY_SET_AGE_S_MAX or (key_id not in self._keys and age_s > _KEY_SET_PAUSE_S):
                await self._fetch()
        if key_id not in self._keys:
            raise _refused("its key is not in the provider's key set")
        return self._keys[key_id]

    async def _fetch(self) -> None:
        try:
            async with httpx.AsyncClient(timeout=_KEY_SET_TIMEOUT_S) as client:
                answer = (await client.get(self._url)).raise_for_status().json()
            self._keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(answer).keys}
        except (httpx.HTTPError, ValueError, jwt.PyJWTError) as failure:
            message = "the identity provider's key set cannot be read; try again later"
            raise UnavailableError(message, code="KEY_SET_UNAVAILABLE") from failure
        self._fetched_s = time.monotonic()


def _refused(reason: str) -> UnauthenticatedError:
    return UnauthenticatedError(f"the bearer token is refused: {reason}", code="TOKEN_REFUSED")
