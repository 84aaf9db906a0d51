"""What happened to a proposal, and its versions side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from nicegui import ui

from steelyard.dashboard import figures
from steelyard.dashboard.proposal_sections import draw_block
from steelyard.dashboard.proposal_words import EVENTS, STATES, said_of
from steelyard.dashboard.shell import badge, card, words
from steelyard.dashboard.visit import Visit
from steelyard.proposals import store
from steelyard.proposals.client_parts import tone_of
from steelyard.proposals.client_words import STATUS_SHORT
from steelyard.proposals.desk_sections import difference_section
from steelyard.proposals.difference import difference
from steelyard.proposals.tables import EventRow, ProposalRow, VersionRow
from steelyard.proposals.version_evidence import artifact_of

VERSIONS_SHOWN = 50
EVENTS_SHOWN = 100


def draw_timeline(events: Sequence[EventRow]) -> None:
    """Everything that happened, newest first."""
    with card("History"), ui.element("ol").classes("timeline"):
        for event in reversed(events[-EVENTS_SHOWN:]):
            _event(event)
        if len(events) > EVENTS_SHOWN:
            with ui.element("li"):
                ui.label("Older events are in the API's answer.").classes("note")


def _event(event: EventRow) -> None:
    reason: dict[str, Any] = msgspec.json.decode(event.reason)
    with ui.element("li"):
        with ui.element("div").classes("row"):
            ui.label(said_of(EVENTS, event.event_type)).classes("strong")
            if event.from_state and event.from_state != event.to_state:
                ui.label(f"{said_of(STATES, event.from_state)} → {said_of(STATES, event.to_state)}").classes("note")
        version = f", version {event.related_version_no}" if event.related_version_no else ""
        ui.label(f"{event.actor_id}, {figures.moment(event.occurred_at)} UTC{version}").classes("note")
        for line in reason_lines(reason):
            ui.label(line).classes("wrap-any quote")


def reason_lines(reason: Mapping[str, Any]) -> list[str]:
    """What an event's reason says, a line each."""
    lines = []
    for name, value in reason.items():
        match name, value:
            case "comment", str():
                lines.append(value)
            case "override", {"note": note}:
                lines.append(f"Accepted although it asked for a review: {note}")
            case "four_eyes", {"given": given, "needed": needed}:
                lines.append(f"{given} of {needed} approvals")
            case "correlation_id", str():
                continue
            case _:
                text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
                lines.append(f"{name.replace('_', ' ')}: {text}")
    return lines


def draw_versions(visit: Visit, proposal: ProposalRow, versions: Sequence[VersionRow], shown: int) -> None:
    """The versions, newest first, and a choice of two to compare."""
    newest = sorted(versions, key=lambda version: -version.version_no)[:VERSIONS_SHOWN]
    with card("Versions"):
        _list(proposal, newest, shown)
        if len(versions) > 1:
            _draw_choice(visit, proposal, [version.version_no for version in newest], shown)


def _list(proposal: ProposalRow, versions: Sequence[VersionRow], shown: int) -> None:
    with ui.element("ul").classes("timeline").mark("versions"):
        for version in versions:
            target = f"/proposals/{proposal.id}?version={version.version_no}"
            with ui.element("li"):
                with ui.element("div").classes("row"):
                    link = ui.link(f"Version {version.version_no}", target)
                    link.classes("strong" if version.version_no == shown else "")
                    badge(said_of(STATUS_SHORT, version.status_at_creation), tone_of(version.status_at_creation))
                ui.label(f"{version.created_by}, {figures.moment(version.created_at)} UTC").classes("note")


def _draw_choice(visit: Visit, proposal: ProposalRow, numbers: Sequence[int], shown: int) -> None:
    other = next(number for number in numbers if number != shown)
    choices = {number: str(number) for number in numbers}
    style = "outlined dense options-dense"

    async def compare() -> None:
        place.clear()
        async with visit.database.reading() as session:
            pair = [await store.version_of(session, proposal, number) for number in (first.value, second.value)]
        section = difference_section(
            difference(*map(artifact_of, pair)), first=pair[0].version_no, second=pair[1].version_no
        )
        with place:
            words("h2", section.headline)
            for block in section.blocks:
                draw_block(block)

    with ui.element("div").classes("row"):
        first = ui.select(choices, value=min(shown, other), label="Compare version").props(style).classes("grow")
        second = ui.select(choices, value=max(shown, other), label="with").props(style).classes("grow")
        words("button", "Compare").classes("quiet").props("type=button").on("click", compare)
    place = ui.element("div").classes("parts").props("id=difference")
