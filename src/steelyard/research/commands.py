"""`steelyard sweep`: the whole of a sweep in the terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from steelyard.core.errors import InvalidInputError

if TYPE_CHECKING:
    from steelyard.research.result import SweepResult

TOP_MAX = 1_000

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


def sweep(
    ticker: Annotated[str, typer.Argument(help="A symbol of `steelyard data list`, such as AAPL.")],
    *,
    strategy: Annotated[str, typer.Option(help="SMA, EMA, MACD or RSI.")] = "SMA",
    fast: Annotated[str, typer.Option(help="Windows in bars: 5:100, 20:300:5 (ends included) or 5,10,20.")] = "5:100",
    slow: Annotated[str, typer.Option(help="Likewise; combinations need fast < slow.")] = "20:300:5",
    signal: Annotated[str, typer.Option(help="Likewise, for MACD.")] = "9",
    fee: Annotated[float, typer.Option(help="Share of the traded value, per side.")] = 0.001,
    slippage_bp: Annotated[float, typer.Option(help="Basis points, per side.")] = 0.0,
    fill: Annotated[str, typer.Option(help="same_close, next_open or next_close.")] = "same_close",
    min_trades: Annotated[int, typer.Option(help="Combinations that trade less are ranked last.")] = 10,
    rank_by: Annotated[str, typer.Option(help="Column that decides who is best.")] = "score",
    start: Annotated[str | None, typer.Option(help="First time, as 2010-01-01.")] = None,
    end: Annotated[str | None, typer.Option(help="Last time, included.")] = None,
    periods_per_year: Annotated[float | None, typer.Option(help="Bars in a year; the series' own if left out.")] = None,
    top: Annotated[int, typer.Option(min=1, max=TOP_MAX, help="Rows to print.")] = 10,
    threads: Annotated[int | None, typer.Option(min=1, help="Cores to use; all if left out.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="The price store's folder.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the full table: .parquet or .csv.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write a self-contained HTML report.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Try every combination on one ticker and say how much of the best is luck."""
    from steelyard.market.loading import load_prices  # noqa: PLC0415 - `steelyard --help` must not wait for numerics
    from steelyard.research.sweep import sweep as run_sweep  # noqa: PLC0415

    if out is not None and out.suffix not in (".parquet", ".csv"):
        raise InvalidInputError(f"`--out` was {out}; it ends in .parquet or .csv")
    series = load_prices(ticker, data_dir=data_dir, start=start, end=end)
    with _progress(quiet=as_json) as progress:
        result = run_sweep(
            series,
            strategy,
            fast,
            slow,
            signal,
            fee=fee,
            slippage_bp=slippage_bp,
            fill=fill,  # type: ignore[arg-type]  # read and refused by Execution, in its words
            min_trades=min_trades,
            rank_by=rank_by,
            periods_per_year=periods_per_year,
            threads=threads,
            progress=progress,
        )
    if out is not None:
        _write_table(result, out)
    if report is not None:
        result.to_html(report)
    if as_json:
        best_rows = json.loads(result.best_rows(top, below_min_trades=True).to_json(orient="records"))
        print(json.dumps(result.summary() | {"results": best_rows}))
        return
    print_result(result, top)
    for path in (out, report):
        if path is not None:
            Console().print(f"written: {path}", markup=False, highlight=False)


def print_result(result: SweepResult, top: int) -> None:
    """The best combinations, the baselines beside them, and the verdict, in the terminal."""
    console = Console()
    series = result.series
    title = f"{series.symbol}: {len(result.table):,} {result.spec.strategy} combinations on {len(series):,} bars"
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="dim",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
    )
    periods = [name for name in result.table.columns if name.endswith("_period")]
    table.add_column("", no_wrap=True)
    for heading in (*(name.removesuffix("_period") for name in periods), *(heading for _, heading, _ in _COLUMNS)):
        table.add_column(heading, justify="right", no_wrap=True)
    best = result.best_rows(top, below_min_trades=True).to_dict("records")
    for rank, row in enumerate(best, start=1):
        style = "dim" if row["below_min_trades"] else "bold" if rank == 1 else ""
        table.add_row(str(rank), *(f"{row[name]:.0f}" for name in periods), *_cells(row), style=style)
    table.add_section()
    for name, baseline in (("buy, hold", result.buy_and_hold), ("unseen", result.out_of_sample)):
        table.add_row(name, *("" for _ in periods), *_cells(baseline), style="cyan")
    console.print(table)
    if series.synthetic:
        console.print(Text(f"SYNTHETIC DATA: {series.source}", style="bold magenta"))
    verdict = result.verdict
    console.print(Text(verdict.headline, style=f"bold {_LEVEL_STYLES.get(verdict.level, '')}"))
    for reason in verdict.reasons:
        console.print(Text(f"  - {reason}"))


def _cells(row: Any) -> list[str]:
    return [form.format(row[name]) if name in row and row[name] == row[name] else "-" for name, _, form in _COLUMNS]


def _write_table(result: SweepResult, path: Path) -> None:
    """Whole or not at all: a reader never meets half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.part")
    try:
        if path.suffix == ".csv":
            result.table.to_csv(half, index=False)
        else:
            result.table.to_parquet(half, index=False)
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[float], None] | None]:
    """A bar on the terminal's error stream, so that standard output stays clean; none where nobody looks."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    columns = (TextColumn("sweeping"), BarColumn(), MofNCompleteColumn(), TextColumn("%"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("sweep", total=100)
        yield lambda share: bar.update(task, completed=int(100 * share))
