"""Files of holdings and prices: all rows or none, and a refusal that names the row."""

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from steelyard.core.errors import InvalidInputError, TooLargeError
from steelyard.models import importing
from steelyard.models.built_in import Account, Security
from steelyard.models.importing import accounts_from, read_csv, read_file, read_parquet, securities_from
from steelyard.models.valuation import Portfolio
from tests.models.domain import security

A, B = security("A"), security("B")
HEAD = "portfolioId,securityId,quantity,name\n"


def accounts(text):
    return accounts_from(read_csv(text.encode()))


def test_a_file_of_holdings_is_read_digit_for_digit():
    text = HEAD + f"p 1,CASH,100.50,Pension\np 1,{A},10.7,\np2,{B},3,\np2,CASH,0,\n"
    assert accounts("\ufeff" + text) == [
        Account(Portfolio("p 1", Decimal("100.50"), {A: Decimal("10.7")}), "Pension"),
        Account(Portfolio("p2", Decimal(0), {B: Decimal(3)})),
    ]
    assert str(accounts(text)[0].portfolio.cash) == "100.50"


def test_columns_may_be_in_snake_case_and_in_any_order():
    assert accounts(f"quantity,security_id,portfolio_id\n5,CASH,p1\n2,{A},p1\n") == [
        Account(Portfolio("p1", Decimal(5), {A: Decimal(2)}))
    ]


def test_a_file_of_securities_may_leave_out_tickers_and_prices():
    rows = read_csv(f"securityId,price,ticker\n{A},33.370,AAA\n{B},,\n".encode())
    assert securities_from(rows) == [Security(A, "AAA", Decimal("33.370")), Security(B, B, None)]


@pytest.mark.parametrize(
    ("rows", "code", "said"),
    [
        (f"p1,{A},1,\n", "CASH_MISSING", "p1 has no CASH row"),
        ("p1,CASH,1,\np1,CASH,2,\n", "DUPLICATE_HOLDING", "row 2"),
        (f"p1,CASH,1,\np1,{A},1,\np1,{A},1,\n", "DUPLICATE_HOLDING", "row 3"),
        ("p1,CASH,much,\n", "NOT_A_DECIMAL", "row 1"),
        ("p1,CASH,,\n", "VALUE_MISSING", "`quantity`"),
        ("p1,CASH,NaN,\n", "NOT_A_DECIMAL", "row 1"),
        ("p1,CASH,1e99,\n", "TOO_PRECISE", "row 1"),
        ("p1,CASH,1,\np1,short,1,\n", "SECURITY_ID_INVALID", "row 2"),
        ("p1,CASH\n", "ROW_MALFORMED", "line 2"),
        (",CASH,1,\n", "VALUE_MISSING", "`portfolio_id`"),
        ("p" * 65 + ",CASH,1,\n", "PORTFOLIO_ID_INVALID", "64 characters"),
        ('p1,"CASH,1,\n', "FILE_MALFORMED", "CSV"),
    ],
)
def test_a_wrong_row_is_named_and_nothing_is_taken(rows, code, said):
    with pytest.raises(InvalidInputError) as refused:
        accounts(HEAD + rows)
    assert refused.value.code == code
    assert said in refused.value.message


def test_a_wrong_column_says_which_there_are():
    with pytest.raises(InvalidInputError, match="there are account, quantity"):
        accounts("account,quantity\np1,1\n")


@given(st.lists(st.decimals(-(10**12), 10**12, places=6), min_size=1, max_size=8))
def test_parquet_and_csv_say_the_same(quantities):
    ids = ["CASH", *(security(f"S{number}") for number in range(len(quantities) - 1))]
    lines = [f"p1,{one},{quantity},n" for one, quantity in zip(ids, quantities, strict=True)]
    same = {"portfolioId": ["p1"] * len(ids), "name": ["n"] * len(ids)}
    table = pa.table({"securityId": ids, "quantity": quantities, **same})
    sink = pa.BufferOutputStream()
    parquet.write_table(table, sink)
    from_parquet = accounts_from(read_parquet(sink.getvalue().to_pybytes()))
    assert from_parquet == accounts(HEAD + "\n".join(lines))


def test_a_floating_point_column_is_read_as_the_shortest_text():
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table({"securityId": [A], "price": [0.1]}), sink)
    assert securities_from(read_parquet(sink.getvalue().to_pybytes())) == [Security(A, A, Decimal("0.1"))]


@pytest.mark.parametrize("data", [b"", b"PAR1", b"securityId,price\n"])
def test_what_is_no_parquet_is_refused(data):
    with pytest.raises(InvalidInputError, match="no Parquet"):
        read_parquet(data)


def test_files_are_known_by_their_endings(tmp_path):
    (tmp_path / "h.csv").write_text(HEAD + "p1,CASH,1,\n")
    assert len(read_file(tmp_path / "h.csv")) == 1
    (tmp_path / "h.txt").write_text("")
    with pytest.raises(InvalidInputError, match=r"\.csv or \.parquet"):
        read_file(tmp_path / "h.txt")
    with pytest.raises(InvalidInputError, match="cannot be read"):
        read_file(tmp_path / "none.csv")


def test_a_file_has_a_limit_of_rows(monkeypatch):
    monkeypatch.setattr(importing, "ROWS_MAX", 2)
    with pytest.raises(TooLargeError, match="more than 2 rows"):
        read_csv((HEAD + "p,CASH,1,\n" * 3).encode())
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table({"securityId": [A, A, A]}), sink)
    with pytest.raises(TooLargeError):
        read_parquet(sink.getvalue().to_pybytes())
