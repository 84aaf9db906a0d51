"""The report of a sweep: one HTML file that opens anywhere, offline, and prints.

It holds plotly's script, all figures and all tables, and depends on the result alone: the same
sweep writes the same bytes.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.io import to_html
from plotly.offline import get_plotlyjs

from steelyard.core.errors import InvalidInputError
from steelyard.research.charts import equity, heatmap, luck
from steelyard.research.result import SweepResult

ROWS_MAX = 25
TRADES_MAX = 40
_TEMPLATE = Path(__file__).with_name("report.html")

_COLUMNS = {
    "fast_period": ("Fast", "d"),
    "slow_period": ("Slow", "d"),
    "signal_period": ("Signal", "d"),
    "score": ("Score", ".2f"),
    "total_return_pct": ("Return %", ",.1f"),
    "annualized_return": ("A year %", ".1f"),
    "sharpe_ratio": ("Sharpe", ".2f"),
    "sortino_ratio": ("Sortino", ".2f"),
    "calmar_ratio": ("Calmar", ".2f"),
    "max_drawdown_pct": ("Drawdown %", ".1f"),
    "win_rate_pct": ("Wins %", ".1f"),
    "profit_factor": ("Profit factor", ".2f"),
    "expectancy_pct": ("Per trade %", ".2f"),
    "exposure_pct": ("In market %", ".0f"),
    "total_trades": ("Trades", "d"),
    "avg_trade_duration": ("Average trade", "s"),
}
_COMPARED = (
    "total_return_pct", "annualized_return", "sharpe_ratio", "sortino_ratio", "calmar_ratio", "max_drawdown_pct"
)  # fmt: skip
_FOLDS = {
    "fold": ("Fold", "d"),
    "fast_period": ("Fast", "d"),
    "slow_period": ("Slow", "d"),
    "signal_period": ("Signal", "d"),
    "in_sample_sharpe": ("Sharpe in training", ".2f"),
    "out_of_sample_sharpe": ("Sharpe in test", ".2f"),
    "out_of_sample_return_pct": ("Return in test %", ",.1f"),
    "buy_and_hold_return_pct": ("Buy and hold %", ",.1f"),
}


def write_report(result: SweepResult, path: Path) -> Path:
    """Write the report to ``path``, whole or not at all, and return the path.

    Raises:
        InvalidInputError: NO_SUCH_FOLDER.
    """
    if not path.parent.is_dir():
        msg = f"`path` was {str(path)!r}; its folder {str(path.parent)!r} does not exist"
        raise InvalidInputError(msg, code="NO_SUCH_FOLDER")
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(report_html(result), encoding="utf-8", newline="\n")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path


def report_html(result: SweepResult) -> str:
    """The whole document."""
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=escape(f"{result.series.symbol}: {result.spec.strategy} sweep"),
        subtitle=escape(_subtitle(result)),
        level=result.verdict.level,
        headline=escape(result.verdict.headline),
        reasons="".join(f"<li>{escape(reason)}</li>" for reason in result.verdict.reasons),
        cards=_cards(result),
        plotly=get_plotlyjs(),
        equity=_chart(equity(result), "equity"),
        luck=_chart(luck(result), "luck"),
        heatmap=_chart(heatmap(result), "heatmap"),
        best=_table(result.table.head(ROWS_MAX).to_dict("records"), _COLUMNS),
        best_count=f"{min(ROWS_MAX, len(result.table)):,} of {len(result.table):,}",
        rank_by=escape(result.spec.rank_by),
        compared=_compared(result),
        folds=_folds(result),
        trades=_trades(result),
        trades_title="Tickers" if result.tickers else "Trades",
        provenance=_provenance(result),
    )


def _subtitle(result: SweepResult) -> str:
    data = result.metadata["data"]
    dates = "" if data["start"] is None else f", {data['start'][:10]} to {data['end'][:10]}"
    made_up = " Synthetic prices, made by a generator." if data["synthetic"] else ""
    return f"{len(result.table):,} combinations on {data['bars']:,} bars{dates}. Prices: {data['source']}.{made_up}"


def _cards(result: SweepResult) -> str:
    best, beyond = result.best, result.out_of_sample
    windows = " / ".join(str(int(best[name])) for name in best.index if name.endswith("_period"))
    facts = (
        ("Best combination", windows, f"ranked by {result.spec.rank_by}"),
        ("Return in hindsight", _text(best["total_return_pct"], ",.1f", " %"), "of the best combination"),
        ("Out of sample", _text(beyond["total_return_pct"], ",.1f", " %"), "chosen on the past only"),
        ("Buy and hold", _text(result.buy_and_hold["total_return_pct"], ",.1f", " %"), "over all bars"),
        ("Deflated Sharpe", _text(result.deflated_sharpe * 100, ".1f", " %"), "evidence from 95 %"),
        ("Overfitting", _text(result.pbo * 100, ".1f", " %"), "probability; luck gives 50 %"),
    )
    return "".join(
        f'<div class="card"><span>{escape(name)}</span><strong>{escape(value)}</strong>'
        f"<small>{escape(note)}</small></div>"
        for name, value, note in facts
    )


def _compared(result: SweepResult) -> str:
    beyond = result.out_of_sample
    rows = [
        {"what": "Best combination, in hindsight, all bars"} | result.best[list(_COMPARED)].to_dict(),
        {"what": "Buy and hold, all bars"} | result.buy_and_hold[list(_COMPARED)].to_dict(),
        {"what": "Chosen on the past only, test bars"} | {name: beyond[name] for name in _COMPARED},
        {"what": "Buy and hold, test bars"}
        | {name: beyond[f"buy_and_hold_{name.removeprefix('total_')}"] for name in _COMPARED},
    ]
    return _table(rows, {"what": ("", "s")} | {name: _COLUMNS[name] for name in _COMPARED})


def _folds(result: SweepResult) -> str:
    if result.walk_forward.empty:
        return "<p>The history is too short for a walk-forward analysis with these windows.</p>"
    records: list[dict[str, Any]] = []
    for fold in result.walk_forward.to_dict("records"):
        training = f"{fold['train_start']:,} to {fold['train_end'] - 1:,}"
        test = f"{fold['test_start']:,} to {fold['test_end'] - 1:,}"
        if "test_from" in fold:
            test = f"{fold['test_from']:%Y-%m-%d} to {fold['test_to']:%Y-%m-%d}"
        records.append({**{str(name): value for name, value in fold.items()}, "training": training, "test": test})
    columns = {"training": ("Training, bars", "s"), "test": ("Test", "s")}
    return _table(records, {"fold": _FOLDS["fold"]} | columns | _FOLDS)


def _trades(result: SweepResult) -> str:
    if result.tickers:
        return _tickers(result)
    trades, times = result.backtest.trades, result.series.timestamps

    def when(bar: int | None) -> str:
        if bar is None:
            return "open"
        return f"bar {bar:,}" if times is None else f"{pd.Timestamp(times[bar]):%Y-%m-%d %H:%M}".removesuffix(" 00:00")

    records = [
        {
            "entry": when(trade.entry_bar),
            "exit": when(trade.exit_bar),
            "bought": trade.entry_price,
            "sold": trade.exit_price,
            "bars": (len(result.series) - 1 if trade.exit_bar is None else trade.exit_bar) - trade.entry_bar,
            "trade_return": trade.trade_return * 100,
        }
        for trade in trades[-TRADES_MAX:]
    ]
    columns = {
        "entry": ("Entry", "s"), "exit": ("Exit", "s"), "bought": ("Bought at", ",.4g"), "sold": ("Sold at", ",.4g"),
        "bars": ("Bars", "d"), "trade_return": ("Return %", ".2f"),
    }  # fmt: skip
    note = f"<p>The last {len(records)} of {len(trades)} trades of the best combination, costs included.</p>"
    return note + _table(records, columns)


def _tickers(result: SweepResult) -> str:
    records = [
        {"ticker": symbol, "deflated_sharpe": own.deflated_sharpe * 100, "pbo": own.pbo * 100} | own.best.to_dict()
        for symbol, own in result.tickers.items()
    ]
    columns = {"ticker": ("Ticker", "s")} | _COLUMNS
    columns |= {"deflated_sharpe": ("Deflated Sharpe %", ".1f"), "pbo": ("Overfitting %", ".1f")}
    return "<p>The best combination of each series by itself.</p>" + _table(records, columns)


def _provenance(result: SweepResult) -> str:
    metadata, execution = result.metadata, result.spec.execution
    data = metadata["data"]
    facts = {
        "Execution": f"fee {execution.fee:g} per side, slippage {execution.slippage_bp:g} bp, fill {execution.fill}",
        "Periods per year": f"{metadata['periods_per_year']:g}",
        "Purge and embargo": f"{metadata['purge_bars']} and {metadata['embargo_bars']} bars",
        "Prices": data["prices_hash"],
        "Manifest": data["manifest_hash"] or "none: prices from memory",
        "Parameters": metadata["parameters_hash"],
        "Engine": f"steelyard {metadata['engine_version']}",
    }
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in facts.items())
    return f"<dl>{rows}</dl>"


def _table(records: Sequence[Mapping[Any, Any]], columns: Mapping[str, tuple[str, str]]) -> str:
    shown = {name: column for name, column in columns.items() if records and name in records[0]}
    head = "".join(f"<th>{escape(title)}</th>" for title, _ in shown.values())
    body = "".join(_cells(record, shown) for record in records)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cells(record: Mapping[Any, Any], columns: Mapping[str, tuple[str, str]]) -> str:
    cells = "".join(f"<td>{escape(_text(record[name], form))}</td>" for name, (_, form) in columns.items())
    flag = ' class="thin"' if record.get("below_min_trades") else ""
    return f"<tr{flag}>{cells}</tr>"


def _text(value: Any, form: str, unit: str = "") -> str:
    if value is None or (isinstance(value, float | np.floating) and math.isnan(value)):
        return "\N{EN DASH}"
    if form == "s":
        return str(value)
    if math.isinf(value):
        return "∞"
    return f"{int(value) if form == 'd' else value:{form}}{unit}"


def _chart(figure: go.Figure, name: str) -> str:
    config = {"displayModeBar": False, "responsive": True}
    html: str = to_html(figure, config=config, include_plotlyjs=False, full_html=False, div_id=name)
    return html
