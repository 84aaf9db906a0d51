"""The price store: what goes in comes out, what was changed is noticed, what fails leaves nothing."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.core.canonical import file_hash
from steelyard.core.clock import frozen_at
from steelyard.core.errors import ConflictError, DataIntegrityError, InvalidInputError, NotFoundError, TooLargeError
from steelyard.market import files, parquet, store, versions
from steelyard.market.manifest import Source, parse_manifest
from steelyard.market.store import PriceStore
from tests.market.domain import DESK, contents, daily


@pytest.fixture
def prices(tmp_path):
    return PriceStore(tmp_path / "data")


NANOSECONDS = st.sets(st.integers(10**18, 10**18 + 10**15), min_size=1, max_size=30).map(sorted)


@settings(max_examples=40)
@given(st.data(), NANOSECONDS)
def test_what_goes_in_comes_out_to_the_bit(tmp_path_factory, data, nanoseconds):
    numbers = st.floats(1e-300, 1e300)
    columns = {name: [data.draw(numbers) for _ in nanoseconds] for name in ("open", "close")}
    frame = pd.DataFrame({"ts": np.array(nanoseconds, dtype="datetime64[ns]"), **columns})
    prices = PriceStore(tmp_path_factory.mktemp("data"))
    manifest = prices.write("desk", {"X": frame}, DESK)
    series = prices.load("X")
    assert series.close.tobytes() == frame["close"].to_numpy().tobytes()
    assert series.open is not None
    assert series.open.tobytes() == frame["open"].to_numpy().tobytes()
    assert series.timestamps is not None
    assert series.timestamps.tolist() == nanoseconds
    assert series.manifest_hash == manifest.hash


def test_a_series_knows_its_calendar_year_tick_and_source(prices):
    prices.write("desk", {"X": daily([10.25, 10.5, 11.0])}, DESK)
    series = prices.load("X")
    assert (series.symbol, series.calendar, series.periods_per_year, series.tick) == ("X", "24/7", 365, 0.01)
    assert (series.synthetic, series.source) == (False, "the desk's own prices (desk 1.0.0)")


def test_prices_that_are_on_no_decimal_grid_have_no_tick(prices):
    prices.write("desk", {"X": daily([1 / 3, 2.0])}, DESK)
    assert prices.load("X").tick is None


def test_a_long_series_is_cut_by_year_and_a_window_reads_the_files_it_needs(prices, monkeypatch):
    monkeypatch.setattr(parquet, "ROWS_UNDIVIDED_MAX", 500)
    close = np.arange(1.0, 1_001.0)
    listing = prices.write("desk", {"X": daily(close, "2020-01-01")}, DESK).symbols["X"]
    assert [(file.first, file.last, file.rows) for file in listing.files] == [
        ("2020-01-01", "2020-12-31", 366),
        ("2021-01-01", "2021-12-31", 365),
        ("2022-01-01", "2022-09-26", 269),
    ]
    assert prices.load("X").close.tolist() == close.tolist()
    (prices.root / listing.files[0].path).unlink()
    assert prices.load("X", "2021-01-01", "2022-01-02").close.tolist() == close[366:733].tolist()


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, [1, 2, 3]),
        ("2024-01-02", None, [2, 3]),
        (None, "2024-01-02", [1, 2]),
        ("2024-01-01T00:00:01Z", "2024-01-02T00:00", [2]),
        ("2024", "2024-01", [1, 2, 3]),
        (np.datetime64("2024-01-03"), np.datetime64("2024-01-03"), [3]),
    ],
)
def test_both_ends_of_a_window_are_included(prices, start, end, expected):
    prices.write("desk", {"X": daily([1, 2, 3])}, DESK)
    assert prices.load("X", start, end).close.tolist() == expected


@pytest.mark.parametrize(
    ("start", "end", "code", "words"),
    [
        (
            "2025-01-01",
            None,
            "EMPTY_SERIES",
            "X has no bars between 2025-01-01 and any time; .* to 2024-01-03",
        ),
        ("2024-01-01T01:00", "2024-01-01T02:00", "EMPTY_SERIES", "no bars between"),
        ("2024-13-01", None, "INVALID_TIME", "`start` was '2024-13-01'"),
        (None, "yesterday", "INVALID_TIME", "`end` was 'yesterday'"),
        ("2024-01-01T00:00+02:00", None, "INVALID_TIME", "UTC"),
        ("2024-01-02", "2024-01-01", "INVALID_TIME", "turn them round"),
    ],
)
def test_a_window_without_bars_or_sense_is_refused(prices, start, end, code, words):
    prices.write("desk", {"X": daily([1, 2, 3])}, DESK)
    with pytest.raises(InvalidInputError, match=words) as refusal:
        prices.load("X", start, end)
    assert refusal.value.code == code


def test_the_manifest_says_all_that_the_files_are(prices):
    with frozen_at(datetime(2024, 6, 1, tzinfo=UTC)):
        prices.write("desk", {"X": daily([1, 2, 4])}, DESK, repairs={"X": ["bar 7 was dropped."]})
    document = yaml.safe_load((prices.root / "manifests/desk.yaml").read_text())
    (file,) = document["symbols"]["X"]["files"]
    assert file["sha256"] == file_hash(prices.root / file["path"])
    assert (document["version"], document["snapshot_time"]) == ("1.0.0", "2024-06-01T00:00:00.000Z")
    assert (document["licence"], document["calendar"]) == ("CC0-1.0", "24/7")
    assert document["clock_skew_tolerance_s"] == 300
    assert document["source"] == {
        "uri": DESK.uri,
        "description": DESK.description,
        "refresh": "steelyard data import",
        "synthetic": False,
    }
    assert document["schema"] == {"ts": "timestamp[ns, tz=UTC]", "close": "double"}
    assert document["schema_hash"].startswith("sha256:")
    assert document["symbols"]["X"]["repairs"] == ["bar 7 was dropped."]


def test_a_manifest_reads_back_as_it_was_written(prices):
    manifest = prices.write("desk", {"NO": daily([1, 2]), "1E5": daily([0.1, 0.2]), "^X=.-_": daily([3, 4])}, DESK)
    assert parse_manifest(manifest.to_yaml(), "desk.yaml") == manifest
    assert prices.symbols() == ["1E5", "NO", "^X=.-_"]


def test_a_changed_file_is_named_with_both_hashes_and_the_remedy(prices):
    (file,) = prices.write("desk", {"X": daily([1, 2, 3])}, DESK).symbols["X"].files
    path = prices.root / file.path
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(DataIntegrityError) as refusal:
        prices.load("X")
    error = refusal.value
    assert error.code == "DATA_FILE_CHANGED"
    assert error.details == {"file": file.path, "expected": file.sha256, "found": file_hash(path)}
    for words in (file.path, file.sha256, file_hash(path), "Bring it in again with `steelyard data import`"):
        assert words in error.message
    (check,) = prices.verify()
    assert (check.problem, check.found) == (error.message, file_hash(path))


def test_a_file_that_is_changed_after_a_first_good_reading_is_noticed_too(prices):
    (file,) = prices.write("desk", {"X": daily([1, 2, 3])}, DESK).symbols["X"].files
    prices.load("X")
    (prices.root / file.path).write_bytes(b"")
    with pytest.raises(DataIntegrityError):
        prices.load("X")


def test_a_missing_file_is_named(prices):
    (file,) = prices.write("desk", {"X": daily([1, 2, 3])}, DESK).symbols["X"].files
    (prices.root / file.path).unlink()
    with pytest.raises(DataIntegrityError, match=r"is missing; expected a file with sha256:") as refusal:
        prices.load("X")
    assert refusal.value.code == "DATA_FILE_MISSING"
    assert prices.verify("desk")[0].found is None


def test_importing_the_same_again_mends_a_changed_file_without_a_new_version(prices):
    frames = {"X": daily([1, 2, 3])}
    manifest = prices.write("desk", frames, DESK)
    path = prices.root / manifest.symbols["X"].files[0].path
    path.write_bytes(b"broken")
    assert prices.write("desk", frames, DESK) == manifest
    assert prices.load("X").close.tolist() == [1, 2, 3]
    assert prices.versions("desk") == ["1.0.0"]


@pytest.mark.parametrize("content", ["symbols: {}\nmanifest_hash: sha256:0\n", "][", "", "just text"])
def test_a_changed_manifest_is_noticed(prices, content):
    prices.write("desk", {"X": daily([1, 2])}, DESK)
    (prices.root / "manifests/desk.yaml").write_text(content)
    with pytest.raises(DataIntegrityError, match=r"manifests/desk\.yaml was changed: expected") as refusal:
        prices.load("X")
    assert refusal.value.code == "MANIFEST_CHANGED"


def test_one_digit_turned_in_a_manifest_is_noticed(prices):
    prices.write("desk", {"X": daily([1, 2])}, DESK)
    path = prices.root / "manifests/desk.yaml"
    path.write_text(path.read_text().replace("periods_per_year: 365.0", "periods_per_year: 366.0"))
    with pytest.raises(DataIntegrityError, match=r"expected sha256:.*, found sha256:"):
        prices.load("X")


def test_versions_say_what_changed_and_older_ones_stay_readable(prices):
    def version(frames, source=DESK):
        return prices.write("desk", frames, source).version

    assert version({"X": daily([1, 2])}) == "1.0.0"
    assert version({"Y": daily([5, 6])}) == "1.1.0"
    assert version({"Y": daily([5, 6])}) == "1.1.0"
    assert version({"X": daily([1, 2, 3])}) == "2.0.0"
    assert version({"X": daily([1, 2, 3])}, Source("file:b.csv", "another name", "CC0-1.0", "24/7")) == "2.0.1"
    assert prices.versions("desk") == ["1.0.0", "1.1.0", "2.0.0", "2.0.1"]
    assert prices.load("X").close.tolist() == [1, 2, 3]
    assert prices.load("X", dataset="desk@1.1.0").close.tolist() == [1, 2]
    assert prices.load("Y").source == "the desk's own prices (desk 2.0.1)"
    assert all(check.problem is None for name in prices.versions("desk") for check in prices.verify(f"desk@{name}"))


def test_of_two_datasets_with_a_symbol_the_newer_real_one_is_read(prices):
    made_up = Source("made", "up", "CC0-1.0", "24/7", synthetic=True)
    prices.write("b", {"X": daily([2, 2])}, DESK, snapshot_time="2023-01-01T00:00:00.000Z")
    prices.write("a", {"X": daily([1, 1])}, DESK, snapshot_time="2022-01-01T00:00:00.000Z")
    prices.write("c", {"X": daily([3, 3])}, made_up, snapshot_time="2024-01-01T00:00:00.000Z")
    assert prices.load("X").close[0] == 2
    assert prices.load("X", dataset="a").close[0] == 1
    assert prices.load("X", dataset="c").synthetic


@pytest.mark.parametrize(
    ("frame", "source", "code"),
    [
        (daily([1, 2], open=[1.0, 2.0]), DESK, "SCHEMA_CHANGED"),
        (daily([1, 2]), Source(DESK.uri, DESK.description, DESK.licence, "XNYS"), "SOURCE_CHANGED"),
        (daily([1, 2]), Source(DESK.uri, DESK.description, DESK.licence, "24/7", synthetic=True), "SOURCE_CHANGED"),
    ],
)
def test_a_dataset_stays_of_one_kind(prices, frame, source, code):
    prices.write("desk", {"X": daily([1, 2])}, DESK)
    before = contents(prices.root)
    with pytest.raises(ConflictError) as refusal:
        prices.write("desk", {"Y": frame}, source)
    assert refusal.value.code == code
    assert contents(prices.root) == before


def test_symbols_with_other_columns_do_not_go_into_one_dataset(prices):
    with pytest.raises(ConflictError) as refusal:
        prices.write("desk", {"X": daily([1, 2]), "Y": daily([1, 2], open=[1.0, 2.0])}, DESK)
    assert refusal.value.code == "SCHEMA_CHANGED"
    assert contents(prices.root) == {}


def test_a_dataset_has_a_largest_size(prices, monkeypatch):
    monkeypatch.setattr(versions, "SYMBOLS_PER_DATASET_MAX", 2)
    with pytest.raises(TooLargeError, match="would have 3 symbols"):
        prices.write("desk", {name: daily([1, 2]) for name in "XYZ"}, DESK)
    prices.write("desk", {name: daily([1, 2]) for name in "XY"}, DESK)
    with pytest.raises(TooLargeError, match="would have 3 symbols"):
        prices.write("desk", {"Z": daily([1, 2])}, DESK)


@pytest.mark.parametrize("symbol", ["", ".", "..", "../X", "a/b", "a\\b", "/etc", "X\0", "X\n", "x" * 33, "é", "A B"])
def test_a_symbol_never_names_a_path(prices, symbol):
    for use in (lambda: prices.load(symbol), lambda: prices.write("desk", {symbol: daily([1, 2])}, DESK)):
        with pytest.raises(InvalidInputError) as refusal:
            use()
        assert refusal.value.code == "INVALID_SYMBOL"
    assert contents(prices.root) == {}


@pytest.mark.parametrize(
    "dataset", ["", ".", "..", "../x", "a/b", "A", "a\n", "-a", "a-", "x" * 65, "desk@1", "desk@../../x"]
)
def test_neither_does_a_dataset(prices, dataset):
    for use in (lambda: prices.load("X", dataset=dataset), lambda: prices.write(dataset, {"X": daily([1, 2])}, DESK)):
        with pytest.raises(InvalidInputError) as refusal:
            use()
        assert refusal.value.code == "INVALID_DATASET"


def test_an_unknown_symbol_is_refused_with_its_neighbours_first_and_the_way_to_import(prices):
    prices.write("desk", {name: daily([1, 2]) for name in ("AAA", "MSFT", "ZZZ")}, DESK)
    with pytest.raises(NotFoundError) as refusal:
        prices.load("MSTF")
    assert refusal.value.code == "UNKNOWN_TICKER"
    assert "there are MSFT, AAA, ZZZ" in refusal.value.message
    assert "steelyard data import FILE.csv --symbol MSTF" in refusal.value.message


def test_the_list_of_known_symbols_is_bounded(prices):
    error = store.unknown_ticker("Q", [f"S{number:03}" for number in range(100)])
    assert error.details["known_count"] == 100
    assert len(error.details["known"]) == store.SYMBOLS_SHOWN_MAX
    assert "and 60 more" in error.message


def test_an_unknown_dataset_is_refused_with_those_that_there_are(prices):
    prices.write("desk", {"X": daily([1, 2])}, DESK)
    with pytest.raises(NotFoundError, match="no dataset 'dusk'; there are: desk") as refusal:
        prices.verify("dusk")
    assert refusal.value.code == "UNKNOWN_DATASET"


def test_a_defect_refuses_the_whole_import_and_names_the_first_of_them(prices):
    frames = {"GOOD": daily([1, 2, 3]), "BAD": daily([1, -2, float("nan")])}
    with pytest.raises(InvalidInputError) as refusal:
        prices.write("desk", frames, DESK)
    assert refusal.value.code == "NOT_A_NUMBER"
    assert "BAD: close of bar 2 (2024-01-03) was nan" in refusal.value.message
    assert "1 more" in refusal.value.message
    assert contents(prices.root) == {}


@pytest.mark.parametrize("frames", [{}, {"X": daily([])}])
def test_nothing_to_import_is_refused(prices, frames):
    with pytest.raises(InvalidInputError) as refusal:
        prices.write("desk", frames, DESK)
    assert refusal.value.code == "EMPTY_SERIES"


def test_an_import_that_fails_at_any_write_leaves_the_store_as_it_was(prices, monkeypatch):
    prices.write("desk", {"X": daily([1, 2, 3])}, DESK)
    before = contents(prices.root)
    write = files.write_atomically
    for failing in range(4):  # two data files, the version's manifest, the current manifest
        written = 0

        def write_or_fail(path, content, failing=failing):
            nonlocal written
            if written == failing:
                path.parent.mkdir(parents=True, exist_ok=True)
                raise OSError(28, "No space left on device")
            written += 1
            write(path, content)

        monkeypatch.setattr(store, "write_atomically", write_or_fail)
        with pytest.raises(OSError, match="No space left"):
            prices.write("desk", {"X": daily([1, 2, 4]), "Y": daily([5, 6])}, DESK)
        assert contents(prices.root) == before
        assert written == failing
    monkeypatch.undo()
    assert prices.write("desk", {"X": daily([1, 2, 4]), "Y": daily([5, 6])}, DESK).version == "2.0.0"


IMPORTERS = 4


def _import_one(root, barrier, number):
    barrier.wait(60)
    PriceStore(root).write("desk", {f"S{number}": daily([number + 1, 2, 3])}, DESK)


def test_importers_in_several_processes_lose_nothing(prices):
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(IMPORTERS, mp_context=context) as pool:
        barrier = manager.Barrier(IMPORTERS)
        for done in [pool.submit(_import_one, prices.root, barrier, number) for number in range(IMPORTERS)]:
            done.result()
    assert prices.symbols() == [f"S{number}" for number in range(IMPORTERS)]
    assert prices.versions("desk") == [f"1.{number}.0" for number in range(IMPORTERS)]
    assert [prices.load(f"S{number}").close[0] for number in range(IMPORTERS)] == [1, 2, 3, 4]
    assert all(check.problem is None for check in prices.verify())
