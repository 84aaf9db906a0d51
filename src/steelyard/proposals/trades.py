"""The adviser's trades as orders: priced, checked against the shelf, left out where they cannot be.

Source: contract dpm, section 12, step 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from steelyard.proposals.values import Blotter, ProposedTrade
from steelyard.rebalance.market import Market, Shelf
from steelyard.rebalance.result import Rationale, SecurityTrade
from steelyard.rebalance.values import Money

NOT_SUPPORTED = "PROPOSAL_TRADE_NOT_SUPPORTED_BY_SHELF"
INVALID_INPUT = "PROPOSAL_INVALID_TRADE_INPUT"
_MANUAL = Rationale("MANUAL_PROPOSAL", "Proposed by the adviser.")
_NOT_FOR_SALE = ("SELL_ONLY", "BANNED", "SUSPENDED")


def price_trades(
    proposed: Sequence[ProposedTrade],
    base: str,
    market: Market,
    shelf: Shelf,
    blotter: Blotter,
    *,
    allow_restricted: bool,
) -> list[SecurityTrade]:
    """The orders, sales first, each side by instrument; their ids keep the order of the input.

    What is left out is noted as missing data or as a failure.
    """
    trades = []
    for number, trade in enumerate(proposed, start=1):
        price = _price_of(trade, market, shelf, blotter, allow_restricted=allow_restricted)
        if price is not None:
            trades.append(_order(f"oi_{number}", trade, price, base=base, market=market, blotter=blotter))
    return sorted(trades, key=lambda order: (order.side == "BUY", order.instrument_id))


def _price_of(
    trade: ProposedTrade, market: Market, shelf: Shelf, blotter: Blotter, *, allow_restricted: bool
) -> Money | None:
    """The price to trade at; None if the trade is left out."""
    missing = blotter.diagnostics.data_quality
    row = shelf.rows.get(trade.instrument_id)
    if row is None:
        missing.shelf_missing.append(trade.instrument_id)
        return None
    is_closed = row.status in _NOT_FOR_SALE or (row.status == "RESTRICTED" and not allow_restricted)
    if trade.side == "BUY" and is_closed:
        blotter.fail(NOT_SUPPORTED)
        return None
    price = market.prices.get(trade.instrument_id)
    if price is None:
        missing.price_missing.append(trade.instrument_id)
    elif trade.notional is not None and trade.notional.currency != price.currency:
        blotter.fail(INVALID_INPUT)
        return None
    return price


def _order(
    intent_id: str, trade: ProposedTrade, price: Money, *, base: str, market: Market, blotter: Blotter
) -> SecurityTrade:
    quantity, notional = _size(trade, price)
    rate = market.rate(price.currency, base)
    if rate is None:
        blotter.diagnostics.data_quality.fx_missing.append(f"{price.currency}/{base}")
    in_base = None if rate is None else Money(notional.amount * rate, base)
    return SecurityTrade(intent_id, trade.instrument_id, trade.side, quantity, notional, in_base, (), _MANUAL, ())


def _size(trade: ProposedTrade, price: Money) -> tuple[Decimal, Money]:
    """Quantity and notional; the one that is given determines the other, unrounded."""
    if trade.notional is not None:
        return trade.notional.amount / price.amount, trade.notional
    quantity = trade.quantity or Decimal(0)
    return quantity, Money(quantity * price.amount, price.currency)
