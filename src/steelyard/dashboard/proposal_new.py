"""A new proposal, or a new version of one, from the JSON of a request: pasted, uploaded, or the demo's."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from nicegui import ui
from nicegui.events import UploadEventArguments

from steelyard.core.errors import InvalidInputError, SteelyardError
from steelyard.dashboard.proposal_parts import stored
from steelyard.dashboard.shell import words
from steelyard.dashboard.visit import Visit
from steelyard.proposals.asked import Asked
from steelyard.proposals.demo import demo_request
from steelyard.proposals.drafts import ProposalDraft, VersionDraft
from steelyard.proposals.lifecycle_schemas import ProposalCreateRequest, ProposalVersionRequest
from steelyard.proposals.service import Stored
from steelyard.proposals.tables import ProposalRow
from steelyard.proposals.web import WRITE
from steelyard.rebalance.wire import MalformedBodyError, read_carefully

PASTED_CHARACTERS_MAX = 200_000
"""Characters that may be pasted; more come as a file."""
FAULTS_SHOWN = 6

_STYLE = "outlined dense hide-bottom-space"
Submit = Callable[[Asked, dict[str, Any], str], Awaitable[Stored]]


def new_proposal_button(visit: Visit) -> None:
    """A button that opens the form of a new proposal."""

    async def submit(asked: Asked, body: dict[str, Any], key: str) -> Stored:
        return await stored(visit).create(asked, read_carefully(body, ProposalCreateRequest, ProposalDraft), key)

    form = _Form(visit, "New proposal", submit, has_title=True)
    words("button", "New proposal").classes("primary").props("type=button").on("click", form.open)


def new_version_button(visit: Visit, proposal: ProposalRow, *, request: Mapping[str, Any]) -> None:
    """A button that opens the form of another version of a proposal, with the last one's request in it."""

    async def submit(asked: Asked, body: dict[str, Any], _: str) -> Stored:
        draft = read_carefully(body, ProposalVersionRequest, VersionDraft)
        return await stored(visit).add_version(asked, proposal.id, draft)

    form = _Form(visit, f"New version for {proposal.portfolio_id}", submit, has_title=False, request=request)
    words("button", "New version").classes("quiet").props("type=button").on("click", form.open)


def body_of(text: str | bytes, *, created_by: str, title: str) -> dict[str, Any]:
    """The body that the API takes, from the JSON of a simulation's request or from a whole such body.

    Raises:
        InvalidInputError: it is no JSON, or no object.
    """
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"This is no JSON: {error}", code="INVALID_JSON") from None
    if not isinstance(given, dict):
        raise InvalidInputError("The JSON of a request begins with {", code="INVALID_JSON")
    metadata = given.get("metadata") if "simulate_request" in given else None
    metadata = metadata if isinstance(metadata, dict) else {}
    return {
        "created_by": created_by,
        "simulate_request": given.get("simulate_request", given),
        "metadata": metadata | ({"title": title} if title else {}),
    }


def faults_of(error: MalformedBodyError) -> list[str]:
    """The first faults of a request, each with its place."""
    shown = [f"{_place(fault['loc'])}: {fault['msg']}" for fault in error.errors[:FAULTS_SHOWN]]
    more = len(error.errors) - len(shown)
    return shown + ([f"and {more:,} more"] if more > 0 else [])


def _place(where: Sequence[Any]) -> str:
    return ".".join(str(step) for step in where if step not in ("body", "simulate_request")) or "the request"


class _Form:
    """The dialog.  Its key makes one proposal of two clicks."""

    def __init__(
        self,
        visit: Visit,
        headline: str,
        submit: Submit,
        *,
        has_title: bool,
        request: Mapping[str, Any] | None = None,
    ) -> None:
        self._visit, self._submit = visit, submit
        self._key, self._file = "", b""
        with ui.dialog() as self._dialog, ui.card().classes("form wide-form"):
            words("h2", headline)
            with ui.element("div").classes("grid-2"):
                self._maker = ui.input("Made by", value=visit.principal.subject).props(f"{_STYLE} maxlength=200")
                self._title = ui.input("Title").props(f"{_STYLE} maxlength=500")
                self._title.set_visibility(has_title)
            self._draw_request(request)
            self._faults = ui.element("div").classes("stack tight").props("role=alert")
            with ui.element("div").classes("row"):
                self._go = words("button", "Create").classes("primary").props("type=button").on("click", self._create)
                words("button", "Cancel").classes("quiet").props("type=button").on("click", self._dialog.close)

    def open(self) -> None:
        """Open it; what was typed before is still there."""
        self._key = f"dashboard-{secrets.token_hex(12)}"
        self._faults.clear()
        self._dialog.open()

    def _draw_request(self, request: Mapping[str, Any] | None) -> None:
        self._text = ui.textarea("Request as JSON", value=_pretty(request) if request else "").classes("mono-area")
        self._text.props(f"{_STYLE} maxlength={PASTED_CHARACTERS_MAX} input-style='height: 260px'")
        with ui.element("div").classes("row"):
            upload = ui.upload(
                on_upload=self._take,
                on_rejected=lambda: self._say(["The file is too large."]),
                max_file_size=self._visit.settings.body_bytes_max,
                auto_upload=True,
            )
            upload.props('accept=".json,application/json"').classes("hidden")
            self._upload = upload
            words("button", "Upload a file").classes("quiet").props("type=button").on(
                "click", lambda: upload.run_method("pickFiles")
            )
            words("button", "Use the demo example").classes("quiet").props("type=button").on("click", self._use_demo)
            self._name = ui.label().classes("note")

    async def _take(self, upload: UploadEventArguments) -> None:
        content = await upload.file.read()
        self._upload.reset()
        self._name.set_text(f"{upload.file.name}, {len(content):,} bytes")
        if len(content) <= PASTED_CHARACTERS_MAX:
            self._file = b""
            self._text.set_value(content.decode(errors="replace"))
        else:
            self._file = content
            self._text.set_value("")

    def _use_demo(self) -> None:
        self._file = b""
        self._name.set_text("A made-up portfolio")
        self._text.set_value(_pretty(demo_request()))

    async def _create(self) -> None:
        self._faults.clear()
        self._go.props("disabled")
        try:
            principal = await self._visit.still(WRITE)
            text: str | bytes = self._text.value or self._file
            body = body_of(text, created_by=self._maker.value or "", title=(self._title.value or "").strip())
            made = await self._submit(Asked.by(principal), body, self._key)
        except MalformedBodyError as refused:
            self._say(faults_of(refused))
        except SteelyardError as refused:
            if refused.http_status == 500:
                raise
            self._say([refused.message])
        else:
            ui.navigate.to(f"/proposals/{made.proposal_id}")
        finally:
            self._go.props(remove="disabled")

    def _say(self, faults: Sequence[str]) -> None:
        with self._faults:
            for fault in faults:
                ui.label(fault).classes("error wrap-any")


def _pretty(request: Mapping[str, Any]) -> str:
    text = json.dumps(request, indent=2, ensure_ascii=False)
    return text if len(text) <= PASTED_CHARACTERS_MAX else ""
