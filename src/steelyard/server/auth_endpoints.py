"""Log in with an API key for a browser session, log out, and ask who one is."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from steelyard.infra.audit import record
from steelyard.infra.auth import Authenticator
from steelyard.infra.principal import Principal
from steelyard.infra.sessions import COOKIE, close_session, open_session
from steelyard.infra.settings import Settings
from steelyard.infra.web import CurrentPrincipal, Session, set_session_cookie

router = APIRouter(prefix="/api/v1/auth", tags=["auth"])


class Login(BaseModel):
    """The key to open a session with."""

    api_key: Annotated[str, Field(min_length=1, max_length=256)]


@router.post("/login")
async def login(body: Login, request: Request, response: Response, session: Session) -> dict[str, Any]:
    """Open a session; its id travels in a cookie that no script can read."""
    authenticator: Authenticator = request.app.state.authenticator
    settings: Settings = request.app.state.settings
    principal = await authenticator.by_key(body.api_key)
    session_id = await open_session(session, principal, lifetime_hours=settings.session_lifetime_hours)
    record(session, principal, "session.open", principal.subject)
    set_session_cookie(response, session_id, settings)
    return {"success": True, "user": _shown(principal)}


@router.post("/logout")
async def logout(request: Request, response: Response, session: Session) -> dict[str, Any]:
    """End the session of the cookie; without one there is nothing to do."""
    if session_id := request.cookies.get(COOKIE):
        await close_session(session, session_id)
    response.delete_cookie(COOKIE)
    return {"success": True}


@router.get("/me")
async def me(principal: CurrentPrincipal) -> dict[str, Any]:
    """Who the credential stands for."""
    return _shown(principal)


def _shown(principal: Principal) -> dict[str, Any]:
    return {"tenant": principal.tenant, "subject": principal.subject, "scopes": sorted(principal.scopes)}
