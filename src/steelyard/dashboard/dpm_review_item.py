"""A run in the queue of reviews: what it is, why it waits, and deciding it; once decided it stays and says so."""

from __future__ import annotations

from collections.abc import Sequence

from nicegui import ui

from steelyard.core.errors import ConflictError
from steelyard.dashboard import figures
from steelyard.dashboard.dpm_decision import CHOICES
from steelyard.dashboard.dpm_review import decision_buttons, reason_words, refusal_text, review_words, waited
from steelyard.dashboard.dpm_run_page import run_url
from steelyard.dashboard.dpm_words import words_of
from steelyard.dashboard.shell import badge, words
from steelyard.dashboard.visit import Visit
from steelyard.rebalance import reviews
from steelyard.rebalance.tables import DecisionRow, RunRow
from steelyard.rebalance.workflow import allowed


class ReviewItem:
    """One run of the queue."""

    def __init__(self, visit: Visit, run: RunRow, why: Sequence[str]) -> None:
        self._visit, self._run, self._why = visit, run, why

    def draw(self, latest: DecisionRow | None) -> None:
        """Lay it out with the latest decision, if there is one."""
        run = self._run
        with ui.element("article").classes("queue-item").props(f'aria-label="Run {run.id}"'):
            with ui.element("div").classes("stack tight"):
                with ui.element("div").classes("row"):
                    ui.link(run.portfolio_id, run_url(run.id)).classes("strong wrap-any")
                    badge(words_of(run.status).short, words_of(run.status).tone)
                    self._status = ui.element("span")
                traded = "" if run.trades is None else f", {figures.counted(run.trades, 'trade')}"
                ui.label(f"{run.id}, computed {waited(run)}{traded}").classes("note")
                with ui.element("ul").classes("points"):
                    for reason in self._why:
                        words("li", reason)
                self._said = ui.element("div").classes("stack tight").props("role=status")
            self._actions = ui.element("div").classes("row queue-actions")
        self._fill(latest)

    def _fill(self, latest: DecisionRow | None, problem: str = "") -> None:
        toggles = self._visit.rebalancing.toggles
        for place in (self._status, self._said, self._actions):
            place.clear()
        with self._status:
            badge(*review_words(toggles, self._run, latest))
        with self._said:
            if problem:
                ui.label(problem).classes("error")
            if latest is not None:
                ui.label(f"{reason_words(latest.reason_code)}, says {latest.actor_id}").classes("note strong")
                if latest.comment:
                    ui.label(latest.comment).classes("note")
        status = reviews.status_of(toggles, self._run, latest)
        if status == "PENDING_REVIEW":
            with self._actions:
                decision_buttons(
                    self._visit,
                    self._run,
                    [choice for choice in CHOICES if choice.action in allowed(status)],
                    seen=[] if latest is None else [latest.id],
                    decided=self._decided,
                    refused=self._refused,
                )

    async def _decided(self, decision: DecisionRow) -> None:
        self._fill(decision)

    async def _refused(self, refused: ConflictError) -> None:
        async with self._visit.database.reading() as session:
            self._fill(await reviews.latest_decision(session, self._run), refusal_text(refused))
