"""The review of a run as a panel: where it stands, what was decided so far, and deciding."""

from __future__ import annotations

from collections.abc import Sequence

from nicegui import ui

from steelyard.core import clock
from steelyard.core.errors import ConflictError
from steelyard.dashboard import figures
from steelyard.dashboard.dpm_decision import CHOICES, REASONS, Choice, Decided, DecisionDialog, Refused
from steelyard.dashboard.dpm_words import spoken
from steelyard.dashboard.shell import Tone, badge, card, cell, words
from steelyard.dashboard.visit import Visit
from steelyard.rebalance import reviews
from steelyard.rebalance.tables import DecisionRow, RunRow
from steelyard.rebalance.toggles import Toggles
from steelyard.rebalance.workflow import allowed

_COLUMNS = ("When (UTC)", "Decision", "By", "Reason", "Comment")
_DONE: dict[str, str] = {choice.action: choice.done for choice in CHOICES}


async def show_review(visit: Visit, run: RunRow) -> None:
    """Draw the card of a run's review; nothing where reviews are off, or nobody reviews a run of its status.

    It reads the decisions itself, and again after each decision made in it.
    """
    toggles = visit.rebalancing.toggles
    if not toggles.workflow:
        return
    async with visit.database.reading() as session:
        decisions = await reviews.decisions_of(session, run)
    if decisions or reviews.requires_review(toggles, run.status):
        ReviewPanel(visit, run).draw(decisions)


def review_words(toggles: Toggles, run: RunRow, latest: DecisionRow | None) -> tuple[str, Tone]:
    """Where the review of a run stands, and its tone."""
    status = reviews.status_of(toggles, run, latest)
    if status == "NOT_REQUIRED":
        return "Not needed", "neutral"
    if status == "PENDING_REVIEW":
        return ("Waits", "doubtful") if latest is None else (_DONE["REQUEST_CHANGES"], "doubtful")
    return (_DONE["APPROVE"], "good") if status == "APPROVED" else (_DONE["REJECT"], "bad")


def review_badge(toggles: Toggles, run: RunRow, latest: DecisionRow | None) -> None:
    """Where the review stands, in a pill; a dash where nobody asked for one."""
    if latest is None and not reviews.requires_review(toggles, run.status):
        ui.label(figures.UNDEFINED).classes("faint")
    else:
        badge(*review_words(toggles, run, latest))


def reason_words(code: str) -> str:
    """A reason in words; one of another program by its own."""
    return REASONS.get(code) or spoken(code)


def waited(run: RunRow) -> str:
    """How long ago a run was made."""
    minutes = max((clock.now() - run.created_at).total_seconds() / 60, 0)
    if minutes < 1:
        return "just now"
    if minutes < 90:
        return f"{figures.counted(round(minutes), 'minute')} ago"
    hours = minutes / 60
    return f"{round(hours)} hours ago" if hours < 48 else f"{hours / 24:,.0f} days ago"


class ReviewPanel:
    """A card that draws itself anew after each decision."""

    def __init__(self, visit: Visit, run: RunRow) -> None:
        self._visit, self._run = visit, run

    def draw(self, decisions: Sequence[DecisionRow]) -> None:
        """Lay it out with the decisions there are, oldest first."""
        with card("Review", classes="review"):
            self._conflict = ui.label().classes("banner").props("role=alert")
            self._conflict.set_visibility(False)
            self._body = ui.element("div").classes("stack")
        self._fill(decisions)

    def _fill(self, decisions: Sequence[DecisionRow]) -> None:
        run, toggles = self._run, self._visit.rebalancing.toggles
        latest = decisions[-1] if decisions else None
        status = reviews.status_of(toggles, run, latest)
        self._body.clear()
        with self._body:
            with ui.element("div").classes("row"):
                badge(*review_words(toggles, run, latest))
                ui.label(self._sentence(latest)).classes("soft")
            decision_buttons(
                self._visit,
                run,
                [choice for choice in CHOICES if choice.action in allowed(status)],
                seen=[decision.id for decision in decisions],
                decided=self._decided,
                refused=self._refused,
            )
            if decisions:
                _draw_decisions(decisions)

    def _sentence(self, latest: DecisionRow | None) -> str:
        if latest is None:
            return f"Computed {waited(self._run)}; nobody has decided yet."
        return f"by {latest.actor_id}, {figures.moment(latest.decided_at)} UTC"

    async def _decided(self, _: DecisionRow) -> None:
        self._conflict.set_visibility(False)
        await self._again()

    async def _refused(self, refused: ConflictError) -> None:
        self._conflict.set_text(refusal_text(refused))
        self._conflict.set_visibility(True)
        await self._again()

    async def _again(self) -> None:
        async with self._visit.database.reading() as session:
            self._fill(await reviews.decisions_of(session, self._run))


def decision_buttons(
    visit: Visit, run: RunRow, choices: Sequence[Choice], *, seen: Sequence[str], decided: Decided, refused: Refused
) -> None:
    """A button for each choice, for those who may decide; the callbacks hear what came of it."""
    if not choices:
        return
    if not visit.principal.may("rebalance:write"):
        ui.label("You may look at this, and not decide it.").classes("note")
        return
    with ui.element("div").classes("row"):
        for choice in choices:
            asking = DecisionDialog(visit, run, choice, seen=seen, decided=decided, refused=refused)
            words("button", choice.verb).classes(choice.button).props("type=button").on("click", asking.open)


def refusal_text(refused: ConflictError) -> str:
    """A conflict in words: somebody was faster, or there is nothing to decide any more."""
    if refused.code == "DPM_WORKFLOW_NOT_REQUIRED_FOR_RUN_STATUS":
        return "This run needs no review any more; nothing was written."
    return "Somebody else decided meanwhile; yours was not written. This is how it stands now:"


def _draw_decisions(decisions: Sequence[DecisionRow]) -> None:
    with ui.element("div").classes("scroll"), ui.element("table").classes("table cards compact").mark("decisions"):
        with ui.element("thead"), ui.element("tr"):
            for name in _COLUMNS:
                words("th", name)
        with ui.element("tbody"):
            for decision in reversed(decisions):
                with ui.element("tr"):
                    draw_decision(decision)


def draw_decision(decision: DecisionRow) -> None:
    """The cells of a decision."""
    cell("When (UTC)", figures.moment(decision.decided_at)).classes("soft")
    cell("Decision", _DONE.get(decision.action, spoken(decision.action))).classes("strong")
    cell("By", decision.actor_id).classes("wrap-any")
    cell("Reason", reason_words(decision.reason_code)).props["title"] = decision.reason_code
    cell("Comment", decision.comment or "").classes("wrap soft wrap-any")
