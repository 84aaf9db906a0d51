"""Reading CSV and Parquet: usual names, exact numbers, UTC times, and no silent guess."""

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.core.errors import InvalidInputError, NotFoundError, SteelyardError, TooLargeError
from steelyard.market import importing
from steelyard.market.importing import read_prices
from steelyard.market.repair import Repair
from steelyard.market.store import PriceStore
from tests.market.domain import contents, daily


@pytest.fixture
def csv(tmp_path):
    def write(text, name="ACME.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return write


def only(frames):
    ((_, frame),) = frames.items()
    return frame


def times(frame):
    return [str(time) for time in frame["ts"].to_numpy("datetime64[s]")]


def refusal_of(path, **options):
    with pytest.raises(SteelyardError) as refusal:
        read_prices(path, **options)
    return refusal.value


HEADERS = ["Date,Close", "timestamp,close", "Datetime, LAST ", "time,Price", ",c", '"date","close"', "\ufeffDate,Close"]


@pytest.mark.parametrize("header", HEADERS)
def test_columns_are_found_by_their_usual_names(csv, header):
    frames = read_prices(csv(f"{header}\n2024-01-02,10.5\n2024-01-03,11\n"))
    assert list(frames) == ["ACME"]
    assert only(frames)["close"].tolist() == [10.5, 11.0]
    assert times(only(frames)) == ["2024-01-02T00:00:00", "2024-01-03T00:00:00"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_all_columns_of_bars_come_along_whatever_the_delimiter(csv, delimiter):
    text = "Date,Open,High,Low,Close,Volume,Remark\r\n2024-01-02,1,3,0.5,2,,hello\r\n".replace(",", delimiter)
    frame = only(read_prices(csv(text)))
    assert frame.columns.tolist() == ["ts", "open", "high", "low", "close", "volume"]
    assert frame.iloc[0, 1:5].tolist() == [1, 3, 0.5, 2]
    assert np.isnan(frame["volume"][0])


@settings(max_examples=50)
@given(st.lists(st.floats(1e-300, 1e300), min_size=1, max_size=20))
def test_numbers_are_read_to_the_bit(tmp_path_factory, close):
    path = tmp_path_factory.mktemp("csv") / "X.csv"
    daily(close).to_csv(path, index=False)
    assert only(read_prices(path))["close"].tolist() == close


def test_a_symbol_column_makes_many_series_and_one_of_them_can_be_chosen(csv):
    path = csv("date,ticker,close\n2024-01-02,B,1\n2024-01-02,A,5\n2024-01-03,B,2\n")
    assert {name: frame["close"].tolist() for name, frame in read_prices(path).items()} == {"A": [5], "B": [1, 2]}
    assert read_prices(path, symbol="B")["B"]["close"].tolist() == [1, 2]


def test_a_chosen_symbol_that_the_file_lacks_is_refused(csv):
    assert refusal_of(csv("date,symbol,close\n2024-01-02,B,1\n"), symbol="C").code == "UNKNOWN_TICKER"


def test_a_file_of_one_series_takes_the_name_it_is_given(csv):
    assert list(read_prices(csv("date,close\n2024-01-02,1\n"), symbol="BRK.B")) == ["BRK.B"]


def test_adjusted_closes_adjust_all_prices_of_the_bar(csv):
    frame = only(read_prices(csv("Date,Open,High,Low,Close,Adj Close\n2024-01-02,4,8,2,6,3\n")))
    assert frame[["open", "high", "low", "close"]].to_numpy().tolist() == [[2, 4, 1, 3]]


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2024-01-02", "2024-01-02T00:00:00"),
        ("20240102", "2024-01-02T00:00:00"),
        ("2024-01-02T14:30:00Z", "2024-01-02T14:30:00"),
        ("2024-01-02 09:30:00-05:00", "2024-01-02T14:30:00"),
        ("2024-01-02 00:00:00-05:00", "2024-01-02T00:00:00"),  # a session's date, whatever its zone
        ("2024-01-02T14:30", "2024-01-02T14:30:00"),
        ("1704205800", "2024-01-02T14:30:00"),
        ("1704205800000", "2024-01-02T14:30:00"),
        ("1704205800000000", "2024-01-02T14:30:00"),
        ("1704205800000000000", "2024-01-02T14:30:00"),
    ],
)
def test_times_become_utc(csv, text, utc):
    assert times(only(read_prices(csv(f"time,close\n{text},1\n")))) == [utc]


def test_times_of_day_without_an_offset_are_read_in_the_given_zone_and_dates_are_not(csv):
    bars = csv("time,close\n2024-01-02 09:30,1\n2024-07-02 09:30,1\n")
    assert times(only(read_prices(bars, timezone="America/New_York"))) == ["2024-01-02T14:30:00", "2024-07-02T13:30:00"]
    days = csv("time,close\n2024-01-02,1\n")
    assert times(only(read_prices(days, timezone="America/New_York"))) == ["2024-01-02T00:00:00"]


