"""Tables: which columns, which rows, and what becomes of the undefined."""

from steelyard.dashboard import grids
from steelyard.research.store import RESULT_COLUMN_NAMES

ROW = dict.fromkeys(RESULT_COLUMN_NAMES) | {
    "rank": 1, "fast_period": 5, "slow_period": 20, "score": 1.23456789012, "profit_factor_infinite": True,
    "total_return_pct": 0.0, "total_trades": 3, "below_min_trades": True,
}  # fmt: skip


def test_columns_without_a_value_are_left_out_and_a_zero_is_a_value():
    fields = [column["field"] for column in grids.results_grid([ROW])["columnDefs"]]
    assert fields == ["rank", "fast_period", "slow_period", "score", "total_return_pct", "total_trades"]


def test_rows_keep_their_order_and_numbers_are_short():
    rows = grids.results_grid([ROW, ROW | {"rank": 2}])["rowData"]
    assert [row["rank"] for row in rows] == [1, 2]
    assert rows[0]["score"] == 1.2345679
    assert rows[0]["below_min_trades"]


def test_a_sweep_without_rows_gives_an_empty_grid():
    assert grids.results_grid([])["rowData"] == []
    assert grids.trades_grid([])["rowData"] == []


def test_text_in_a_row_is_data_and_no_column_renders_html():
    trade = {"number": 1, "entry": "<img src=x onerror=alert(1)>", "exit": None, "is_open": True}
    grid = grids.trades_grid([trade])
    assert grid["rowData"][0]["entry"] == trade["entry"]
    assert not any("cellRenderer" in key for column in grid["columnDefs"] for key in column)
