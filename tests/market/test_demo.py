"""The demo data: real prices as their package has them, and made-up ones that say so."""

import numpy as np
import pytest
from skfolio.datasets import load_factors_dataset, load_sp500_dataset

import steelyard as sy
from steelyard.core.errors import DataIntegrityError, NotFoundError
from steelyard.infra.settings import use_settings
from steelyard.market.demo import DEMO_SYMBOLS, FACTOR_ETFS, STOCKS, SYNTHETIC_SYMBOLS, install_demo
from steelyard.market.store import PriceStore
from tests.market.domain import DESK, contents, daily


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    store = PriceStore(tmp_path_factory.mktemp("demo"))
    install_demo(store)
    return store


@pytest.mark.parametrize(("load", "symbols"), [(load_sp500_dataset, STOCKS), (load_factors_dataset, FACTOR_ETFS)])
def test_real_prices_are_those_of_the_package_bit_by_bit(demo, load, symbols):
    table = load()
    assert sorted(symbols) == sorted(table.columns)
    for symbol in symbols:
        series = demo.load(symbol)
        assert series.close.tobytes() == table[symbol].to_numpy().tobytes()
        assert np.array_equal(series.timestamps, table.index.to_numpy("datetime64[ns]"))
        assert (series.synthetic, series.periods_per_year, series.calendar, series.tick) == (False, 252, "XNYS", 0.001)


def test_there_are_20_stocks_from_1990_and_5_factors_from_2014_to_2022(demo):
    manifests = {manifest.dataset: manifest for manifest in demo.datasets()}
    spans = {
        name: (len(manifest.symbols), sum(listing.rows for listing in manifest.symbols.values()))
        for name, manifest in manifests.items()
        if not manifest.source.synthetic
    }
    assert spans == {"demo-us-stocks": (20, 20 * 8_313), "demo-factor-etfs": (5, 5 * 2_264)}
    for manifest in manifests.values():
        assert manifest.source.synthetic or "BSD-3-Clause" in manifest.source.licence
        assert not any("GAP" in listing.notes for listing in manifest.symbols.values())
    assert demo.symbols() == sorted(DEMO_SYMBOLS)


@pytest.mark.parametrize(("symbol", "calendar", "periods"), [("NVDA", "XNYS", 252), ("BTC-USD", "24/7", 365)])
def test_made_up_series_say_that_they_are(demo, symbol, calendar, periods):
    series = demo.load(symbol)
    assert (series.synthetic, series.calendar, series.periods_per_year) == (True, calendar, periods)
    assert series.source.startswith("synthetic prices, made by a generator from seed")
    assert len(series) / periods > 12


@pytest.mark.parametrize("symbol", SYNTHETIC_SYMBOLS)
@pytest.mark.parametrize(("fast", "slow"), [(10, 20), (10, 30), (20, 30)])
def test_made_up_series_are_lively_enough_for_fifty_trades(demo, symbol, fast, slow):
    sums = np.concatenate([[0.0], np.cumsum(demo.load(symbol).close)])
    averages = [(sums[window:] - sums[:-window])[slow - window :] / window for window in (fast, slow)]
    above = averages[0] > averages[1]
    assert np.count_nonzero(above[1:] & ~above[:-1]) >= 50


def test_installing_again_changes_nothing_and_mends_what_was_broken(tmp_path):
    store = PriceStore(tmp_path)
    first = install_demo(store)
    before = contents(tmp_path)
    path = tmp_path / first[0].symbols["AAPL"].files[0].path
    path.write_bytes(b"broken")
    with pytest.raises(DataIntegrityError, match="--from demo"):
        store.load("AAPL")
    assert install_demo(store) == first
    assert contents(tmp_path) == before


def test_two_machines_have_the_same_demo_manifests(demo, tmp_path):
    assert {m.hash for m in install_demo(PriceStore(tmp_path))} == {m.hash for m in demo.datasets()}


def test_a_demo_symbol_is_brought_in_when_it_is_first_asked_for(tmp_path):
    series = sy.load_prices("MTUM", data_dir=tmp_path, start="2020-01-01", end="2020-12-31")
    assert (series.symbol, len(series)) == ("MTUM", 253)
    assert [manifest.dataset for manifest in PriceStore(tmp_path).datasets()] == ["demo-factor-etfs"]


def test_own_prices_go_before_those_of_the_demo(tmp_path):
    PriceStore(tmp_path).write("desk", {"AAPL": daily([7, 8, 9])}, DESK)
    assert sy.load_prices("AAPL", data_dir=tmp_path).close.tolist() == [7, 8, 9]


def test_own_prices_of_a_name_that_the_demo_makes_up_go_before_it(demo, tmp_path):
    store = PriceStore(tmp_path)
    install_demo(store)
    store.write("desk", {"NVDA": daily([7, 8, 9], "2001-01-01")}, DESK, snapshot_time="2001-02-01T00:00:00.000Z")
    assert not sy.load_prices("NVDA", data_dir=tmp_path).synthetic


def test_the_folder_is_that_of_the_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("STEELYARD_DATA_DIR", str(tmp_path / "here"))
    use_settings(None)
    try:
        sy.load_prices("MTUM")
    finally:
        use_settings(None)
    assert (tmp_path / "here/manifests/demo-factor-etfs.yaml").is_file()


def test_an_unknown_ticker_is_refused_with_near_ones_first_though_nothing_is_installed(tmp_path):
    with pytest.raises(NotFoundError) as refusal:
        sy.load_prices("APPL", data_dir=tmp_path)
    assert refusal.value.code == "UNKNOWN_TICKER"
    assert "there are AAPL, " in refusal.value.message
    assert "steelyard data import" in refusal.value.message
    assert contents(tmp_path) == {}