@pytest.mark.parametrize(
    ("rows", "timezone", "words"),
    [
        ("2024-01-02\n03/04/2024", "UTC", "the time of bar 1 was '03/04/2024'; write ISO 8601"),
        ("2024-01-02T10:00\n2024-01-02T11:00Z", "UTC", "bar 1 .*give all of them one, or none"),
        ("2024-03-10 02:30", "America/New_York", "none of America/New_York or two of it"),
        ("2024-01-02T10:00", "Mars/Olympus", "`timezone` was 'Mars/Olympus'"),
    ],
)
def test_a_time_that_could_mean_two_things_or_none_is_refused(csv, rows, timezone, words):
    path = csv("time,close\n" + "".join(f"{row},1\n" for row in rows.split("\n")))
    with pytest.raises(InvalidInputError, match=words):
        read_prices(path, timezone=timezone)


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("Date;Close\n2024-01-02;10\n2024-01-03;10,5\n", "DECIMAL_COMMA", "Close of bar 1 was '10,5'; .*decimal point"),
        ('Date,Close\n2024-01-02,"1,234.50"\n', "DECIMAL_COMMA", "'1,234.50'"),
        ("Date,Close\n2024-01-02,ten\n", "UNREADABLE_NUMBER", "Close of bar 0 was 'ten'"),
        ("Date,Close\n2024-01-02,0x10\n", "UNREADABLE_NUMBER", "0x10"),
        ("Date,Value\n2024-01-02,1\n", "MISSING_COLUMN", "no column for `close` .*it has Date, Value"),
        ("Day,Close\n2024-01-02,1\n", "MISSING_COLUMN", "no column for `ts`"),
        ("Date,Time,Close\n2024-01-02,10:00,1\n", "AMBIGUOUS_COLUMN", "several columns for `ts`: Date, Time"),
        ("Date,Close,Close\n2024-01-02,1,2\n", "AMBIGUOUS_COLUMN", "two columns of one name"),
        ("Date,Close\n2024-01-02,1,2\n", "UNREADABLE_FILE", "2 columns"),
        ("Date,Close\n", "EMPTY_SERIES", "no rows"),
        ("", "EMPTY_SERIES", "is empty"),
    ],
)
def test_a_file_that_cannot_be_read_rightly_is_refused_with_the_place(csv, text, code, words):
    path = csv(text)
    with pytest.raises(InvalidInputError, match=words) as refusal:
        read_prices(path)
    assert refusal.value.code == code


def test_a_file_in_another_encoding_is_refused(csv):
    assert refusal_of(csv("Date,Close,Börse\n2024-01-02,1,x\n", encoding="latin-1")).code == "UNREADABLE_FILE"


@pytest.mark.parametrize(("name", "code"), [("none.csv", "FILE_NOT_FOUND"), ("prices.xlsx", "UNKNOWN_FORMAT")])
def test_a_file_that_is_not_there_or_no_table_is_refused_without_its_folder(tmp_path, name, code):
    error = refusal_of(tmp_path / name)
    assert error.code == code
    assert str(tmp_path) not in error.message


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "x.csv").mkdir()
    assert refusal_of(tmp_path / "x.csv").code == "UNREADABLE_FILE"


@pytest.mark.parametrize("limit", ["FILE_BYTES_MAX", "ROWS_MAX"])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_file_above_a_limit_is_refused(tmp_path, monkeypatch, limit, suffix):
    path = tmp_path / f"X.{suffix}"
    frame = daily([1, 2, 3, 4])
    frame.to_csv(path, index=False) if suffix == "csv" else frame.to_parquet(path)
    monkeypatch.setattr(importing, limit, 3)
    with pytest.raises(TooLargeError, match="at most 3"):
        read_prices(path)


@pytest.mark.parametrize(
    "stamps",
    [
        pa.array([date(2024, 1, 2), date(2024, 1, 3)]),
        pa.array(np.array(["2024-01-02", "2024-01-03"], dtype="datetime64[us]")),
        pa.array(pd.date_range("2024-01-02", periods=2, tz="America/New_York")),
        pa.array(["2024-01-02", "2024-01-03"]),
        pa.array([20240102, 20240103]),
        pa.array([1704153600, 1704240000]),
    ],
)
def test_parquet_is_read_with_any_kind_of_time(tmp_path, stamps):
    pq.write_table(pa.table({"date": stamps, "close": pa.array([1, 2])}), tmp_path / "X.parquet")
    frame = only(read_prices(tmp_path / "X.parquet"))
    assert times(frame) == ["2024-01-02T00:00:00", "2024-01-03T00:00:00"]
    assert frame["close"].tolist() == [1.0, 2.0]


