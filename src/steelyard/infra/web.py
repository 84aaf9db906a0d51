"""FastAPI dependencies of every endpoint: who asks, may they, and the one transaction of the request.

They find ``database`` and ``authenticator`` on ``app.state``, where the server puts them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.infra.auth import Authenticator, Credentials
from steelyard.infra.database import Database
from steelyard.infra.principal import DEFAULT_TENANT, Principal
from steelyard.infra.sessions import COOKIE
from steelyard.infra.settings import Settings

_READING = {"GET", "HEAD", "OPTIONS"}


def credentials_of(request: Request) -> Credentials:
    """The credentials in a request's headers and cookie."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return Credentials(
        api_key=request.headers.get("X-API-Key"),
        bearer=token.strip() if scheme.lower() == "bearer" else None,
        session_id=request.cookies.get(COOKIE),
    )


async def principal(request: Request) -> Principal:
    """Who asks; 401 without a good credential."""
    authenticator: Authenticator = request.app.state.authenticator
    return await authenticator.authenticate(credentials_of(request))


CurrentPrincipal = Annotated[Principal, Depends(principal)]


def require(scope: str) -> Callable[[Principal], Awaitable[Principal]]:
    """A dependency: who asks, if they have ``scope``; 401 or 403 otherwise."""

    async def with_scope(who: CurrentPrincipal) -> Principal:
        who.require(scope)
        return who

    return with_scope


def set_session_cookie(response: Response, session_id: str, settings: Settings) -> None:
    """Hand a session to the browser: no script reads it, no other site sends it, loopback alone goes without TLS."""
    response.set_cookie(
        COOKIE,
        session_id,
        max_age=int(settings.session_lifetime_hours * 3600),
        httponly=True,
        samesite="strict",
        secure=not settings.on_loopback,
    )


_OPEN_ROOMS = ("models", "rebalance", "proposals")
_OPEN_SCOPES = frozenset(f"{room}:{verb}" for room in _OPEN_ROOMS for verb in ("read", "write"))
ANYONE = Principal(DEFAULT_TENANT, "anyone", _OPEN_SCOPES)
"""Who asks without a credential where the routes of requirements 001 and 003 are open."""


def require_unless_open(scope: str) -> Callable[[Request], Awaitable[Principal]]:
    """As :func:`require`, but no credential is :data:`ANYONE` where routes are open on loopback."""

    async def with_scope(request: Request) -> Principal:
        settings: Settings = request.app.state.settings
        is_open = settings.open_routes_enabled and settings.on_loopback
        who = ANYONE if is_open and credentials_of(request) == Credentials() else await principal(request)
        who.require(scope)
        return who

    return with_scope


async def transaction(request: Request) -> AsyncIterator[AsyncSession]:
    """The one transaction of a request; read-only for a GET."""
    database: Database = request.app.state.database
    async with database.reading() if request.method in _READING else database.transaction() as session:
        yield session


# Scope "function": committed before the response leaves, so that a client never hears of what was then undone.
Session = Annotated[AsyncSession, Depends(transaction, scope="function")]
