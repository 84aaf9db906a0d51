"""What may be done to a proposal in its state: a button each, a dialog that asks, and who was faster."""

from __future__ import annotations

from typing import cast

from nicegui import ui

from steelyard.core.errors import ConflictError, SteelyardError
from steelyard.dashboard.proposal_parts import stored
from steelyard.dashboard.proposal_words import MOVES, Move
from steelyard.dashboard.shell import words
from steelyard.dashboard.visit import Visit
from steelyard.proposals import store
from steelyard.proposals.client_words import gate_reason
from steelyard.proposals.lifecycle import State
from steelyard.proposals.limits import NOTES_CHARACTERS_MAX
from steelyard.proposals.tables import ProposalRow
from steelyard.proposals.web import WRITE
from steelyard.proposals.workflow import Approval, Transition

COMMENT_CHARACTERS_MAX = 2_000
_STYLE = "outlined dense hide-bottom-space"


def draw_moves(visit: Visit, proposal: ProposalRow, breaches: list[str], *, conflict: ui.element) -> None:
    """A button for each move.

    Args:
        visit: of whom may write.
        proposal: as the page shows it; a move is made only if it still is so.
        breaches: codes for which the current version asks for a review.
        conflict: where to say that somebody was faster.
    """
    for move in MOVES.get(cast("State", proposal.current_state), ()):
        dialog = _Dialog(visit, proposal, move, breaches=breaches, conflict=conflict)
        classes = "quiet danger" if move.kind == "danger" else move.kind
        words("button", move.label).classes(classes).props("type=button").on("click", dialog.open)


class _Dialog:
    """Asks whether a move is meant, and makes it."""

    def __init__(
        self,
        visit: Visit,
        proposal: ProposalRow,
        move: Move,
        *,
        breaches: list[str],
        conflict: ui.element,
    ) -> None:
        self._visit, self._move, self._conflict = visit, move, conflict
        self._proposal_id, self._version_no = proposal.id, proposal.current_version_no
        self._state = cast("State", proposal.current_state)
        with ui.dialog() as self._dialog, ui.card().classes("form"):
            words("h2", move.label)
            ui.label(move.question)
            self._actor = ui.input("Done by", value=visit.principal.subject).props(f"{_STYLE} maxlength=200")
            self._comment = ui.textarea("Comment, if there is one")
            self._comment.props(f"{_STYLE} autogrow maxlength={COMMENT_CHARACTERS_MAX}")
            self._note: ui.textarea | None = None
            self._note_is_required = False
            if move.approves and breaches:
                self._draw_override(breaches)
            self._refusal = ui.label().classes("error wrap-any").props("role=alert")
            with ui.element("div").classes("row"):
                kind = "quiet danger" if move.kind == "danger" else "primary"
                self._go = words("button", "Yes, do it").classes(kind).props("type=button").on("click", self._do)
                words("button", "No").classes("quiet").props("type=button").on("click", self._dialog.close)

    def open(self) -> None:
        """Ask."""
        self._refusal.set_text("")
        self._dialog.open()

    def _draw_override(self, breaches: list[str]) -> None:
        required = stored(self._visit).toggles.override_note_required
        self._note_is_required = required and self._move.approval != "CLIENT_CONSENT"
        ending = "Say why that is accepted." if self._note_is_required else "You may say why that is accepted."
        found = " ".join(dict.fromkeys(gate_reason({"reason_code": code}) for code in breaches))
        ui.label(f"{found} {ending}").classes("note")
        self._note = ui.textarea("Why it is accepted").props(f"{_STYLE} autogrow maxlength={NOTES_CHARACTERS_MAX}")

    async def _do(self) -> None:
        self._refusal.set_text("")
        if self._note_is_required and not self._override:
            self._refusal.set_text("Say why it is accepted although something in it asked for a review.")
            return
        self._go.props("disabled")
        try:
            await self._move_it()
        except ConflictError as refused:
            if refused.code != "STATE_CONFLICT":
                self._refusal.set_text(refused.message)
                return
            self._dialog.close()
            self._tell_conflict()
        except SteelyardError as refused:
            if refused.http_status == 500:
                raise
            self._refusal.set_text(refused.message)
        else:
            self._dialog.close()
            ui.navigate.reload()
        finally:
            self._go.props(remove="disabled")

    @property
    def _override(self) -> str | None:
        return None if self._note is None else (self._note.value or "").strip() or None

    async def _move_it(self) -> None:
        """Make the move if the proposal still is where this page showed it."""
        principal = await self._visit.still(WRITE)
        service, move = stored(self._visit), self._move
        actor = (self._actor.value or "").strip() or principal.subject
        comment = (self._comment.value or "").strip()
        said = {"comment": comment} if comment else {}
        async with self._visit.database.transaction() as session:
            row = await store.proposal_by_id(session, principal.tenant, self._proposal_id, to_change=True)
            if row.current_version_no != self._version_no:
                raise ConflictError("there is a newer version than the one on this page", code="STATE_CONFLICT")
            if move.approval is not None:
                approval = Approval(
                    move.approval,
                    move.approved,
                    actor,
                    self._state,
                    said,
                    self._version_no,
                    override_note=self._override,
                )
                await service.approve(session, principal, self._proposal_id, approval)
            elif move.event is not None:
                wanted = Transition(move.event, actor, self._state, said, self._version_no)
                await service.transition(session, principal, self._proposal_id, wanted)

    def _tell_conflict(self) -> None:
        self._conflict.clear()
        with self._conflict, ui.element("div").classes("banner is-bad row").props("role=alert"):
            ui.label(
                "Somebody was faster: the proposal has moved on since this page was opened. Nothing was done."
            ).classes("grow")
            words("button", "Reload").classes("quiet").props("type=button").on("click", ui.navigate.reload)
