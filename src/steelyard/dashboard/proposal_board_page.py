"""`/proposals`: the proposals there are by the state they are in, and how to begin one."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from fastapi import Request
from nicegui import ui
from starlette.responses import Response

from steelyard.dashboard import figures
from steelyard.dashboard.proposal_new import new_proposal_button
from steelyard.dashboard.proposal_parts import state_badge, stored
from steelyard.dashboard.proposal_words import STATES, said_of
from steelyard.dashboard.shell import card, cell, shell, title, words
from steelyard.dashboard.visit import Visit, arrive, to_login
from steelyard.proposals import store
from steelyard.proposals.board import Lane, board
from steelyard.proposals.tables import ProposalRow
from steelyard.proposals.web import READ, WRITE

CARDS_EACH = 12
"""Proposals that a lane shows; its list has the others."""
PAGE_PROPOSALS = 30

_COLUMNS = (
    ("Proposal", ""), ("State", ""), ("Portfolio", ""), ("Made by", ""), ("Version", "num"), ("Created (UTC)", "num"),
    ("Last event (UTC)", "num"),
)  # fmt: skip


def register() -> None:
    """Serve the page."""
    ui.page("/proposals", title="Proposals · Steelyard")(_proposals)


async def _proposals(
    request: Request, portfolio: str = "", creator: str = "", state: str = "", cursor: str | None = None
) -> Response | None:
    visit = await arrive(request, scope=READ)
    if visit is None:
        return to_login(request)
    stored(visit)
    portfolio, creator = portfolio.strip(), creator.strip()
    with shell(visit, "/proposals"):
        with ui.element("div").classes("title-row"):
            title("Proposals", "What advisers propose to clients, from draft to execution.")
            if visit.principal.may(WRITE):
                new_proposal_button(visit)
        _search(portfolio, creator, state)
        if state:
            await _list(visit, portfolio, creator, state, cursor)
        else:
            await _board(visit, portfolio, creator)
    return None


def _search(portfolio: str, creator: str, state: str) -> None:
    def go() -> None:
        ui.navigate.to(_address((wanted.value or "").strip(), (maker.value or "").strip(), state))

    style = "outlined dense hide-bottom-space clearable"
    with ui.element("div").classes("row board-search").props('role="search"'):
        wanted = ui.input("Portfolio", value=portfolio).props(style).on("keydown.enter", go)
        maker = ui.input("Made by", value=creator).props(style).on("keydown.enter", go)
        words("button", "Search").classes("quiet").props("type=button").on("click", go)
        if portfolio or creator or state:
            ui.link("All proposals", "/proposals").classes("quiet")


async def _board(visit: Visit, portfolio: str, creator: str) -> None:
    async with visit.database.reading() as session:
        lanes = await board(
            session, visit.principal.tenant, each=CARDS_EACH, portfolio_id=portfolio or None, created_by=creator or None
        )
    if not any(lane.count for lane in lanes):
        with card():
            said = "No proposal is of that portfolio and maker." if portfolio or creator else "No proposal yet."
            ui.label(f"{said} Make one with New proposal.").classes("empty")
        return
    with ui.element("div").classes("lanes").mark("board"):
        for lane in lanes:
            _lane(lane, portfolio, creator)


def _lane(lane: Lane, portfolio: str, creator: str) -> None:
    name = said_of(STATES, lane.states[0]) if len(lane.states) == 1 else "Ended"
    with ui.element("section").classes("lane" if lane.count else "lane is-empty"):
        with ui.element("div").classes("lane-head"):
            words("h2", name)
            ui.label(figures.count(lane.count)).classes("lane-count")
        for proposal in lane.newest:
            _card(proposal, is_ended=len(lane.states) > 1)
        if lane.count > len(lane.newest):
            for state in lane.states:
                text = "All of them" if len(lane.states) == 1 else f"All {said_of(STATES, state).lower()}"
                ui.link(text, _address(portfolio, creator, state)).classes("lane-more")


def _card(proposal: ProposalRow, *, is_ended: bool) -> None:
    with ui.link(target=f"/proposals/{proposal.id}").classes("lane-card"):
        ui.label(_name(proposal)).classes("strong wrap-any")
        if proposal.title:
            ui.label(proposal.portfolio_id).classes("note")
        ui.label(f"{proposal.created_by}, version {proposal.current_version_no}").classes("note")
        ui.label(figures.moment(proposal.last_event_at)).classes("faint small")
        if is_ended:
            with ui.element("div").classes("row"):
                state_badge(proposal.current_state)


async def _list(visit: Visit, portfolio: str, creator: str, state: str, cursor: str | None) -> None:
    async with visit.database.reading() as session:
        found, following = await store.page_of_proposals(
            session,
            visit.principal.tenant,
            limit=PAGE_PROPOSALS,
            cursor=cursor,
            current_state=state,
            portfolio_id=portfolio or None,
            created_by=creator or None,
        )
    with card(said_of(STATES, state)):
        if found:
            _table(found)
        else:
            ui.label("No proposal is in this state.").classes("empty")
        if following:
            with ui.element("div").classes("row"):
                ui.link("Older", _address(portfolio, creator, state, following)).classes("quiet")


def _table(found: Sequence[ProposalRow]) -> None:
    with ui.element("div").classes("scroll"), ui.element("table").classes("table cards").mark("proposals"):
        with ui.element("thead"), ui.element("tr"):
            for name, kind in _COLUMNS:
                words("th", name).classes(kind)
        with ui.element("tbody"):
            for proposal in found:
                with ui.element("tr"):
                    with cell("").classes("wrap"):
                        ui.link(_name(proposal), f"/proposals/{proposal.id}").classes("strong")
                    with cell("State"):
                        state_badge(proposal.current_state)
                    cell("Portfolio", proposal.portfolio_id).classes("wrap")
                    cell("Made by", proposal.created_by).classes("wrap")
                    cell("Version", str(proposal.current_version_no), is_number=True)
                    cell("Created (UTC)", figures.moment(proposal.created_at), is_number=True).classes("soft")
                    cell("Last event (UTC)", figures.moment(proposal.last_event_at), is_number=True).classes("soft")


def _name(proposal: ProposalRow) -> str:
    return proposal.title or proposal.portfolio_id


def _address(portfolio: str, creator: str, state: str = "", cursor: str = "") -> str:
    asked = {"portfolio": portfolio, "creator": creator, "state": state, "cursor": cursor}
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"/proposals?{query}" if query else "/proposals"
