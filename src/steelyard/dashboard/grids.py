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
        _number("rank", "Rank", 0, width=78),
        _number("fast_period", "Fast", 0, width=78),
        _number("slow_period", "Slow", 0, width=78),
        _number("signal_period", "Signal", 0, width=84),
        _number("score", "Score", 3),
        _number("sharpe_ratio", "Sharpe", 2),
        _number("sortino_ratio", "Sortino", 2),
        _number("calmar_ratio", "Calmar", 2),
        _number("total_return_pct", "Return %", 1),
        _number("annualized_return", "Annual %", 1),
        _number("max_drawdown_pct", "Drawdown %", 1, width=116),
        _number("win_rate_pct", "Win rate %", 1, width=108),
        _number("profit_factor", "Profit factor", 2, width=118)
        | {":valueGetter": "p => p.data.profit_factor_infinite ? Infinity : p.data.profit_factor"},
        _number("expectancy_pct", "Expectancy %", 2, width=124),
        _number("exposure_pct", "Exposure %", 1, width=112),
        _number("total_trades", "Trades", 0, width=88),
        {"field": "avg_trade_duration", "headerName": "Avg. trade", "width": 112, "sortable": False, "filter": False},
    ]
    used = [column for column in columns if any(row.get(column["field"]) is not None for row in rows)]
    names = [*(column["field"] for column in used), "profit_factor_infinite", "below_min_trades"]
    grid = _grid(used, [{name: _short(row[name]) for name in names} for row in rows])
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
        _number("number", "No.", 0, width=70),
        {"field": "entry", "headerName": "Bought", "width": 118, "filter": "agTextColumnFilter"},
        {"field": "exit", "headerName": "Sold", "width": 118, ":valueFormatter": "p => p.value ?? 'still held'"},
        _number("bars", "Bars", 0, width=80),
        _number("entry_price", "Price in", 2, width=100),
        _number("exit_price", "Price out", 2, width=100),
        _number("return_pct", "Return %", 2, width=104),
    ]
    rows = [{name: _short(value) for name, value in trade.items()} for trade in trades]
    return _grid(columns, rows) | {"rowClassRules": {"below": "data.is_open"}}


def _grid(columns: list[Options], rows: list[Options]) -> Options:
    return {
        "columnDefs": columns,
        "rowData": rows,
        "defaultColDef": {"sortable": True, "resizable": True, "suppressHeaderFilterButton": True},
        "rowHeight": 32,
        "headerHeight": 36,
        "suppressFieldDotNotation": True,
    }


def _number(name: str, header: str, digits: int, *, width: int = 98) -> Options:
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
