"""Tables of thousands of rows as AG Grid options: sorted, filtered and paged in the browser.

Cells show text, never HTML; the JavaScript in keys that begin with a colon is all here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

PAGE_ROWS = 25

Options = dict[str, Any]


def results_grid(rows: Sequence[Mapping[str, Any]]) -> Options:
    """A sweep's combinations, best first; columns that no row has a value in are left out."""
    columns = [
        number_column("rank", "Rank", 0, width=78),
        number_column("fast_period", "Fast", 0, width=78),
        number_column("slow_period", "Slow", 0, width=78),
        number_column("signal_period", "Signal", 0, width=84),
        number_column("score", "Score", 3),
        number_column("sharpe_ratio", "Sharpe", 2),
        number_column("sortino_ratio", "Sortino", 2),
        number_column("calmar_ratio", "Calmar", 2),
        number_column("total_return_pct", "Return %", 1),
        number_column("annualized_return", "Annual %", 1),
        number_column("max_drawdown_pct", "Drawdown %", 1, width=116),
        number_column("win_rate_pct", "Win rate %", 1, width=108),
        number_column("profit_factor", "Profit factor", 2, width=118)
        | {":valueGetter": "p => p.data.profit_factor_infinite ? Infinity : p.data.profit_factor"},
        number_column("expectancy_pct", "Expectancy %", 2, width=124),
        number_column("exposure_pct", "Exposure %", 1, width=112),
        number_column("total_trades", "Trades", 0, width=88),
        {"field": "avg_trade_duration", "headerName": "Avg. trade", "width": 112, "sortable": False, "filter": False},
    ]
    used = [column for column in columns if any(row.get(column["field"]) is not None for row in rows)]
    names = [*(column["field"] for column in used), "profit_factor_infinite", "below_min_trades"]
    grid = plain_grid(used, [{name: _short(row[name]) for name in names} for row in rows])
    return grid | {
        "rowClassRules": {"below": "data.below_min_trades"},
        "rowSelection": {"mode": "singleRow", "checkboxes": False, "enableClickSelection": True},
        "defaultColDef": grid["defaultColDef"] | {"floatingFilter": True, "suppressFloatingFilterButton": True},
        "pagination": True,
        "paginationPageSize": PAGE_ROWS,
        "paginationPageSizeSelector": [PAGE_ROWS, 100, 500],
    }


def trades_grid(trades: Sequence[Mapping[str, Any]]) -> Options:
    """A combination's trades, newest first."""
    columns = [
        number_column("number", "No.", 0, width=70),
        {"field": "entry", "headerName": "Bought", "width": 118, "filter": "agTextColumnFilter"},
        {"field": "exit", "headerName": "Sold", "width": 118, ":valueFormatter": "p => p.value ?? 'still held'"},
        number_column("bars", "Bars", 0, width=80),
        number_column("entry_price", "Price in", 2, width=100),
        number_column("exit_price", "Price out", 2, width=100),
        number_column("return_pct", "Return %", 2, width=104),
    ]
    rows = [{name: _short(value) for name, value in trade.items()} for trade in trades]
    return plain_grid(columns, rows) | {"rowClassRules": {"below": "data.is_open"}}


def plain_grid(columns: list[Options], rows: list[Options]) -> Options:
    """A grid of rows by field, sorted by a click on a column's head."""
    return {
        "columnDefs": columns,
        "rowData": rows,
        "defaultColDef": {"sortable": True, "resizable": True, "suppressHeaderFilterButton": True},
        "rowHeight": 32,
        "headerHeight": 36,
        "suppressFieldDotNotation": True,
    }


def number_column(name: str, header: str, digits: int, *, width: int = 98) -> Options:
    """A column of numbers, to the right and with so many decimals; a dash where there is none."""
    return {
        "field": name,
        "headerName": header,
        "width": width,
        "type": "rightAligned",
        "filter": "agNumberColumnFilter",
        ":valueFormatter": "p => p.value == null ? '\\u2013' : p.value === Infinity ? '∞' : "
        f"p.value.toLocaleString('en', {{minimumFractionDigits: {digits}, maximumFractionDigits: {digits}}})",
    }


def _short(value: Any) -> Any:
    return float(f"{value:.8g}") if isinstance(value, float) else value
