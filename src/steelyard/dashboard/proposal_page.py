"""`/proposals/{id}`: one proposal: what it does, what was said of it, and what may be done with it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from fastapi import Request
from nicegui import ui
from starlette.responses import Response

from steelyard.dashboard import figures
from steelyard.dashboard.proposal_evidence import draw_evidence
from steelyard.dashboard.proposal_history import draw_timeline, draw_versions
from steelyard.dashboard.proposal_moves import draw_moves
from steelyard.dashboard.proposal_new import new_version_button
from steelyard.dashboard.proposal_parts import state_badge, stored
from steelyard.dashboard.proposal_sections import draw_section
from steelyard.dashboard.proposal_words import STANDING
from steelyard.dashboard.shell import card, shell, title
from steelyard.dashboard.visit import Visit, arrive, to_login
from steelyard.proposals import store
from steelyard.proposals.client_document import build_client_document
from steelyard.proposals.client_parts import Section
from steelyard.proposals.desk_sections import rules_section
from steelyard.proposals.lifecycle import OPEN
from steelyard.proposals.tables import EventRow, ProposalRow, VersionRow
from steelyard.proposals.version_evidence import artifact_of
from steelyard.proposals.web import READ, WRITE

_MAIN = ("summary", "rules", "allocation", "instruments", "trades", "suitability", "drift")
_REST = ("assumptions", "disclosures")


def register() -> None:
    """Serve the page."""
    ui.page("/proposals/{proposal_id}", title="Proposal · Steelyard", response_timeout=30)(_proposal)


@dataclass(frozen=True, slots=True)
class _Read:
    """What the page shows, all of one moment."""

    proposal: ProposalRow
    versions: Sequence[VersionRow]
    version: VersionRow
    events: Sequence[EventRow]
    artifact: dict[str, Any]
    sections: dict[str, Section]


async def _proposal(request: Request, proposal_id: str, version: int | None = None) -> Response | None:
    visit = await arrive(request, scope=READ)
    if visit is None:
        return to_login(request)
    stored(visit)
    read = await _read(visit, proposal_id, version)
    name = read.proposal.title or f"Proposal for {read.proposal.portfolio_id}"
    ui.page_title(f"{name} · Steelyard")
    with shell(visit, "/proposals"):
        _draw(visit, read, name)
    return None


async def _read(visit: Visit, proposal_id: str, number: int | None) -> _Read:
    async with visit.database.reading() as session:
        proposal = await store.proposal_by_id(session, visit.principal.tenant, proposal_id)
        versions = await store.versions_of(session, proposal)
        version = await store.version_of(session, proposal, number or proposal.current_version_no)
        events = await store.events_of(session, proposal)
    artifact, sections = await asyncio.to_thread(_sections, version)
    return _Read(proposal, versions, version, events, artifact, sections)


def _sections(version: VersionRow) -> tuple[dict[str, Any], dict[str, Section]]:
    artifact = artifact_of(version)
    sections = [*build_client_document(artifact).sections, rules_section(artifact)]
    return artifact, {section.key: section for section in sections}


def _draw(visit: Visit, read: _Read, name: str) -> None:
    proposal = read.proposal
    note = f"{proposal.id}, portfolio {proposal.portfolio_id}, made by {proposal.created_by}"
    with ui.element("div").classes("title-row"):
        title(name, f"{note}, {figures.moment(proposal.created_at)} UTC")
        _files(proposal, read.version)
    _standing(visit, read)
    with ui.element("div").classes("two wide-left"):
        with ui.element("div").classes("parts"):
            _draw_sections(read, _MAIN)
        with ui.element("div").classes("parts"):
            draw_timeline(read.events)
            draw_versions(visit, proposal, read.versions, read.version.version_no)
            draw_evidence(visit, proposal, read.version)
            _draw_sections(read, _REST)


def _standing(visit: Visit, read: _Read) -> None:
    """Where the proposal stands, and what may be done."""
    proposal, version = read.proposal, read.version
    is_current = version.version_no == proposal.current_version_no
    with card():
        with ui.element("div").classes("row"):
            state_badge(proposal.current_state)
            ui.label(STANDING.get(proposal.current_state, "")).classes("standing")
            ui.label(f"Version {version.version_no} of {proposal.current_version_no}").classes("note")
        if proposal.advisor_notes:
            ui.label(proposal.advisor_notes).classes("wrap-any quote")
        if not is_current:
            with ui.element("div").classes("banner row"):
                ui.label("This is an older version. Decisions are made on the newest.").classes("grow")
                ui.link("To the newest version", f"/proposals/{proposal.id}").classes("quiet")
            return
        if proposal.current_state in OPEN and visit.principal.may(WRITE):
            conflict = ui.element("div")
            with ui.element("div").classes("row").props('aria-label="Actions"'):
                breaches = msgspec.json.decode(version.soft_breaches, type=list[str])
                draw_moves(visit, proposal, breaches, conflict=conflict)
                new_version_button(visit, proposal, request=read.artifact["evidence_bundle"]["inputs"])


def _files(proposal: ProposalRow, version: VersionRow) -> None:
    with ui.element("div").classes("row").props('aria-label="Take away"'):
        for kind, text in (("pdf", "Client document, PDF"), ("html", "HTML"), ("json", "Artifact, JSON")):
            target = f"/proposals/{proposal.id}/versions/{version.version_no}/files/{kind}"
            ui.link(text, target, new_tab=kind == "html").classes("quiet")


def _draw_sections(read: _Read, keys: tuple[str, ...]) -> None:
    for key in keys:
        if section := read.sections.get(key):
            draw_section(section)