def test_parquet_times_of_day_with_a_zone_become_utc(tmp_path):
    stamps = pd.date_range("2024-01-02 09:30", periods=2, freq="min", tz="America/New_York")
    pd.DataFrame({"close": [1.0, 2.0]}, index=stamps).to_parquet(tmp_path / "X.parquet")
    assert times(only(read_prices(tmp_path / "X.parquet")))[0] == "2024-01-02T14:30:00"


def test_a_broken_parquet_file_is_refused(csv):
    assert refusal_of(csv("PAR1 not really", "X.parquet")).code == "UNREADABLE_FILE"


def test_parquet_prices_that_are_no_numbers_are_refused(tmp_path):
    pq.write_table(pa.table({"date": ["2024-01-02"], "close": [True]}), tmp_path / "X.parquet")
    assert refusal_of(tmp_path / "X.parquet").code == "UNREADABLE_NUMBER"


BAD = "date,close\n2024-01-03,3\n2024-01-02,2\n2024-01-04,-4\n2024-01-03,33\n2024-01-05,\n"


def test_bad_bars_are_refused_and_nothing_is_written(csv, tmp_path):
    prices = PriceStore(tmp_path / "data")
    with pytest.raises(InvalidInputError, match="import with --repair") as refusal:
        prices.import_file(csv(BAD), calendar="24/7")
    assert refusal.value.code == "NOT_A_NUMBER"
    assert contents(prices.root) == {}


def test_bad_bars_are_repaired_when_asked_and_the_manifest_lists_what_was_done(csv, tmp_path):
    prices = PriceStore(tmp_path / "data")
    manifest = prices.import_file(csv(BAD), calendar="24/7", repairs=list(Repair))
    assert prices.load("ACME").close.tolist() == [2, 33]
    assert manifest.dataset == "acme"
    assert set(manifest.symbols["ACME"].repairs) == {
        "close of bar 4 (2024-01-05) was nan; every bar needs a price: dropped.",
        "close of bar 2 (2024-01-04) was -4.0; prices are above 0: dropped.",
        "bar 1 (2024-01-02) comes after one of 2024-01-03; sort the bars by time: sorted.",
        "bar 3 (2024-01-03) comes after one of 2024-01-04; sort the bars by time: sorted.",
        "bar 3 (2024-01-03) has the time of an earlier bar: the earlier bar was dropped.",
    }


THREE_ILLS = "date,close\n2024-01-03,1\n2024-01-02,2\n2024-01-02,3\n2024-01-04,0\n"


@pytest.mark.parametrize(
    ("missing", "code"),
    [
        (Repair.SORT, "NOT_SORTED"),
        (Repair.DROP_DUPLICATES, "DUPLICATE_TIMESTAMP"),
        (Repair.DROP_BAD_ROWS, "NOT_POSITIVE"),
    ],
)
def test_a_repair_that_was_not_asked_for_is_not_done(csv, tmp_path, missing, code):
    path, prices = csv(THREE_ILLS), PriceStore(tmp_path / "data")
    with pytest.raises(InvalidInputError) as refusal:
        prices.import_file(path, calendar="24/7", repairs={*Repair} - {missing})
    assert refusal.value.code == code


def test_good_bars_are_imported_alike_with_and_without_repairs(csv, tmp_path):
    path = csv("date,close\n2024-01-02,1\n2024-01-03,2\n")
    plain = PriceStore(tmp_path / "a").import_file(path)
    repaired = PriceStore(tmp_path / "b").import_file(path, repairs=list(Repair))
    assert plain.symbols == repaired.symbols
    assert plain.symbols["ACME"].repairs == ()


def test_the_list_of_repairs_is_bounded(csv, tmp_path):
    rows = "".join(f"2024-01-02T00:00:{number % 60:02},0\n" for number in range(150))
    manifest = PriceStore(tmp_path / "data").import_file(
        csv("date,close\n2024-01-01T00:00:01,1\n" + rows), calendar="24/7", repairs=[Repair.DROP_BAD_ROWS]
    )
    repairs = manifest.symbols["ACME"].repairs
    assert (len(repairs), repairs[-1]) == (101, "50 more repairs.")


def test_the_manifest_names_the_file_and_its_hash_but_not_its_folder(csv, tmp_path):
    manifest = PriceStore(tmp_path / "data").import_file(csv("date,close\n2024-01-02,1\n", "My prices.csv"), symbol="X")
    assert manifest.dataset == "my-prices"
    assert manifest.source.uri == "file:My prices.csv"
    assert "sha256:" in manifest.source.description
    assert str(tmp_path) not in manifest.to_yaml().decode()


def test_a_missing_file_is_a_not_found(tmp_path):
    with pytest.raises(NotFoundError):
        PriceStore(tmp_path).import_file(tmp_path / "none.csv")
