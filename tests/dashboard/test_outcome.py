"""The chart of a rebalance shows what was stored of it."""

from datetime import date
from decimal import Decimal
from typing import Any

from steelyard.dashboard.outcome import bands_of, securities_of
from steelyard.models.document import Model, Position
from steelyard.models.orders import Rebalance, rebalance_portfolios
from steelyard.models.stores import PortfolioResult
from steelyard.models.valuation import Portfolio
from steelyard.models.views import position_views

A, B, GONE = "A" * 24, "B" * 24, "C" * 24
MODEL = Model(
    "m", tuple(Position(one, Decimal("0.4"), high_drift=Decimal("0.1"), low_drift=Decimal("0.2")) for one in (A, B))
)


def result() -> PortfolioResult:
    holdings = {A: Decimal(8), GONE: Decimal(1)}
    prices = dict.fromkeys((A, B, GONE), Decimal(100))
    (answer,) = rebalance_portfolios(
        MODEL, [Portfolio("p", Decimal(100), holdings)], prices, trade_date=date(2026, 1, 2)
    )
    assert isinstance(answer, Rebalance)
    return PortfolioResult("p", 0, market_value=answer.market_value, positions=position_views(answer))


def test_weights_before_and_after_are_shares_of_the_market_value():
    bands = {band.label: band for band in bands_of(result(), {A: "AAA"})}
    assert (bands["AAA"].before, bands["AAA"].after) == (0.8, 0.4)
    assert (bands[B].before, bands[B].after) == (0.0, 0.4)
    assert (bands["AAA"].bottom, bands["AAA"].top) == (0.2, 0.5)


def test_a_holding_outside_the_model_has_no_band_and_goes_to_nothing():
    gone = {band.label: band for band in bands_of(result(), {})}[GONE]
    assert (gone.bottom, gone.top, gone.before, gone.after) == (0.0, 0.0, 0.1, 0.0)


def test_securities_are_those_of_orders_and_of_failures():
    details: dict[str, Any] = {"nearest": {"D" * 24: {}}}
    failed = PortfolioResult("q", 1, error={"code": "X", "message": "x", "details": details})
    assert securities_of([result(), failed]) == [A, B, GONE, "D" * 24]
