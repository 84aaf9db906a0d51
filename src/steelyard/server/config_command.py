"""`steelyard config`: what is in effect, and what forbids a start in production."""

from __future__ import annotations

import os
from typing import Any

from rich.console import Console

from steelyard.infra.legacy_stores import LegacyStores
from steelyard.infra.settings import get_settings, masked, production_problems
from steelyard.infra.terminal import AsJson, print_json, table_of
from steelyard.proposals.toggles import ProposalToggles
from steelyard.rebalance.toggles import Toggles

SWITCHES = (Toggles, ProposalToggles, LegacyStores)
"""What else is read from the environment, under names that deployments set already."""


def config(as_json: AsJson = False) -> None:
    """Show the effective settings and switches, secrets masked, and what forbids a start in production."""
    settings = get_settings()
    problems = production_problems(settings)
    if as_json:
        found = [{"code": code, "message": sentence} for code, sentence in problems]
        print_json({"settings": masked(settings), "switches": switches(), "problems": found})
        return
    console = Console()
    for column, shown in (("Setting", masked(settings)), ("Switch", switches())):
        table = table_of(column, "Value")
        for name, value in shown.items():
            table.add_row(name, _text(value))
        console.print(table)
    for code, sentence in problems:
        console.print(f"[red]{code}[/red]: {sentence}")


def switches() -> dict[str, Any]:
    """The effective value of every switch, by its variable."""
    return {name: value for kind in SWITCHES for name, value in kind.read(os.environ).effective().items()}


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return "not set" if value is None or value == "" else str(value)
