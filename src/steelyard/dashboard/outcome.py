"""What a rebalance came to: the portfolios, and of one of them the drift, the orders and the reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from nicegui import ui

from steelyard.dashboard import figures
from steelyard.dashboard.bands import Band, band_chart, chart_height
from steelyard.dashboard.failures import show_failure
from steelyard.dashboard.shell import badge, card, cell, words
from steelyard.dashboard.theme import Mode
from steelyard.models.stores import PortfolioResult, RebalanceRecord
from steelyard.models.views import rebalance_view

Position = Mapping[str, Any]


def securities_of(results: Sequence[PortfolioResult]) -> list[str]:
    """Every security that the results speak of, once."""
    named = {position["securityId"] for result in results for position in result.positions}
    failed = {one for result in results if result.error for one in result.error["details"].get("nearest", {})}
    return sorted(named | failed)


def show_outcome(
    record: RebalanceRecord | None, results: Sequence[PortfolioResult], tickers: Mapping[str, str], *, mode: Mode
) -> None:
    """Draw the results; of several a list whose rows open.  ``record`` is None where nothing was stored."""
    if len(results) == 1:
        show_portfolio(record, results[0], tickers, mode=mode)
        return
    failed = sum(result.error is not None for result in results)
    note = (
        f"{figures.counted(len(results) - failed, 'portfolio')} with orders, {failed:,} without. Open one to see them."
    )
    with card("What it came to", note):
        openers = _table(results)
    place = ui.element("div").classes("parts")

    def show(result: PortfolioResult) -> None:
        place.clear()
        with place:
            show_portfolio(record, result, tickers, mode=mode)

    for opener, result in zip(openers, results, strict=True):
        opener.on("click", lambda _, one=result: show(one))


def show_portfolio(
    record: RebalanceRecord | None, result: PortfolioResult, tickers: Mapping[str, str], *, mode: Mode
) -> None:
    """Draw what one portfolio came to."""
    name = result.portfolio_id if result.portfolio_name is None else f"{result.portfolio_id}, {result.portfolio_name}"
    if result.error is not None:
        with card(name, "No orders."):
            show_failure(result.error, tickers)
        return
    bands = bands_of(result, tickers)
    with ui.element("div").classes("two"):
        with card(f"Drift of {name}", "Weights before and after, in their bands."):
            chart = ui.echart(band_chart(bands, mode=mode)).classes("chart").mark("drift")
            chart.style(f"height: {chart_height(len(bands))}px")
        with card("Orders", _amounts(result)):
            _orders(record, result, tickers)
    with card("Why these quantities"):
        _reasons(result.positions, tickers)


def bands_of(result: PortfolioResult, tickers: Mapping[str, str]) -> list[Band]:
    """The rows of a portfolio's chart; weights are shares of its market value."""
    value = result.market_value or Decimal(1)
    return [
        Band(
            tickers.get(one["securityId"], one["securityId"]),
            float(one["target"]),
            float(one["lowDrift"]),
            float(one["highDrift"]),
            before=float(Decimal(one["originalPositionMarketValue"]) / value),
            after=float(one["actual"]),
        )
        for one in result.positions
    ]


def _table(results: Sequence[PortfolioResult]) -> list[ui.element]:
    """Draw the list; returns the button of each row."""
    openers: list[ui.element] = []
    columns = (("Portfolio", ""), ("Result", ""), ("Value", "num"), ("Orders", "num"), ("Cash after", "num"))
    with (
        ui.element("div").classes("scroll tall"),
        ui.element("table").classes("table cards compact").mark("outcome"),
    ):
        with ui.element("thead"), ui.element("tr"):
            for name, kind in columns:
                words("th", name).classes(kind)
        with ui.element("tbody"):
            for result in results:
                with ui.element("tr"):
                    with cell(""):
                        openers.append(words("button", result.portfolio_id).classes("quiet").props("type=button"))
                    with cell("Result"):
                        if result.error is None:
                            badge("orders", "good")
                        else:
                            badge(result.error["code"], "bad")
                    orders = sum(one["transactionType"] is not None for one in result.positions)
                    cell("Value", _money(result.market_value), is_number=True)
                    cell("Orders", figures.count(orders) if result.error is None else "", is_number=True)
                    cell("Cash after", _money(result.cash_after), is_number=True)
    return openers


def _amounts(result: PortfolioResult) -> str:
    return (
        f"Worth {_money(result.market_value)}; cash {_money(result.cash_before)} before, "
        f"{_money(result.cash_after)} after."
    )


def _orders(record: RebalanceRecord | None, result: PortfolioResult, tickers: Mapping[str, str]) -> None:
    orders = [] if record is None else rebalance_view(record, result)["transactions"]
    if not orders:
        ui.label("No order: every weight is where it belongs.").classes("empty")
        return
    prices = {one["securityId"]: Decimal(one["price"]) for one in result.positions}
    columns = (("Side", ""), ("Security", ""), ("Units", "num"), ("Worth", "num"), ("Trade date", "num"))
    with ui.element("div").classes("scroll"), ui.element("table").classes("table cards compact").mark("orders"):
        with ui.element("thead"), ui.element("tr"):
            for name, kind in columns:
                words("th", name).classes(kind)
        with ui.element("tbody"):
            for order in orders:
                with ui.element("tr"):
                    with cell(""):
                        side_badge(order["transactionType"])
                    security_cell(order["securityId"], tickers)
                    cell("Units", figures.count(order["quantity"]), is_number=True)
                    cell("Worth", _money(order["quantity"] * prices[order["securityId"]]), is_number=True)
                    cell("Trade date", order["tradeDate"], is_number=True).classes("soft")


def _reasons(positions: Sequence[Position], tickers: Mapping[str, str]) -> None:
    columns = (
        ("Security", ""), ("Price", "num"), ("Units before", "num"), ("Units after", "num"), ("Target", "num"),
        ("Weight after", "num"), ("Why", ""),
    )  # fmt: skip
    with ui.element("div").classes("scroll"), ui.element("table").classes("table cards compact").mark("reasons"):
        with ui.element("thead"), ui.element("tr"):
            for name, kind in columns:
                words("th", name).classes(kind)
        with ui.element("tbody"):
            for one in positions:
                with ui.element("tr"):
                    security_cell(one["securityId"], tickers)
                    cell("Price", one["price"], is_number=True)
                    cell("Units before", one["originalQuantity"], is_number=True)
                    cell("Units after", one["adjustedQuantity"], is_number=True)
                    cell("Target", one["target"], is_number=True)
                    cell("Weight after", one["actual"], is_number=True)
                    cell("Why", one["note"]).classes("wrap soft")


def side_badge(side: str) -> None:
    """BUY or SELL in a pill."""
    badge(side, "good" if side == "BUY" else "doubtful")


def security_cell(security_id: str, tickers: Mapping[str, str]) -> None:
    """A table cell with ticker and id; the id alone where it has no other name."""
    ticker = tickers.get(security_id, security_id)
    with cell("Security"), ui.element("div"):
        ui.label(ticker).classes("strong" if ticker != security_id else "mono")
        if ticker != security_id:
            ui.label(security_id).classes("mono faint")


def _money(amount: Decimal | None) -> str:
    return figures.UNDEFINED if amount is None else f"{amount:,.2f}"
