"""`steelyard simulate` and `steelyard analyze`: a request from a file, the answer as tables or JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from steelyard.infra.terminal import AsJson, table_of
from steelyard.rebalance.request_files import read_file, with_faults
from steelyard.rebalance.terminal import NUMBERS, figure, print_rebalance

RequestFile = Annotated[Path, typer.Argument(help="The request as JSON; - reads standard input.")]


def simulate(request: RequestFile, as_json: AsJson = False) -> None:
    """Rebalance one portfolio: the trades, the rules they were held against, and who has to look."""
    from steelyard.rebalance import api  # noqa: PLC0415 - `steelyard --help` must not wait for the engine

    result = with_faults(api.simulate, read_file(request))
    if as_json:
        typer.echo(result.to_bytes())
    else:
        print_rebalance(Console(), result.to_dict())


def analyze(request: RequestFile, as_json: AsJson = False) -> None:
    """Run the named what-ifs of a request side by side."""
    from steelyard.rebalance import api  # noqa: PLC0415

    batch = with_faults(api.analyze, read_file(request))
    if as_json:
        typer.echo(batch.to_bytes())
        return
    table = table_of("Scenario", "Status", "Trades", "Turnover", "Warnings", numbers=NUMBERS)
    for name, metric in batch.comparison_metrics.items():
        turnover = metric.gross_turnover_notional_base
        warnings = ", ".join(batch.results[name].diagnostics.warnings)
        amount = f"{figure(turnover.amount)} {turnover.currency}"
        table.add_row(name, metric.status, str(metric.security_intent_count), escape(amount), escape(warnings))
    for name, reason in batch.failed_scenarios.items():
        table.add_row(name, "[red]failed[/red]", "", "", escape(reason))
    Console().print(table)
