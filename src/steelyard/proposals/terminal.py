"""Proposals in the terminal, from their plain values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape

from steelyard.infra.terminal import table_of
from steelyard.proposals.evidence import Verification
from steelyard.proposals.lifecycle import RULES
from steelyard.rebalance.terminal import print_filled, print_impact, print_orders_and_rules, print_verdict

_COLOURS = {"HIGH": "red", "MEDIUM": "yellow", "LOW": "dim"}


def print_proposal(console: Console, result: Mapping[str, Any]) -> None:
    """What a proposal does: weights, orders, rules, suitability."""
    print_verdict(console, result)
    print_impact(console, result)
    print_orders_and_rules(console, result)
    issues = table_of("Suitability", "Severity", "Change", "What")
    for issue in (result["suitability"] or {}).get("issues", ()):
        colour, severity = _COLOURS[issue["severity"]], issue["severity"]
        words = (escape(issue["issue_id"]), f"[{colour}]{severity}[/{colour}]", issue["status_change"])
        issues.add_row(*words, escape(issue["summary"]))
    print_filled(console, issues)


def print_stored(console: Console, view: Mapping[str, Any]) -> None:
    """A stored proposal with one of its versions."""
    proposal, version = view["proposal"], view["current_version"]
    title = f" {escape(proposal['title'])}," if proposal["title"] else ""
    console.print(f"[bold]{proposal['proposal_id']}[/bold]{title} portfolio {escape(proposal['portfolio_id'])}")
    made = f"by {escape(proposal['created_by'])} on {proposal['created_at'][:19]}"
    console.print(
        f"{proposal['current_state']}, version {version['version_no']} of {proposal['current_version_no']}, {made}"
    )
    print_proposal(console, version["proposal_result"])
    console.print(f"artifact {version['artifact_hash']}", highlight=False)
    possible = [rule.event for rule in RULES if proposal["current_state"] in rule.sources]
    console.print(f"possible now: {', '.join(possible) or 'nothing; it has ended'}", highlight=False)


def print_list(console: Console, views: Iterable[Mapping[str, Any]]) -> None:
    """Proposals, one a row."""
    headings = ("Proposal", "State", "Portfolio", "Version", "Created by", "Created", "Title")
    table = table_of(*headings, numbers={"Version"}, whole={"Proposal"})
    for view in views:
        names = map(escape, (view["proposal_id"], view["current_state"], view["portfolio_id"]))
        last = map(escape, (view["created_by"], _minute(view["created_at"]), view["title"] or ""))
        table.add_row(*names, str(view["current_version_no"]), *last)
    console.print(table)


def print_history(console: Console, view: Mapping[str, Any]) -> None:
    """What happened, oldest first."""
    table = table_of("When", "Event", "From", "To", "Who", "Why")
    for event in view["events"]:
        why = json.dumps(event["reason"], ensure_ascii=False) if event["reason"] else ""
        names = (event["event_type"], event["from_state"] or "", event["to_state"], event["actor_id"], why)
        table.add_row(_minute(event["occurred_at"]), *map(escape, names))
    console.print(table)


def print_checks(console: Console, found: Verification) -> None:
    """What was promised of a version and what was found."""
    table = table_of("Part", "Holds", "Promised", "Found")
    for check in found.checks:
        verdict = "[green]yes[/green]" if check.holds else "[red]no[/red]"
        table.add_row(check.part, verdict, escape(check.promised), escape(check.found))
    console.print(table)


def _minute(at: str) -> str:
    """A time in words that can be broken between them."""
    return at[:16].replace("T", " ")
