"""Providers: one port, and what each of them does when it cannot."""

import sys
import types

import numpy as np
import pandas as pd
import pytest

from steelyard.core.errors import ConfigurationError, InvalidInputError, NotFoundError, UnavailableError
from steelyard.market.fetching import import_from
from steelyard.market.providers import Bundled, YFinance
from steelyard.market.store import PriceStore
from tests.market.domain import contents

STOCKS = Bundled("load_sp500_dataset", "daily prices of 20 US stocks")


class Yahoo:
    """What yfinance answers, as far as we ask: it needs the network, which tests do not have."""

    def __init__(self, table=None, error=None):
        self.table, self.error = table, error

    def install(self, monkeypatch):
        module = types.ModuleType("yfinance")
        module.Ticker = lambda _symbol: self  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "yfinance", module)

    def history(self, **options):
        assert options["auto_adjust"]
        assert options["raise_errors"]
        if self.error:
            raise self.error
        return self.table


def yahoo_table():
    index = pd.date_range("2024-01-02", periods=3, tz="America/New_York", name="Date")
    prices = {"Open": [1.0, 2, 3], "High": [2.0, 3, 4], "Low": [0.5, 1, 2], "Close": [1.5, 2.5, 3.5]}
    return pd.DataFrame({**prices, "Volume": [10, 20, 30]}, index=index)


def test_bundled_prices_come_in_the_asked_for_window():
    frame = STOCKS.fetch("AAPL", "2020-01-01", "2020-01-07")
    assert frame.columns.tolist() == ["ts", "close"]
    assert frame["ts"].to_numpy("datetime64[D]").astype(str).tolist() == [
        "2020-01-02", "2020-01-03", "2020-01-06", "2020-01-07",
    ]  # fmt: skip


def test_a_symbol_that_is_not_bundled_is_refused_with_those_that_are():
    with pytest.raises(NotFoundError, match="have no NVDA; there are AAPL, AMD"):
        STOCKS.fetch("NVDA")


def test_yahoos_days_are_sessions_without_a_zone(monkeypatch, tmp_path):
    Yahoo(yahoo_table()).install(monkeypatch)
    store = PriceStore(tmp_path)
    manifest = import_from(YFinance(), ["ACME"], store, "yahoo", start="2024-01-03")
    series = store.load("ACME")
    assert series.timestamps is not None
    assert series.timestamps.astype("datetime64[D]").astype(str).tolist() == ["2024-01-03", "2024-01-04"]
    assert series.open is not None
    assert (series.close.tolist(), series.open.tolist()) == ([2.5, 3.5], [2, 3])
    assert list(manifest.schema) == ["ts", "open", "high", "low", "close", "volume"]
    assert manifest.source.dependencies[0].startswith("yfinance==")


def test_without_the_network_it_says_so_and_nothing_is_written(monkeypatch, tmp_path):
    Yahoo(error=OSError("could not resolve host")).install(monkeypatch)
    with pytest.raises(UnavailableError, match=r"fetch ACME .*could not resolve host.* are you online") as refusal:
        import_from(YFinance(), ["ACME"], PriceStore(tmp_path), "yahoo")
    assert refusal.value.code == "PROVIDER_UNAVAILABLE"
    assert contents(tmp_path) == {}


def test_without_the_package_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "yfinance", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'steelyard\[yfinance\]'") as refusal:
        YFinance().fetch("ACME")
    assert refusal.value.code == "YFINANCE_MISSING"


def test_a_symbol_that_could_be_a_path_never_reaches_the_network():
    with pytest.raises(InvalidInputError):
        YFinance().fetch("../ACME")


def test_a_fetch_has_a_largest_number_of_symbols(tmp_path):
    with pytest.raises(InvalidInputError, match="501 symbols were asked for; at most 500"):
        import_from(STOCKS, ["AAPL"] * 501, PriceStore(tmp_path), "x")


def test_a_window_without_bars_imports_nothing(tmp_path):
    with pytest.raises(InvalidInputError) as refusal:
        import_from(STOCKS, ["AAPL"], PriceStore(tmp_path), "x", start="2030-01-01")
    assert refusal.value.code == "EMPTY_SERIES"
    assert contents(tmp_path) == {}


def test_what_never_changes_is_as_old_as_its_last_bar(tmp_path):
    manifest = import_from(STOCKS, ["AAPL"], PriceStore(tmp_path), "x", end=np.datetime64("2020-01-03"))
    assert manifest.snapshot_time == "2020-01-03T00:00:00.000Z"
