"""The next version of a dataset: what was there, with what comes in.

major  bars that were there changed
minor  symbols were added
patch  only what is said about them changed
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from steelyard.core.errors import ConflictError, TooLargeError
from steelyard.market.manifest import Manifest

FIRST_VERSION = "1.0.0"
SYMBOLS_PER_DATASET_MAX = 10_000
_REMEDY = "import under another dataset name"


def merge(current: Manifest | None, new: Manifest) -> Manifest:
    """``current`` with the symbols of ``new``, under the next version; ``current`` itself if nothing is new.

    Where there is none yet it is ``new`` as it is.

    Raises:
        ConflictError: SCHEMA_CHANGED or SOURCE_CHANGED, other columns or another calendar than before.
        TooLargeError: TOO_MANY_SYMBOLS.
    """
    symbols = {**(current.symbols if current else {}), **new.symbols}
    if len(symbols) > SYMBOLS_PER_DATASET_MAX:
        raise TooLargeError(
            f"{new.dataset} would have {len(symbols)} symbols; a dataset has at most {SYMBOLS_PER_DATASET_MAX}: "
            "import the rest under another name.",
            code="TOO_MANY_SYMBOLS",
        )
    if current is None:
        return new
    _require_same_kind(current, new)
    if symbols == current.symbols:
        return current
    return replace(new, version=_next_version(current, new), symbols=symbols)


def _next_version(current: Manifest, new: Manifest) -> str:
    major, minor, patch = (int(part) for part in current.version.split("."))
    known = current.symbols.keys() & new.symbols.keys()
    if any(current.symbols[name].files != new.symbols[name].files for name in known):
        return f"{major + 1}.0.0"
    if len(known) < len(new.symbols):
        return f"{major}.{minor + 1}.0"
    return f"{major}.{minor}.{patch + 1}"


def _require_same_kind(current: Manifest, new: Manifest) -> None:
    require_same_schema(current.dataset, current.schema, new.schema)
    for name in ("calendar", "synthetic", "clock_skew_tolerance_s", "licence"):
        if (was := getattr(current.source, name)) != (found := getattr(new.source, name)):
            message = f"`{name}` of {new.dataset} is {was}, that of the import is {found}; {_REMEDY}."
            raise ConflictError(message, code="SOURCE_CHANGED")


def require_same_schema(dataset: str, schema: Mapping[str, str], found: Mapping[str, str]) -> None:
    """Refuse bars with other columns than those of the dataset.

    Raises:
        ConflictError: SCHEMA_CHANGED.
    """
    if schema != found:
        message = f"{dataset} has the columns {', '.join(schema)}, the import has {', '.join(found)}; {_REMEDY}."
        raise ConflictError(message, code="SCHEMA_CHANGED")
