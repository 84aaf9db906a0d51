"""`/rebalances/{id}`: one recorded run: its result, where it comes from, and its documents to take away."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import msgspec
from fastapi import Request
from nicegui import ui
from starlette.responses import Response

from steelyard.dashboard import figures
from steelyard.dashboard.dpm_result import show_result, status_badge
from steelyard.dashboard.dpm_review import show_review
from steelyard.dashboard.shell import card, facts, shell, title, words
from steelyard.dashboard.visit import Visit, arrive, to_login
from steelyard.rebalance import runs, views
from steelyard.rebalance.artifact import hash_without
from steelyard.rebalance.service import NO_CORRELATION
from steelyard.rebalance.tables import RunRow
from steelyard.rebalance.toggles import require_enabled

HASH_CHARACTERS_MAX = 100
"""Characters of a hash to compare with."""


def register() -> None:
    """Serve the page."""
    ui.page("/rebalances/{run_id}", title="Rebalance · Steelyard", response_timeout=30)(_run)


def run_url(run_id: str) -> str:
    """The address of a run's page."""
    return f"/rebalances/{quote(run_id, safe='')}"


async def stored_run(visit: Visit, run_id: str) -> RunRow:
    """The run with its result, if runs may be read here and the visitor may read this one.

    Raises:
        NotFoundError: no such run, or reading runs is switched off.
    """
    service = visit.rebalancing
    service.require_store(service.stores.runs)
    require_enabled("DPM_SUPPORT_APIS", enabled=service.toggles.support_apis)
    async with visit.database.reading() as session:
        return await runs.run_by_id(session, service.shelf(visit.principal), run_id)


async def _run(request: Request, run_id: str) -> Response | None:
    visit = await arrive(request, scope="rebalance:read")
    if visit is None:
        return to_login(request)
    run = await stored_run(visit, run_id)
    result: dict[str, Any] = await asyncio.to_thread(msgspec.json.decode, run.result)
    ui.page_title(f"{run.portfolio_id} · Steelyard")
    with shell(visit, "/rebalances"):
        _head(visit, run, result)
        await show_review(visit, run)
        show_result(result)
        _provenance(visit, run)
    return None


def _head(visit: Visit, run: RunRow, result: dict[str, Any]) -> None:
    toggles = visit.rebalancing.toggles
    with ui.element("div").classes("title-row"):
        title(f"Portfolio {run.portfolio_id}", f"{run.id}, run {figures.moment(run.created_at)} UTC")
        with ui.element("div").classes("row"):
            status_badge(result)
            if visit.principal.may("rebalance:write"):
                ui.link("New rebalance", "/rebalances/new").classes("quiet")
            if toggles.artifacts:
                ui.link("Artifact", f"{run_url(run.id)}/artifact").classes("quiet").props("download")
            if toggles.support_bundle_apis:
                ui.link("Support bundle", f"{run_url(run.id)}/support-bundle").classes("quiet").props("download")


def _provenance(visit: Visit, run: RunRow) -> None:
    pairs = [
        ("Run", run.id),
        ("Correlation id", "none" if run.correlation_id == NO_CORRELATION else run.correlation_id),
        ("Idempotency key", run.idempotency_key or "none: a scenario of a what-if"),
        ("Portfolio", run.portfolio_id),
        ("Hash of the request", run.request_hash),
        ("Computed", f"{figures.moment(run.created_at)} UTC"),
    ]
    with card("Where this comes from", "The same request gives the same orders, digit for digit."):
        facts(pairs)
        if visit.rebalancing.toggles.artifacts:
            with ui.element("div").classes("stack"):
                ui.timer(0, lambda: _draw_artifact(visit, run), once=True)  # of thousands of positions it takes seconds


async def _draw_artifact(visit: Visit, run: RunRow) -> None:
    artifact = await _artifact(run)
    stored_hash = artifact["evidence"]["hashes"]["artifact_hash"]
    name = f"{artifact['artifact_id']}, version {artifact['artifact_version']}"
    facts([("Artifact", name), ("Hash of the artifact", stored_hash)])
    _draw_check(visit, run.id, stored_hash)


def _draw_check(visit: Visit, run_id: str, stored_hash: str) -> None:
    async def check() -> None:
        await visit.still("rebalance:read")
        found = await recomputed_hash(await stored_run(visit, run_id))
        wanted = (given.value or "").strip()
        is_same = found == wanted
        verdict.set_text("The same: nothing was changed since." if is_same else f"Not the same: the run gives {found}")
        verdict.classes(replace="ink-good strong" if is_same else "ink-bad wrap-any")

    with ui.element("div").classes("row check"):
        given = ui.input(value=stored_hash).classes("grow mono-input")
        given.props(f'outlined dense hide-bottom-space maxlength={HASH_CHARACTERS_MAX} aria-label="Hash to compare"')
        words("button", "Verify the artifact's hash").classes("quiet").props("type=button").on("click", check)
    verdict = ui.label("Paste the hash of a copy that you kept, or verify the one above: it is computed anew.")
    verdict.classes("note").props("role=status")


async def recomputed_hash(run: RunRow) -> str:
    """The hash of a run's artifact, computed from what is stored now; the one written in it plays no part."""
    return await asyncio.to_thread(hash_without, await _artifact(run), "artifact_hash")


async def _artifact(run: RunRow) -> dict[str, Any]:
    def read() -> dict[str, Any]:
        document: dict[str, Any] = msgspec.json.decode(views.artifact_bytes(run))
        return document

    return await asyncio.to_thread(read)
