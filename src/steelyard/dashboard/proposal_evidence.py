"""The hashes of a version, and a button that computes them again."""

from __future__ import annotations

import asyncio

from nicegui import ui

from steelyard.dashboard.shell import badge, card, facts, words
from steelyard.dashboard.visit import Visit
from steelyard.proposals import store
from steelyard.proposals.evidence import Check, Verification
from steelyard.proposals.tables import ProposalRow, VersionRow
from steelyard.proposals.version_evidence import verify_version

_PARTS = {
    "artifact_hash": "Document",
    "request_hash": "Request",
    "replay": "Simulated again",
    "record": "Record in the database",
}


def draw_evidence(visit: Visit, proposal: ProposalRow, version: VersionRow) -> None:
    """What was promised when the version was made, and whether it still holds."""

    async def check() -> None:
        button.props("disabled")
        try:
            async with visit.database.reading() as session:
                row = await store.proposal_by_id(session, proposal.tenant, proposal.id)
                read = await store.version_of(session, row, version.version_no)
            outcome = await asyncio.to_thread(verify_version, row, read)
        finally:
            button.props(remove="disabled")
        place.clear()
        with place:
            _show(outcome)

    with card("Evidence", "Fingerprints of what was asked, what was answered and what the client was shown."):
        facts(
            [
                ("Request", version.request_hash),
                ("Simulation", version.simulation_hash),
                ("Document", version.artifact_hash),
            ]
        )
        with ui.element("div").classes("row"):
            button = words("button", "Verify").classes("quiet").props("type=button").on("click", check)
        place = ui.element("div").classes("stack tight").props("role=status")


def _show(outcome: Verification) -> None:
    with ui.element("div").classes("row"):
        if outcome.holds:
            badge("Everything holds", "good")
        else:
            badge("Not as it was made", "bad")
    for one in outcome.checks:
        with ui.element("div").classes("row"):
            badge("holds" if one.holds else "broken", "good" if one.holds else "bad")
            ui.label(_said(one)).classes("wrap-any")


def _said(check: Check) -> str:
    name = _PARTS[check.part]
    if check.holds:
        return f"{name}: the same"
    match check.part:
        case "replay":
            return f"{name}: different in {check.found}"
        case "record":
            return f"{name}: another {check.found}"
    return f"{name}: computed {check.found}"
