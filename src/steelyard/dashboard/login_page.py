"""`/login`: an API key opens a session.  A plain form: the key goes to the server once and is kept by no script."""

from __future__ import annotations

from fastapi import Request
from nicegui import ui

from steelyard.dashboard.shell import bare_shell, card, words
from steelyard.dashboard.theme import mode_of
from steelyard.dashboard.visit import own_path


def register() -> None:
    """Serve the page."""
    ui.page("/login", title="Log in · Steelyard")(_login)


async def _login(request: Request) -> None:
    target = own_path(request.query_params.get("next", "/"))
    with bare_shell(mode_of(request.cookies)), card("Log in"):
        ui.label("Enter an API key of yours. An operator makes one with: steelyard keys create").classes("note")
        with ui.element("form").props("action=/login method=post").classes("stack"):
            hidden = ui.element("input").props("type=hidden name=next")
            hidden.props["value"] = target
            with ui.element("div").classes("field"):
                words("label", "API key").props("for=api_key")
                field = ui.element("input").classes("plain").props("id=api_key name=api_key type=password")
                field.props("autocomplete=current-password required autofocus maxlength=256")
                if "refused" in request.query_params:
                    ui.label("The API key is unknown or revoked.").classes("error").props("role=alert")
            words("button", "Log in").classes("primary").props("type=submit")
