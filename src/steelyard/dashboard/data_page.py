"""`/data`: the datasets there are, where they come from, and whether their files are what they promise."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from fastapi import Request
from nicegui import ui
from starlette.responses import Response

from steelyard.core.errors import SteelyardError
from steelyard.dashboard import figures
from steelyard.dashboard.shell import badge, card, facts, shell, title, words
from steelyard.dashboard.visit import arrive, to_login
from steelyard.market.manifest import Manifest
from steelyard.market.store import FileCheck, PriceStore

SYMBOLS_SHOWN = 40


def register() -> None:
    """Serve the page."""
    ui.page("/data", title="Data · Steelyard")(_data)


async def _data(request: Request) -> Response | None:
    visit = await arrive(request, scope="data:read")
    if visit is None:
        return to_login(request)
    store = PriceStore(visit.settings.data_dir)
    with shell(visit, "/data"):
        title("Data", "Every file is compared with the hash in its manifest before it is used, and now for this page.")
        try:
            manifests = await asyncio.to_thread(store.datasets)
        except SteelyardError as damaged:
            with ui.element("div").classes("banner is-bad").props("role=alert"):
                ui.label(damaged.message)
            return None
        if not manifests:
            with card():
                ui.label("No data yet. Import some with: steelyard data import FILE.csv --symbol NAME").classes("empty")
        states = {manifest.dataset: _dataset(manifest) for manifest in sorted(manifests, key=_real_first)}

    async def verify() -> None:
        checks: dict[str, list[FileCheck]] = defaultdict(list)
        for check in await asyncio.to_thread(store.verify):
            checks[check.dataset].append(check)
        for dataset, place in states.items():
            place.clear()
            with place:
                _verification(checks[dataset])

    ui.timer(0, verify, once=True)
    return None


def _real_first(manifest: Manifest) -> tuple[bool, str]:
    return manifest.source.synthetic, manifest.dataset


def _dataset(manifest: Manifest) -> ui.element:
    """Draw one dataset; returns where its verification is to be shown."""
    source = manifest.source
    files = [file for listing in manifest.symbols.values() for file in listing.files]
    names = sorted(manifest.symbols)
    more = f" and {len(names) - SYMBOLS_SHOWN:,} more" if len(names) > SYMBOLS_SHOWN else ""
    repairs = sum(len(listing.repairs) for listing in manifest.symbols.values())
    with card():
        with ui.element("div").classes("card-head"):
            with ui.element("div"):
                words("h2", manifest.dataset)
                ui.label(source.description).classes("note")
            with ui.element("div").classes("row"):
                if source.synthetic:
                    badge("Synthetic prices", "doubtful")
                place = ui.element("div").classes("row")
                with place:
                    badge("checking", "busy")
        facts(
            [
                ("Symbols", ", ".join(names[:SYMBOLS_SHOWN]) + more),
                ("Span", f"{min(file.first for file in files)[:10]} to {max(file.last for file in files)[:10]}"),
                ("Bars", f"{sum(file.rows for file in files):,} in {figures.counted(len(files), 'file')}"),
                ("Calendar", source.calendar),
                ("Source", source.uri),
                ("Licence", source.licence),
                ("Version", f"{manifest.version}, as of {manifest.snapshot_time[:10]}"),
                ("Repairs at import", f"{repairs:,}" if repairs else "none"),
                ("Manifest", manifest.hash),
            ]
        )
    return place


def _verification(checks: list[FileCheck]) -> None:
    problems = [check for check in checks if check.problem]
    if not problems:
        badge(f"{figures.counted(len(checks), 'file')} verified", "good")
        return
    badge(f"{len(problems):,} of {figures.counted(len(checks), 'file')} not as the manifest says", "bad")
    for check in problems[:5]:
        ui.label(str(check.problem)).classes("error")
