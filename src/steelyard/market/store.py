"""The price store: a folder of Parquet files, each promised by a manifest and checked at every reading.

    manifests/<dataset>.yaml              the current version
    manifests/<dataset>/<version>.yaml    all versions
    prices/<dataset>/<symbol>/<period>-<start of its SHA-256>.parquet

A data file is named by its content and never changes; replacing the manifest is what makes an import
seen, so a reader has the old dataset or the new one and a failed import leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from steelyard.core.canonical import file_hash
from steelyard.core.clock import isoformat_z, now
from steelyard.core.errors import DataIntegrityError, InvalidInputError, NotFoundError
from steelyard.market import parquet
from steelyard.market.bars import PriceSeries
from steelyard.market.calendars import periods_per_year
from steelyard.market.files import locked, write_atomically
from steelyard.market.importing import read_prices
from steelyard.market.manifest import (
    VERSION,
    DataFile,
    Listing,
    Manifest,
    Source,
    check_dataset_name,
    check_symbol,
    default_dataset,
    parse_manifest,
)
from steelyard.market.quality import PRICE_COLUMNS, Defect, find_defects, refuse
from steelyard.market.repair import Repair, repair
from steelyard.market.ticks import infer_tick
from steelyard.market.versions import FIRST_VERSION, merge, require_same_schema
from steelyard.market.window import When, Window

if TYPE_CHECKING:
    import pandas as pd

SYMBOLS_SHOWN_MAX = 40
"""Symbols that the refusal of an unknown one lists."""


@dataclass(frozen=True, slots=True)
class FileCheck:
    """Whether one file is what its manifest promises; ``problem`` is None where it is."""

    dataset: str
    version: str
    path: str
    expected: str
    found: str | None
    problem: str | None


class PriceStore:
    """All datasets below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def load(self, symbol: str, start: When = None, end: When = None, *, dataset: str | None = None) -> PriceSeries:
        """Bars of a symbol, their files checked.

        Args:
            symbol: as it was imported.
            start: first time, included; ISO 8601 in UTC.
            end: last time, included; a date means all of its day.
            dataset: ``name`` or ``name@version``; by default the newest current one that has the
                symbol, real prices before synthetic ones.

        Raises:
            NotFoundError: UNKNOWN_TICKER, with what there is and how to import; UNKNOWN_DATASET.
            DataIntegrityError: a file or a manifest was changed.
            InvalidInputError: INVALID_SYMBOL, INVALID_TIME, or EMPTY_SERIES where the window has no bars.
        """
        window = Window.of(start, end)
        manifest = self._manifest_of(check_symbol(symbol), dataset)
        listing = manifest.symbols[symbol]
        files = window.files(symbol, listing.files)
        parts = [parquet.decode(self.root, file, ["ts", "open", "close"], manifest) for file in files]
        columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        series = PriceSeries(
            symbol,
            columns["close"],
            columns["ts"],
            columns.get("open"),
            periods_per_year=listing.periods_per_year,
            calendar=manifest.source.calendar,
            tick=listing.tick,
            source=f"{listing.origin} ({manifest.dataset} {manifest.version})",
            synthetic=manifest.source.synthetic,
            manifest_hash=manifest.hash,
        )
        return window.cut(series)

    def import_file(
        self,
        path: Path,
        *,
        symbol: str | None = None,
        dataset: str | None = None,
        calendar: str = "XNYS",
        timezone: str = "UTC",
        licence: str = "not stated",
        repairs: Collection[Repair] = (),
    ) -> Manifest:
        """Take in a CSV or Parquet file, all of it or nothing.

        Args:
            path: read as :mod:`steelyard.market.importing` says.
            symbol: of a file with one series; its name by default.
            dataset: to create or add to; named after the file by default.
            calendar: whose sessions the bars follow.
            timezone: of times of day without an offset.
            licence: under which the prices may be used.
            repairs: of bars that are refused otherwise.

        Raises:
            SteelyardError: as :func:`read_prices` and :meth:`write`.
        """
        frames = read_prices(path, symbol=symbol, timezone=timezone)
        repaired = {name: repair(frame, repairs) for name, frame in frames.items()}
        target = dataset or default_dataset(path.stem)
        source = Source(
            uri=f"file:{path.name}",
            description=f"{path.name}, {file_hash(path)}",
            licence=licence,
            calendar=calendar,
            refresh=f"steelyard data import {path.name} --dataset {target}",
        )
        return self.write(
            target,
            {name: frame for name, (frame, _) in repaired.items()},
            source,
            repairs={name: sentences for name, (_, sentences) in repaired.items()},
        )

    def write(
        self,
        dataset: str,
        frames: Mapping[str, pd.DataFrame],
        source: Source,
        *,
        snapshot_time: str | None = None,
        repairs: Mapping[str, Iterable[str]] | None = None,
    ) -> Manifest:
        """Take in frames by symbol; other symbols of the dataset stay as they are.

        The same again makes no new version, and mends files that were changed or lost meanwhile.

        Args:
            dataset: its name.
            frames: columns ``ts`` (UTC), ``close`` and any of ``open, high, low, volume``.
            source: of all of them.
            snapshot_time: when the source looked like this; now by default.
            repairs: by symbol, what was repaired before, a sentence each.

        Raises:
            InvalidInputError: a defect of the bars, an invalid symbol or dataset name, no frame at all.
            ConflictError: SCHEMA_CHANGED or SOURCE_CHANGED, other columns or another calendar than before.
            TooLargeError: more than ``versions.SYMBOLS_PER_DATASET_MAX`` symbols.
        """
        check_dataset_name(dataset)
        if not frames:
            raise InvalidInputError(f"there was nothing to import into {dataset}.", code="EMPTY_SERIES")
        listings: dict[str, Listing] = {}
        encoded: list[parquet.EncodedFile] = []
        for symbol, frame in frames.items():
            files, listing = _take_in(dataset, symbol, frame, source, tuple((repairs or {}).get(symbol, ())))
            encoded += files
            listings[symbol] = listing
        candidate = Manifest(
            dataset,
            version=FIRST_VERSION,
            snapshot_time=snapshot_time or isoformat_z(now()),
            source=source,
            schema=_common_schema(dataset, frames),
            symbols=listings,
        )
        with locked(self.root / "manifests" / f".{dataset}.lock"):
            return self._commit(candidate, encoded)

    def datasets(self) -> list[Manifest]:
        """The current version of every dataset, by name.

        Raises:
            DataIntegrityError: MANIFEST_CHANGED.
        """
        return [self._read(path) for path in sorted((self.root / "manifests").glob("*.yaml"))]

    def dataset(self, name: str) -> Manifest:
        """The manifest of ``name`` or ``name@version``.

        Raises:
            NotFoundError: UNKNOWN_DATASET.
            InvalidInputError: INVALID_DATASET.
            DataIntegrityError: MANIFEST_CHANGED.
        """
        base, _, version = name.partition("@")
        folder = self.root / "manifests"
        if version and not VERSION.fullmatch(version):
            raise InvalidInputError(f"`dataset` was {name[:96]!r}; a version is as 1.0.0.", code="INVALID_DATASET")
        path = (
            folder / check_dataset_name(base) / f"{version}.yaml"
            if version
            else folder / f"{check_dataset_name(base)}.yaml"
        )
        if not path.is_file():
            known = ", ".join(sorted(path.stem for path in folder.glob("*.yaml"))[:SYMBOLS_SHOWN_MAX]) or "none yet"
            raise NotFoundError(f"there is no dataset {name!r}; there are: {known}.", code="UNKNOWN_DATASET")
        return self._read(path)

    def versions(self, name: str) -> list[str]:
        """All versions of a dataset, oldest first."""
        names = [path.stem for path in (self.root / "manifests" / check_dataset_name(name)).glob("*.yaml")]
        return sorted(names, key=lambda version: [int(part) for part in version.split(".")])

    def symbols(self) -> list[str]:
        """All symbols of all datasets, by name."""
        return sorted({symbol for manifest in self.datasets() for symbol in manifest.symbols})

    def verify(self, dataset: str | None = None) -> list[FileCheck]:
        """Every file of one dataset, or of all current ones, compared with its manifest."""
        manifests = self.datasets() if dataset is None else [self.dataset(dataset)]
        return [
            self._check(manifest, file)
            for manifest in manifests
            for listing in manifest.symbols.values()
            for file in listing.files
        ]

    def _check(self, manifest: Manifest, file: DataFile) -> FileCheck:
        found, problem = file.sha256, None
        try:
            parquet.checked_content(self.root, file, manifest)
        except DataIntegrityError as error:
            found, problem = error.details["found"], error.message
        return FileCheck(manifest.dataset, manifest.version, file.path, file.sha256, found, problem)

    def _manifest_of(self, symbol: str, dataset: str | None) -> Manifest:
        manifests = self.datasets() if dataset is None else [self.dataset(dataset)]
        having = [manifest for manifest in manifests if symbol in manifest.symbols]
        if not having:
            raise unknown_ticker(symbol, {name for manifest in manifests for name in manifest.symbols})
        return max(having, key=lambda m: (not m.source.synthetic, m.snapshot_time, m.dataset))

    def _read(self, path: Path) -> Manifest:
        return parse_manifest(path.read_bytes(), path.relative_to(self.root).as_posix())

    def _commit(self, candidate: Manifest, encoded: list[parquet.EncodedFile]) -> Manifest:
        current_path = self.root / "manifests" / f"{candidate.dataset}.yaml"
        current = self._read(current_path) if current_path.is_file() else None
        manifest = merge(current, candidate)
        with self._all_or_nothing() as write:
            for file in encoded:
                write(self.root / file.entry.path, file.content)
            if manifest is not current:
                content = manifest.to_yaml()
                write(self.root / "manifests" / manifest.dataset / f"{manifest.version}.yaml", content)
                write_atomically(current_path, content)
        return manifest

    @contextmanager
    def _all_or_nothing(self) -> Iterator[Callable[[Path, bytes], None]]:
        """Gives a writer; where the block fails, what it added is taken away again."""
        added: list[Path] = []

        def write(path: Path, content: bytes) -> None:
            if not path.exists():
                added.append(path)
            write_atomically(path, content)

        try:
            yield write
        except BaseException:
            for path in added:
                path.unlink(missing_ok=True)
            raise


