"""Deciding about a run: what is asked of the reviewer, and the one place where pages write a decision."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass

from nicegui import ui
from pydantic import ValidationError

from steelyard.core.errors import ConflictError, NotFoundError, SteelyardError
from steelyard.dashboard.shell import tell, words
from steelyard.dashboard.visit import Visit
from steelyard.rebalance import reviews
from steelyard.rebalance.limits import COMMENT_CHARACTERS_MAX, NAME_CHARACTERS_MAX
from steelyard.rebalance.run_schemas import DpmRunWorkflowActionRequest
from steelyard.rebalance.service import NO_CORRELATION
from steelyard.rebalance.tables import DecisionRow, RunRow
from steelyard.rebalance.toggles import require_enabled
from steelyard.rebalance.workflow import Action


@dataclass(frozen=True, slots=True)
class Choice:
    """An action as it is offered.

    Attributes:
        reasons: codes that are offered, with their words; any other can be given.
    """

    action: Action
    verb: str
    done: str
    question: str
    button: str
    comment: str
    reasons: Mapping[str, str]


CHOICES = (
    Choice(
        "APPROVE",
        "Approve",
        "Approved",
        "The orders of this run may be executed as they are.",
        "primary",
        "Comment, if there is something to say",
        {
            "REVIEWED": "Reviewed, nothing speaks against it",
            "WITHIN_MANDATE": "Within the mandate",
            "EXCEPTION_GRANTED": "An exception is granted",
        },
    ),
    Choice(
        "REQUEST_CHANGES",
        "Ask for changes",
        "Changes requested",
        "The run stays in the queue until somebody approves or rejects it.",
        "quiet",
        "What should change",
        {
            "CHECK_DATA": "Prices or holdings have to be checked",
            "ADJUST_LIMITS": "Other limits are to apply",
            "MORE_INFORMATION": "More information is needed",
        },
    ),
    Choice(
        "REJECT",
        "Reject",
        "Rejected",
        "The orders of this run must not be executed. A later request for changes takes this back.",
        "quiet danger",
        "Why, for whoever reads it later",
        {
            "OUTSIDE_MANDATE": "Outside the mandate",
            "OUTDATED": "Prices or holdings are out of date",
            "CLIENT_DECLINED": "The client does not want it",
        },
    ),
)
OTHER = ""
REASONS: Mapping[str, str] = {code: text for choice in CHOICES for code, text in choice.reasons.items()}

Decided = Callable[[DecisionRow], Awaitable[None]]
Refused = Callable[[ConflictError], Awaitable[None]]


async def decide(visit: Visit, run_id: str, body: Mapping[str, object], *, seen: Collection[str]) -> DecisionRow:
    """Write a decision about a run, by who acts now.

    Raises:
        ValidationError: the reason or the comment is not as the API wants it.
        NotFoundError: the run is kept no longer, or reviews are off.
        ConflictError: somebody decided what the reviewer has not seen, or the action is not possible now.
    """
    principal = await visit.still("rebalance:write")
    service = visit.rebalancing
    require_enabled("DPM_WORKFLOW", enabled=service.toggles.workflow)
    asked = DpmRunWorkflowActionRequest.model_validate({**body, "actor_id": principal.subject[:NAME_CHARACTERS_MAX]})
    async with visit.database.transaction() as session:
        run = await session.scalar(service.shelf(principal).query().where(RunRow.id == run_id))
        if run is None:
            raise NotFoundError(f"the run {run_id} is kept no longer", code="DPM_RUN_NOT_FOUND")
        return await reviews.review(
            session,
            service.toggles,
            principal,
            run,
            action=asked.action,
            reason_code=asked.reason_code,
            comment=asked.comment,
            actor_id=asked.actor_id,
            correlation_id=NO_CORRELATION,
            seen=seen,
        )


class DecisionDialog:
    """Asks for reason and comment, has them confirmed, and writes the decision."""

    def __init__(
        self, visit: Visit, run: RunRow, choice: Choice, *, seen: Collection[str], decided: Decided, refused: Refused
    ) -> None:
        self._visit, self._run, self._choice = visit, run, choice
        self._seen, self._decided, self._refused = seen, decided, refused

    def open(self) -> None:
        """Show it; it is gone once it is closed."""
        choice = self._choice
        with ui.dialog() as self._dialog, ui.card().classes("form").props("role=document"):
            words("h2", f"{choice.verb}: portfolio {self._run.portfolio_id}").classes("wrap-any")
            ui.label(self._question()).classes("note")
            reasons = {**choice.reasons, OTHER: "Another reason"}
            self._reason = ui.select(reasons, label="Reason", value=next(iter(reasons)))
            self._reason.props("outlined dense hide-bottom-space options-dense")
            self._code = ui.input("Code of the reason").classes("mono-input")
            self._code.props(f'outlined dense maxlength={NAME_CHARACTERS_MAX} hint="Capital letters, digits and _"')
            self._code.bind_visibility_from(self._reason, "value", value=OTHER)
            self._comment = ui.textarea(choice.comment)
            self._comment.props(f"outlined dense hide-bottom-space autogrow maxlength={COMMENT_CHARACTERS_MAX}")
            self._problem = ui.label().classes("error").props("role=alert")
            self._problem.set_visibility(False)
            with ui.element("div").classes("row"):
                self._go = words("button", choice.verb).classes(
                    "primary is-bad" if choice.action == "REJECT" else "primary"
                )
                self._go.props("type=button").on("click", self._confirm)
                words("button", "Cancel").classes("quiet").props("type=button").on("click", self._dialog.close)
        self._dialog.on("hide", self._dialog.delete)
        self._dialog.open()

    def _question(self) -> str:
        if self._choice.action == "APPROVE" and self._run.status == "BLOCKED":
            return "This run is blocked. To approve it says that it was seen; its orders must not be executed."
        return self._choice.question

    async def _confirm(self) -> None:
        self._problem.set_visibility(False)
        self._go.props("disabled")
        body = {
            "action": self._choice.action,
            "reason_code": self._reason.value or (self._code.value or "").strip(),
            "comment": (self._comment.value or "").strip() or None,
        }
        try:
            decision = await decide(self._visit, self._run.id, body, seen=self._seen)
        except ValidationError as refused:
            self._say(refused)
        except ConflictError as refused:
            self._dialog.close()
            await self._refused(refused)
        except SteelyardError as refused:
            tell(refused)
        else:
            self._dialog.close()
            ui.notify(f"{self._choice.done}: portfolio {self._run.portfolio_id}", type="positive", position="top")
            await self._decided(decision)
        finally:
            self._go.props(remove="disabled")

    def _say(self, refused: ValidationError) -> None:
        place = refused.errors()[0]["loc"][0]
        said = {
            "reason_code": "Give the code of the reason in capital letters, digits and _, beginning with a letter.",
            "comment": f"The comment is longer than {COMMENT_CHARACTERS_MAX:,} characters.",
        }
        self._problem.set_text(said.get(str(place), "This cannot be written."))
        self._problem.set_visibility(True)
