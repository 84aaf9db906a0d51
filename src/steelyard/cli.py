"""The command line: each capability brings its own commands, here they become one program."""

from __future__ import annotations

import json
import sys

import typer

from steelyard._version import __version__
from steelyard.core.errors import SteelyardError
from steelyard.infra import commands as infra
from steelyard.market.commands import data_commands
from steelyard.models.commands import models_app, rebalance
from steelyard.proposals.commands import proposals_app
from steelyard.rebalance.commands import analyze, simulate
from steelyard.research.commands import sweep
from steelyard.server.book_commands import book_app
from steelyard.server.commands import demo, serve
from steelyard.server.config_command import config
from steelyard.server.dpm_book_commands import dpm_book_app
from steelyard.server.example_command import example

app = typer.Typer(
    name="steelyard",
    help="From research to orders: sweeps, optimisation, model portfolios, rebalances, proposals.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def _root() -> None:
    """Steelyard's commands share `--json` for programs and exit codes that mean something."""


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


app.command()(sweep)
app.command()(simulate)
app.command()(analyze)
app.command()(example)
app.command()(serve)
app.command()(demo)
app.add_typer(data_commands, name="data")
app.command()(config)
app.add_typer(infra.keys_app)
app.add_typer(infra.db_app)
app.add_typer(models_app)
app.add_typer(book_app)
app.add_typer(proposals_app)
app.add_typer(dpm_book_app)
app.command()(rebalance)


def main() -> None:
    """Run the program; a refusal prints its reason and exits with the status of its category."""
    try:
        app()
    except SteelyardError as error:
        if "--json" in sys.argv:
            refusal = {"code": error.code, "message": error.message, "details": error.details}
            typer.echo(json.dumps({"error": refusal}, default=str), err=True)
        else:
            typer.echo(f"error [{error.code}]: {error.message}", err=True)
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
