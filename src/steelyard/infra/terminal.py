"""What commands share that print: tables for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Container
from typing import Annotated, Any

import typer
from rich.table import Table

from steelyard.core.canonical import json_form

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def table_of(*columns: str, numbers: Container[str] = (), whole: Container[str] = ()) -> Table:
    """A table that folds what is too long, as an id that is cut off names nothing.

    Args:
        columns: their headings.
        numbers: those that stand right.
        whole: those whose cells are folded last, such as ids to be copied.
    """
    table = Table()
    for column in columns:
        is_number = column in numbers
        table.add_column(column, overflow="fold", justify="right" if is_number else "left", no_wrap=column in whole)
    return table


def print_json(value: Any) -> None:
    """Print plain values, decimals, times and data classes as JSON."""
    typer.echo(json.dumps(value, indent=2, default=json_form))
