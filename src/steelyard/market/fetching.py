"""From a provider into the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from steelyard.core.clock import isoformat_z
from steelyard.core.errors import InvalidInputError
from steelyard.market.manifest import Manifest
from steelyard.market.providers import Provider
from steelyard.market.store import PriceStore
from steelyard.market.window import When

if TYPE_CHECKING:
    import pandas as pd

SYMBOLS_PER_FETCH_MAX = 500


def import_from(
    provider: Provider,
    symbols: Sequence[str],
    store: PriceStore,
    dataset: str,
    *,
    start: When = None,
    end: When = None,
) -> Manifest:
    """Fetch symbols and take them into ``dataset``, all of them or none.

    Raises:
        InvalidInputError: TOO_MANY_SYMBOLS, more than ``SYMBOLS_PER_FETCH_MAX``; a defect of the bars.
        NotFoundError: the provider knows no such symbol.
        UnavailableError: the provider does not answer.
    """
    if len(symbols) > SYMBOLS_PER_FETCH_MAX:
        message = f"{len(symbols)} symbols were asked for; at most {SYMBOLS_PER_FETCH_MAX} are fetched at once."
        raise InvalidInputError(message, code="TOO_MANY_SYMBOLS")
    frames = {symbol: provider.fetch(symbol, start, end) for symbol in symbols}
    snapshot_time = None if provider.changes else _last_time(frames)
    return store.write(dataset, frames, provider.source, snapshot_time=snapshot_time)


def _last_time(frames: Mapping[str, pd.DataFrame]) -> str | None:
    """What never changes is as old as its last bar, not as this call: equal bars, equal manifests, everywhere."""
    lasts = [frame["ts"].max() for frame in frames.values() if len(frame)]
    return isoformat_z(max(lasts).tz_localize("UTC").to_pydatetime(warn=False)) if lasts else None
