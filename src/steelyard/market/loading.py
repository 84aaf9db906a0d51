"""``load_prices``: a named series, ready for a sweep."""

from __future__ import annotations

from pathlib import Path

from steelyard.core.errors import NotFoundError
from steelyard.infra.settings import get_settings
from steelyard.market.bars import PriceSeries
from steelyard.market.demo import DEMO_SYMBOLS, install_demo_dataset_of
from steelyard.market.store import PriceStore, unknown_ticker
from steelyard.market.window import When


def load_prices(
    symbol: str, *, data_dir: Path | str | None = None, start: When = None, end: When = None
) -> PriceSeries:
    """Bars of ``symbol`` from the price store, their files checked against the manifest.

    A symbol of the demo data that is not there yet is brought in first.

    Args:
        symbol: as ``AAPL``; ``steelyard data list`` shows which there are.
        data_dir: the store's folder; that of the settings by default.
        start: first time, included, ISO 8601 in UTC.
        end: last time, included; a date means all of its day.

    Raises:
        NotFoundError: UNKNOWN_TICKER, with the symbols that there are and how to import.
        DataIntegrityError: a file is not what its manifest promises; which, and what to do.
        InvalidInputError: INVALID_SYMBOL, INVALID_TIME or EMPTY_SERIES.
    """
    store = PriceStore(Path(data_dir) if data_dir is not None else get_settings().data_dir)
    try:
        return store.load(symbol, start, end)
    except NotFoundError as error:
        if error.code != "UNKNOWN_TICKER":
            raise
        if symbol not in DEMO_SYMBOLS:
            raise unknown_ticker(symbol, {*store.symbols(), *DEMO_SYMBOLS}) from None
    install_demo_dataset_of(store, symbol)
    return store.load(symbol, start, end)
