"""The demo data: real daily prices to begin with, offline, and two made-up series for existing clients.

The real ones come with the package skfolio: 20 US stocks 1990-2022 and 5 factor ETFs 2014-2022, adjusted
closes.  It has no NVDA and no BTC-USD, which clients ask for by name: under these names stand seeded
synthetic series, and their manifest, their ``synthetic`` flag and their source say so.
"""

from __future__ import annotations

from dataclasses import replace

from steelyard.market.fetching import import_from
from steelyard.market.manifest import Manifest
from steelyard.market.providers import Bundled, Provider, Synthetic
from steelyard.market.store import PriceStore
from steelyard.market.synthetic import Recipe

# fmt: off
STOCKS = (
    "AAPL", "AMD", "BAC", "BBY", "CVX", "GE", "HD", "JNJ", "JPM", "KO",
    "LLY", "MRK", "MSFT", "PEP", "PFE", "PG", "RRC", "UNH", "WMT", "XOM",
)
# fmt: on
FACTOR_ETFS = ("MTUM", "QUAL", "SIZE", "USMV", "VLUE")
SYNTHETIC_SYMBOLS = ("NVDA", "BTC-USD")
DEMO_SYMBOLS = (*STOCKS, *FACTOR_ETFS, *SYNTHETIC_SYMBOLS)

_NVDA = Synthetic(
    seed=12,
    first_day="2007-01-01",
    recipe=Recipe(12.0, drift=0.28, volatility=0.38),
    refresh="steelyard data import --from demo",
)
_BTC = replace(
    _NVDA, seed=16, calendar="24/7", first_day="2010-01-01", recipe=Recipe(100.0, drift=0.60, volatility=0.60)
)
_DATASETS: dict[str, tuple[Provider, tuple[str, ...]]] = {
    "demo-us-stocks": (Bundled("load_sp500_dataset", "daily prices of 20 US stocks"), STOCKS),
    "demo-factor-etfs": (Bundled("load_factors_dataset", "daily prices of 5 factor ETFs"), FACTOR_ETFS),
    "demo-synthetic-stock": (_NVDA, ("NVDA",)),
    "demo-synthetic-crypto": (_BTC, ("BTC-USD",)),
}


def install_demo(store: PriceStore) -> list[Manifest]:
    """Bring the demo datasets into ``store``; what is there already stays, damaged files are mended."""
    return [_install(store, dataset) for dataset in _DATASETS]


def install_demo_dataset_of(store: PriceStore, symbol: str) -> Manifest:
    """Bring in the one demo dataset that has ``symbol``, one of ``DEMO_SYMBOLS``."""
    return _install(store, next(name for name, (_, symbols) in _DATASETS.items() if symbol in symbols))


def _install(store: PriceStore, dataset: str) -> Manifest:
    provider, symbols = _DATASETS[dataset]
    return import_from(provider, symbols, store, dataset)
