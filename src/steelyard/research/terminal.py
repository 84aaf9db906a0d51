"""A sweep in the terminal: the best combinations, the baselines beside them, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

_COLUMNS = (
    ("score", "score", "{:.2f}"),
    ("sharpe_ratio", "Sharpe", "{:.2f}"),
    ("total_return_pct", "return %", "{:,.1f}"),
    ("annualized_return", "p.a. %", "{:.1f}"),
    ("max_drawdown_pct", "dd %", "{:.1f}"),
    ("win_rate_pct", "win %", "{:.1f}"),
    ("profit_factor", "PF", "{:.2f}"),
    ("total_trades", "trades", "{:.0f}"),
)
"""Column, heading and form of what fits a terminal of 80 characters; the rest is in the written table."""
_LEVEL_STYLES = {"holds_up": "green", "inconclusive": "yellow", "likely_luck": "red", "not_tested": "yellow"}


def print_sweep(summary: Mapping[str, Any], best: Sequence[Mapping[str, Any]], *, combinations: int) -> None:
    """Print a result of 80 columns.

    Args:
        summary: of :meth:`SweepResult.summary`.
        best: rows of its table, best first.
        combinations: how many were tried.
    """
    console = Console()
    metadata, verdict = summary["metadata"], summary["verdict"]
    data = metadata["data"]
    strategy = metadata["parameters"]["strategy"]
    title = f"{summary['symbol']}: {combinations:,} {strategy} combinations on {data['bars']:,} bars"
    console.print(_table(title, best, {"hold": summary["buy_and_hold"], "unseen": summary["out_of_sample"]}))
    if data["synthetic"]:
        console.print(Text(f"SYNTHETIC DATA: {data['source']}", style="bold magenta"))
    console.print(Text(verdict["headline"], style=f"bold {_LEVEL_STYLES.get(verdict['level'], '')}"))
    for reason in verdict["reasons"]:
        console.print(Text(f"  - {reason}"))


def _table(title: str, best: Sequence[Mapping[str, Any]], baselines: Mapping[str, Mapping[str, Any]]) -> Table:
    table = Table(
        title=title, title_justify="left", title_style="bold", header_style="dim",
        box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False,
    )  # fmt: skip
    periods = [name for name in best[0] if name.endswith("_period") and best[0][name] is not None]
    table.add_column("", no_wrap=True)
    for heading in (*(name.removesuffix("_period") for name in periods), *(heading for _, heading, _ in _COLUMNS)):
        table.add_column(heading, justify="right", no_wrap=True)
    for rank, row in enumerate(best, start=1):
        style = "dim" if row["below_min_trades"] else "bold" if rank == 1 else ""
        table.add_row(str(rank), *(f"{row[name]:.0f}" for name in periods), *_cells(row), style=style)
    table.add_section()
    for name, baseline in baselines.items():
        table.add_row(name, *("" for _ in periods), *_cells(baseline), style="cyan")
    return table


def _cells(row: Mapping[str, Any]) -> list[str]:
    return ["-" if row.get(name) is None else form.format(row[name]) for name, _, form in _COLUMNS]
