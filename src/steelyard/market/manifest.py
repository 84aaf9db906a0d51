"""The manifest of a dataset: what its files are, where they come from, and how to know them again.

``manifests/<dataset>.yaml`` is the current version, ``manifests/<dataset>/<version>.yaml`` each one
there ever was; none is changed once written.  A manifest carries its own hash, each file's SHA-256 is
in it, so a result that names the manifest's hash names every byte it was made of.  The manifests are
the register of datasets: what has none is not there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import yaml

from steelyard.core.canonical import canonical_hash
from steelyard.core.errors import DataIntegrityError, InvalidInputError

DATASET_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
SYMBOL = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._^=-]{1,32}")
VERSION = re.compile(r"\d{1,9}\.\d{1,9}\.\d{1,9}")
CLOCK_SKEW_TOLERANCE_S = 300.0


@dataclass(frozen=True, slots=True)
class Source:
    """Where a dataset comes from and how its bars are to be read; the same for all its symbols.

    Attributes:
        uri: where it was taken from, no path of this machine.
        description: the same in words.
        calendar: whose sessions its bars follow.
        refresh: the command that brings it in again.
        synthetic: True where a generator made it.
        dependencies: packages or datasets that it was made with, as ``name==version``.
        clock_skew_tolerance_s: how far ahead of our clock a bar may be, seconds.
    """

    uri: str
    description: str
    licence: str
    calendar: str
    refresh: str = "steelyard data import"
    synthetic: bool = False
    dependencies: tuple[str, ...] = ()
    clock_skew_tolerance_s: float = CLOCK_SKEW_TOLERANCE_S


@dataclass(frozen=True, slots=True)
class DataFile:
    """One Parquet file: its path below the data folder, its hash, and the bars in it."""

    path: str
    sha256: str
    rows: int
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Listing:
    """One symbol of a dataset.

    Attributes:
        files: by time, none overlapping.
        origin: where these bars come from, in words.
        notes: how many defects of each code were told at import.
        repairs: what was repaired at import, a sentence each.
    """

    periods_per_year: float
    tick: float | None
    files: tuple[DataFile, ...]
    origin: str
    notes: Mapping[str, int] = field(default_factory=dict)
    repairs: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Bars in all files."""
        return sum(file.rows for file in self.files)


@dataclass(frozen=True, slots=True)
class Manifest:
    """One version of a dataset.

    Attributes:
        version: major.minor.patch, see :mod:`steelyard.market.versions`.
        snapshot_time: when the source looked like this, ISO 8601, UTC.
        schema: columns and their types.
    """

    dataset: str
    version: str
    snapshot_time: str
    source: Source
    schema: Mapping[str, str]
    symbols: Mapping[str, Listing]

    @property
    def hash(self) -> str:
        """SHA-256 of all of it, ``sha256:`` in front."""
        return canonical_hash(_document(self))

    def to_yaml(self) -> bytes:
        """The file's content."""
        document = {**_document(self), "manifest_hash": self.hash}
        return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120).encode()


@lru_cache(maxsize=256)
def parse_manifest(content: bytes, name: str) -> Manifest:
    """The manifest in a file's ``content``; ``name`` is for the message.

    Raises:
        DataIntegrityError: MANIFEST_CHANGED where it is not what its own hash says.
    """
    try:
        document = yaml.load(content, Loader=_Loader)  # noqa: S506 - a safe loader, the quick one where there is one
        expected = document.pop("manifest_hash")
        found = canonical_hash(document)
        manifest = _from_document(document) if found == expected else None
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise _changed(name, "a manifest", f"something unreadable ({type(error).__name__})") from error
    if manifest is None:
        raise _changed(name, expected, found)
    return manifest


def check_symbol(symbol: str) -> str:
    """``symbol`` itself.

    Raises:
        InvalidInputError: INVALID_SYMBOL where it could not name a folder on every system.
    """
    if not SYMBOL.fullmatch(symbol):
        raise InvalidInputError(
            f"`symbol` was {symbol[:64]!r}; 1 to 32 letters, digits and . _ ^ = - are allowed, and not just dots.",
            code="INVALID_SYMBOL",
        )
    return symbol


def check_dataset_name(name: str) -> str:
    """``name`` itself.

    Raises:
        InvalidInputError: INVALID_DATASET.
    """
    if not DATASET_NAME.fullmatch(name):
        raise InvalidInputError(
            f"`dataset` was {name[:64]!r}; 1 to 64 small letters, digits and hyphens are allowed, no hyphen at an end.",
            code="INVALID_DATASET",
        )
    return name


def default_dataset(text: str) -> str:
    """A dataset name made of any text: what is not allowed becomes a hyphen."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:64].strip("-")


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def _changed(name: str, expected: str, found: str) -> DataIntegrityError:
    return DataIntegrityError(
        f"{name} was changed: expected {expected}, found {found}. Put it back from a backup or from "
        "manifests/<dataset>/<version>.yaml, or import the source again.",
        code="MANIFEST_CHANGED",
        details={"file": name, "expected": expected, "found": found},
    )


def _document(manifest: Manifest) -> dict[str, Any]:
    source = manifest.source
    return {
        "dataset": manifest.dataset,
        "version": manifest.version,
        "snapshot_time": manifest.snapshot_time,
        "source": {
            "uri": source.uri,
            "description": source.description,
            "refresh": source.refresh,
            "synthetic": source.synthetic,
        },
        "licence": source.licence,
        "calendar": source.calendar,
        "clock_skew_tolerance_s": source.clock_skew_tolerance_s,
        "dependencies": list(source.dependencies),
        "schema": dict(manifest.schema),
        "schema_hash": canonical_hash(manifest.schema),
        "symbols": {name: _listing_document(manifest.symbols[name]) for name in sorted(manifest.symbols)},
    }


def _listing_document(listing: Listing) -> dict[str, Any]:
    return {
        "periods_per_year": listing.periods_per_year,
        "tick": listing.tick,
        "origin": listing.origin,
        "notes": dict(listing.notes),
        "repairs": list(listing.repairs),
        "files": [{name: getattr(file, name) for name in DataFile.__slots__} for file in listing.files],
    }


def _from_document(document: dict[str, Any]) -> Manifest:
    source = Source(
        **document["source"],
        licence=document["licence"],
        calendar=document["calendar"],
        dependencies=tuple(document["dependencies"]),
        clock_skew_tolerance_s=document["clock_skew_tolerance_s"],
    )
    symbols = {name: _listing(fields) for name, fields in document["symbols"].items()}
    dataset, version, snapshot_time = document["dataset"], document["version"], document["snapshot_time"]
    return Manifest(dataset, version, snapshot_time, source, document["schema"], symbols)


def _listing(fields: dict[str, Any]) -> Listing:
    files = tuple(DataFile(**file) for file in fields["files"])
    return Listing(**{**fields, "files": files, "repairs": tuple(fields["repairs"])})
