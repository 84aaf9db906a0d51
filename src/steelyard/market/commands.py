"""``steelyard data``: import prices, see what there is, check it."""

from __future__ import annotations

from dataclasses import fields, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

from steelyard.core.errors import DataIntegrityError, InvalidInputError
from steelyard.infra.terminal import AsJson, print_json
from steelyard.market.repair import Repair

if TYPE_CHECKING:  # at run time inside the commands: `steelyard --help` must not wait for pyarrow
    from steelyard.market.manifest import Manifest
    from steelyard.market.providers import Provider
    from steelyard.market.store import FileCheck, PriceStore

data_commands = typer.Typer(help="Prices: import, list, verify, show.", no_args_is_help=True)


class From(StrEnum):
    """Where an import takes its prices from."""

    FILE = "file"
    DEMO = "demo"
    SYNTHETIC = "synthetic"
    YFINANCE = "yfinance"


class Every(StrEnum):
    """Spacing of synthetic bars."""

    DAY = "day"
    HOUR = "hour"
    MINUTE = "minute"


DataDir = Annotated[Path | None, typer.Option(help="Folder of the store; that of the settings by default.")]


@data_commands.command("import")
def import_(
    source: Annotated[str, typer.Argument(help="A .csv or .parquet file; with --from, a symbol.")] = "",
    *,
    origin: Annotated[From, typer.Option("--from", help="Where the prices come from.")] = From.FILE,
    symbol: Annotated[str | None, typer.Option(help="Of the file's series; its name by default.")] = None,
    dataset: Annotated[str | None, typer.Option(help="To create or add to; named after the source by default.")] = None,
    calendar: Annotated[str, typer.Option(help="Whose sessions the bars follow, as XNYS or 24/7.")] = "XNYS",
    timezone: Annotated[str, typer.Option(help="Of times of day without an offset.")] = "UTC",
    licence: Annotated[str, typer.Option(help="Under which the prices may be used.")] = "not stated",
    repairs: Annotated[list[Repair] | None, typer.Option("--repair", help="Mend such bars; may be repeated.")] = None,
    seed: Annotated[int, typer.Option(help="Of synthetic prices.")] = 1,
    every: Annotated[Every, typer.Option(help="Spacing of synthetic bars.")] = Every.DAY,
    start: Annotated[str | None, typer.Option(help="First day fetched or made, ISO 8601.")] = None,
    end: Annotated[str | None, typer.Option(help="Last day fetched or made, ISO 8601.")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Take prices into the store, all of them or none; bad bars are named and refused, or repaired as asked."""
    store = _store(data_dir)
    if not source and origin != From.DEMO:
        raise InvalidInputError("`source` is missing; name a file, or a symbol with --from.")
    match origin:
        case From.FILE:
            options: dict[str, Any] = {"calendar": calendar, "timezone": timezone, "licence": licence}
            path = Path(source)
            manifests = [store.import_file(path, symbol=symbol, dataset=dataset, repairs=repairs or (), **options)]
        case From.DEMO:
            from steelyard.market.demo import install_demo  # noqa: PLC0415

            manifests = install_demo(store)
        case _:
            from steelyard.market.fetching import import_from  # noqa: PLC0415
            from steelyard.market.manifest import default_dataset  # noqa: PLC0415

            provider = _provider(origin, calendar=calendar, seed=seed, every=every, start=start, end=end)
            target = dataset or default_dataset(f"{origin}-{source}")
            manifests = [import_from(provider, [source], store, target, start=start, end=end)]
    _show_datasets(manifests, as_json=as_json, title="imported")


@data_commands.command("list")
def list_(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the datasets with their symbols."""
    _show_datasets(_store(data_dir).datasets(), as_json=as_json, title="datasets")


@data_commands.command()
def show(
    dataset: Annotated[str, typer.Argument(help="A dataset, or dataset@version.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show one dataset: where it comes from, its versions, and each symbol with its span, notes and repairs."""
    store = _store(data_dir)
    manifest = store.dataset(dataset)
    versions = store.versions(manifest.dataset)
    if as_json:
        print_json({**_summary(manifest), "versions": versions, "symbols": _symbol_rows(manifest)})
        return
    facts = {**_summary(manifest), "versions": ", ".join(versions)}
    console = Console()
    for name in ("dataset", "version", "versions", "source", "licence", "calendar", "synthetic", "manifest_hash"):
        console.print(f"[bold]{name}[/bold]  {facts[name]}", highlight=False)
    whole = [Column(name, no_wrap=True) for name in ("symbol", "bars", "first", "last")]
    table = Table(*whole, "a year", "tick", "notes", "repairs")
    for row in _symbol_rows(manifest):
        notes = ", ".join(f"{code} x {count}" for code, count in row["notes"].items())
        values = (row["rows"], row["first"], row["last"], f"{row['periods_per_year']:g}", row["tick"])
        table.add_row(row["symbol"], *map(str, values), notes, str(len(row["repairs"])))
    console.print(table)


@data_commands.command()
def verify(
    dataset: Annotated[str | None, typer.Argument(help="A dataset, or dataset@version; all by default.")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Compare every file with its manifest; the exit status is 6 where one was changed or is missing."""
    checks = _store(data_dir).verify(dataset)
    broken = [check for check in checks if check.problem is not None]
    if as_json:
        print_json({"ok": not broken, "files": [_check_row(check) for check in checks]})
    else:
        _print_checks(checks, broken)
    if broken:
        raise typer.Exit(DataIntegrityError.exit_status)


def _store(data_dir: Path | None) -> PriceStore:
    from steelyard.infra.settings import get_settings  # noqa: PLC0415
    from steelyard.market.store import PriceStore  # noqa: PLC0415

    return PriceStore(data_dir or get_settings().data_dir)


def _provider(origin: From, *, calendar: str, seed: int, every: Every, start: str | None, end: str | None) -> Provider:
    from steelyard.market.providers import SPACINGS_S, Synthetic, YFinance  # noqa: PLC0415

    if origin == From.YFINANCE:
        return YFinance(calendar)
    provider = Synthetic(seed, calendar, SPACINGS_S[every])
    return replace(provider, first_day=start or provider.first_day, last_day=end or provider.last_day)


def _show_datasets(manifests: list[Manifest], *, as_json: bool, title: str) -> None:
    if as_json:
        print_json({"datasets": [{**_summary(m), "symbols": _symbol_rows(m)} for m in manifests]})
        return
    table = Table(Column("dataset", no_wrap=True), "version", "symbols", "bars", "calendar", "synthetic", title=title)
    for manifest in manifests:
        rows = sum(listing.rows for listing in manifest.symbols.values())
        names = sorted(manifest.symbols)
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        synthetic = "yes" if manifest.source.synthetic else "no"
        table.add_row(manifest.dataset, manifest.version, shown, str(rows), manifest.source.calendar, synthetic)
    Console().print(table)


def _print_checks(checks: list[FileCheck], broken: list[FileCheck]) -> None:
    console = Console()
    if broken:
        table = Table("file", "problem", title="not as promised")
        for check in broken:
            table.add_row(check.path, check.problem)
        console.print(table)
    console.print(f"{len(checks)} files checked, {len(broken)} not as their manifests promise", highlight=False)


def _summary(manifest: Manifest) -> dict[str, Any]:
    return {
        "dataset": manifest.dataset,
        "version": manifest.version,
        "snapshot_time": manifest.snapshot_time,
        "source": manifest.source.description,
        "licence": manifest.source.licence,
        "calendar": manifest.source.calendar,
        "synthetic": manifest.source.synthetic,
        "manifest_hash": manifest.hash,
    }


def _symbol_rows(manifest: Manifest) -> list[dict[str, Any]]:
    return [
        {
            "symbol": symbol,
            "rows": listing.rows,
            "first": listing.files[0].first,
            "last": listing.files[-1].last,
            "periods_per_year": listing.periods_per_year,
            "tick": listing.tick,
            "notes": dict(listing.notes),
            "repairs": list(listing.repairs),
        }
        for symbol, listing in sorted(manifest.symbols.items())
    ]


def _check_row(check: FileCheck) -> dict[str, Any]:
    return {field.name: getattr(check, field.name) for field in fields(check)}
