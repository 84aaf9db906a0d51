"""Turnover cap: keep the trades that matter most within a budget.

The budget is a share of the portfolio's value.  Trades are ranked by size and kept while they fit;
one that does not fit is left out whole and the next is tried, so a smaller one may use what
remains.  No trade is ever scaled: a half-done switch is worse than one not begun.

Source: contract dpm, section 6.8.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import partial

from msgspec import Struct

from steelyard.rebalance.result import Diagnostics, DroppedIntent, SecurityTrade
from steelyard.rebalance.values import ONE, ZERO, Money


class CappedTrades(Struct, frozen=True, gc=False):
    """Trades within the budget, largest first, and those left out, in the order tried."""

    kept: list[SecurityTrade]
    dropped: list[SecurityTrade]


def cap_turnover(
    trades: Sequence[SecurityTrade], *, portfolio_value: Decimal, max_turnover: Decimal | None
) -> CappedTrades:
    """Keep the trades whose sizes add up to at most ``max_turnover`` of ``portfolio_value``.

    Args:
        trades: sized in base currency, either side.
        portfolio_value: in base currency.
        max_turnover: share of the value, 0..1; None for no cap.

    Returns:
        The trades as they came if all fit, otherwise the kept ones by rank.  Equality fits.
    """
    if max_turnover is None or sum([size_of(trade) for trade in trades], ZERO) <= portfolio_value * max_turnover:
        return CappedTrades(list(trades), [])
    left = portfolio_value * max_turnover
    kept, dropped = [], []
    for trade in sorted(trades, key=partial(_rank, portfolio_value or ONE)):
        if size_of(trade) <= left:
            left -= size_of(trade)
            kept.append(trade)
        else:
            dropped.append(trade)
    return CappedTrades(kept, dropped)


def report_dropped(dropped: Sequence[SecurityTrade], portfolio_value: Decimal, base: str, diary: Diagnostics) -> None:
    """Note the trades left out, each with its share of the portfolio."""
    if dropped:
        diary.warn("PARTIAL_REBALANCE_TURNOVER_LIMIT")
    for trade in dropped:
        size = size_of(trade)
        score = size / (portfolio_value or ONE)
        diary.dropped_intents.append(DroppedIntent(trade.instrument_id, "TURNOVER_LIMIT", Money(size, base), score))


def size_of(trade: SecurityTrade) -> Decimal:
    """The size of a trade in base currency, zero if its currency could not be converted."""
    return abs(trade.notional_base.amount) if trade.notional_base is not None else ZERO


def _rank(portfolio_value: Decimal, trade: SecurityTrade) -> tuple[Decimal, Decimal, str, str]:
    # By share of the value, as the contract has it: where that is negative the smallest comes first.
    # Ties are broken by names, so that the order of the input never decides who trades.
    share = size_of(trade) / portfolio_value
    return -share, abs(trade.notional.amount), trade.instrument_id, trade.intent_id
