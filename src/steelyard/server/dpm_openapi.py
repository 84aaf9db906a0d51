"""The OpenAPI document of requirement 003 by itself, under the title that its clients know.

Everything is one application with one document at ``/openapi.json``; a client that checks the title,
tags and component names of its API finds them at ``/rebalance/openapi.json``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

TITLE, VERSION = "Private Banking Rebalance API", "0.1.0"
TAGS = (
    "DPM Simulation",
    "DPM What-If Analysis",
    "DPM Run Supportability",
    "Advisory Simulation",
    "Advisory Proposal Lifecycle",
)
"""The families of routes, in the order in which clients know them."""

_BASE, _REFERENCE = "/rebalance", "#/components/schemas/"


def install_dpm_document(app: FastAPI) -> None:
    """Serve the document."""

    @app.get(f"{_BASE}/openapi.json", include_in_schema=False)
    async def dpm_document() -> dict[str, Any]:
        return _part(app.openapi())


def _part(whole: dict[str, Any]) -> dict[str, Any]:
    paths = {path: item for path, item in whole["paths"].items() if path.startswith(f"{_BASE}/")}
    schemas: dict[str, Any] = whole["components"]["schemas"]
    needed: set[str] = set()
    waiting = set(_references(paths))
    while waiting:
        name = waiting.pop()
        needed.add(name)
        waiting |= set(_references(schemas[name])) - needed
    used = {tag for item in paths.values() for operation in item.values() for tag in operation["tags"]}
    return {
        "openapi": whole["openapi"],
        "info": {"title": TITLE, "version": VERSION},
        "tags": [{"name": tag} for tag in (*TAGS, *sorted(used.difference(TAGS))) if tag in used],
        "paths": paths,
        "components": {"schemas": {name: schemas[name] for name in sorted(needed)}},
    }


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "$ref" and isinstance(item, str):
                yield item.removeprefix(_REFERENCE)
            elif key == "mapping" and isinstance(item, dict):  # of a discriminator
                yield from (text.removeprefix(_REFERENCE) for text in item.values() if isinstance(text, str))
            else:
                yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)
