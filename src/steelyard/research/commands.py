"""`steelyard sweep`: the whole of a sweep in the terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from steelyard.core.errors import InvalidInputError
from steelyard.research.terminal import print_sweep

if TYPE_CHECKING:
    from steelyard.research.result import SweepResult

TOP_MAX = 1_000


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
    from steelyard.research.result import plain  # noqa: PLC0415
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
    best = plain(result.best_rows(top, below_min_trades=True).to_dict("records"))
    if as_json:
        typer.echo(json.dumps(result.summary() | {"results": best}))
        return
    print_sweep(result.summary(), best, combinations=len(result.table))
    for path in (out, report):
        if path is not None:
            Console().print(f"written: {path}", markup=False, highlight=False)


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