def unknown_ticker(symbol: str, known: Iterable[str]) -> NotFoundError:
    """The refusal of a symbol that no dataset has: the nearest that there are, then others, then how to import."""
    names = sorted(known)
    near = get_close_matches(symbol, names, 5, 0.5)
    shown = [*near, *(name for name in names if name not in near)][:SYMBOLS_SHOWN_MAX]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    there = f"there are {', '.join(shown)}{more}" if names else "there are none yet"
    return NotFoundError(
        f"there are no prices of {symbol}; {there}. Import some with: steelyard data import FILE.csv --symbol {symbol}",
        code="UNKNOWN_TICKER",
        details={"symbol": symbol, "known": shown, "known_count": len(names)},
    )


def _common_schema(dataset: str, frames: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    schemas = {symbol: parquet.schema_of(frame) for symbol, frame in frames.items()}
    first, *others = schemas
    for symbol in others:
        require_same_schema(dataset, schemas[first], schemas[symbol])
    return schemas[first]


def _take_in(
    dataset: str, symbol: str, frame: pd.DataFrame, source: Source, repairs: tuple[str, ...]
) -> tuple[list[parquet.EncodedFile], Listing]:
    check_symbol(symbol)
    if len(frame) == 0:
        raise InvalidInputError(f"{symbol} has no prices; at least 1 is needed.", code="EMPTY_SERIES")
    defects = find_defects(frame, calendar=source.calendar, clock_skew_tolerance_s=source.clock_skew_tolerance_s)
    if refused := [defect for defect in defects if defect.severity == "refuse"]:
        _refuse_all(refused, symbol)
    labels = {"symbol": symbol, "synthetic": str(source.synthetic).lower()}
    encoded = parquet.encode(frame, folder=f"prices/{dataset}/{symbol}", labels=labels)
    prices = [frame[name].to_numpy(np.float64) for name in PRICE_COLUMNS if name in frame]
    return encoded, Listing(
        periods_per_year(source.calendar, frame["ts"].to_numpy("datetime64[ns]")),
        infer_tick(*prices),
        tuple(file.entry for file in encoded),
        source.description,
        _counts(defects),
        repairs,
    )


def _refuse_all(defects: list[Defect], symbol: str) -> None:
    first, others = defects[0], len(defects) - 1
    more = f" {others} more like it or worse." if others else ""
    words = f"{first.sentence}{more} Mend the source, or import with --repair."
    refuse(replace(first, sentence=words), symbol)


def _counts(defects: list[Defect]) -> dict[str, int]:
    codes = [defect.code for defect in defects]
    return {code: codes.count(code) for code in sorted(set(codes))}
