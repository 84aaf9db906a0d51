"""`steelyard example`: bodies to try the other commands and the API with."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from steelyard.core.errors import NotFoundError

Name = Annotated[str | None, typer.Argument(help="Which one; all names are listed if it is left out.")]


def example(name: Name = None) -> None:
    """Print an example body as JSON, or list the examples; every portfolio of them is made up."""
    found = _examples()
    if name is None:
        table = Table("Example", "For", "What it shows")
        for each, (purpose, shows, _) in found.items():
            table.add_row(each, purpose, escape(shows))
        Console().print(table)
        return
    if name not in found:
        raise NotFoundError(f"there is no example {name!r}; there are {', '.join(found)}", code="EXAMPLE_NOT_FOUND")
    _, _, body = found[name]
    typer.echo(json.dumps(body(), indent=2))


def _examples() -> Mapping[str, tuple[str, str, Callable[[], dict[str, Any]]]]:
    """What each is for, what it shows, and its body, by name."""
    from steelyard.proposals.demo import demo_request  # noqa: PLC0415 - `steelyard --help` must not wait
    from steelyard.rebalance.demo import DEMOS, demo_book, demo_scenarios  # noqa: PLC0415

    rebalances = {demo.name: ("steelyard simulate", demo.shows, lambda body=demo.request: dict(body)) for demo in DEMOS}
    return {
        **rebalances,
        "what-if": ("steelyard analyze", "One portfolio under four sets of options.", demo_scenarios),
        "book": ("steelyard dpm-book run", "The portfolios of all these as one book, and its block orders.", demo_book),
        "proposal": (
            "steelyard proposals simulate",
            "An adviser's trades, their funding and suitability.",
            demo_request,
        ),
        "proposal-draft": (
            "steelyard proposals create",
            "The same as the body of a proposal to be kept.",
            lambda: {"created_by": "demo-adviser", "simulate_request": demo_request(), "metadata": {"title": "Demo"}},
        ),
    }
