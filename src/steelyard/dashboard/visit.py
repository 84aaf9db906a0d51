"""Who visits a page, and what their page may use.  The browser never says which tenant it is: its session does."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse

from steelyard.core.errors import UnauthenticatedError
from steelyard.dashboard.install import PARENT
from steelyard.dashboard.theme import Mode, mode_of
from steelyard.infra.auth import DEVELOPER, Authenticator, Credentials
from steelyard.infra.database import Database
from steelyard.infra.jobs import Jobs
from steelyard.infra.principal import Principal
from steelyard.infra.sessions import COOKIE
from steelyard.infra.settings import Settings
from steelyard.models.composition import ModelParts
from steelyard.rebalance.operations import Operations
from steelyard.rebalance.service import Rebalancing

_LOOPBACK_NAMES = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class Visit:
    """A request for a page, or an action on one.

    Attributes:
        principal: whose data the page shows.
        has_session: False for the development principal, which has nothing to log out from.
    """

    app: FastAPI
    request: Request
    principal: Principal
    has_session: bool

    @property
    def database(self) -> Database:
        """Of the application."""
        database: Database = self.app.state.database
        return database

    @property
    def jobs(self) -> Jobs:
        """Of the application."""
        jobs: Jobs = self.app.state.jobs
        return jobs

    @property
    def settings(self) -> Settings:
        """Of the application."""
        settings: Settings = self.app.state.settings
        return settings

    @property
    def models(self) -> ModelParts:
        """Of the application: models, and who knows holdings and prices."""
        parts: ModelParts = self.app.state.model_parts
        return parts

    @property
    def rebalancing(self) -> Rebalancing:
        """Of the application: the use cases of DPM rebalances."""
        service: Rebalancing = self.app.state.rebalancing
        return service

    @property
    def rebalance_operations(self) -> Operations:
        """Of the application: what-if analyses in the background."""
        operations: Operations = self.app.state.rebalance_operations
        return operations

    @property
    def mode(self) -> Mode:
        """Light or dark."""
        return mode_of(self.request.cookies)

    async def still(self, scope: str) -> Principal:
        """Who acts now: a page may stay open longer than its session.

        Raises:
            UnauthenticatedError: the session has ended or its key was revoked.
            ForbiddenError: the scope is missing.
        """
        visit = await arrive(self.request, scope=scope)
        if visit is None:
            raise UnauthenticatedError("the session has ended; log in again", code="SESSION_ENDED")
        return visit.principal


async def arrive(request: Request, *, scope: str = "sweeps:read") -> Visit | None:
    """The visit of a request; None where someone must log in first.

    Raises:
        ForbiddenError: the visitor's scopes do not cover ``scope``.
    """
    app: FastAPI = request.scope.get(PARENT) or request.app
    authenticator: Authenticator = app.state.authenticator
    if session_id := request.cookies.get(COOKIE):
        try:
            principal = await authenticator.authenticate(Credentials(session_id=session_id))
        except UnauthenticatedError:
            pass
        else:
            principal.require(scope)
            return Visit(app, request, principal, has_session=True)
    if authenticator.admits_developer and _is_for_this_machine(request):
        return Visit(app, request, DEVELOPER, has_session=False)
    return None


def to_login(request: Request) -> RedirectResponse:
    """Off to the login page, and back here afterwards."""
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/login?next={quote(target, safe='')}", status_code=303)


def own_path(target: str) -> str:
    """``target`` where it is a path of this server, otherwise `/`: nobody is sent elsewhere after a login."""
    is_own = target.startswith("/") and not target.startswith(("//", "/\\")) and not urlsplit(target).netloc
    return target if is_own and target.isprintable() else "/"


def _is_for_this_machine(request: Request) -> bool:
    """Whether the address asked for is a loopback one: a name that someone else's DNS points here is not."""
    return request.url.hostname in _LOOPBACK_NAMES
