"""Foreign cash: bought where the trades need it, swept to base where it is left over.

The cash of every currency is projected over the trades.  A shortage is bought for base currency
with a buffer, a surplus is sold; each currency has one exchange, so base is the hub of all.

Source: contract dpm, section 6.9.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec.structs import replace

from steelyard.rebalance.market import Market
from steelyard.rebalance.result import FxSpot, Intent, Rationale, SecurityTrade
from steelyard.rebalance.values import ONE, ZERO, CashBalance

_FUNDING = Rationale("FUNDING", "Buys the currency that the trades need.")
_SWEEP = Rationale("SWEEP", "Sells the currency that is left over.")


def fund_trades(
    trades: Sequence[SecurityTrade],
    cash_balances: Iterable[CashBalance],
    base: str,
    market: Market,
    *,
    buffer: Decimal,
    link_sells: bool,
) -> list[Intent]:
    """All orders in the order of execution: sales, exchanges, purchases.

    ``buffer`` is the share that is bought beyond a shortage; ``link_sells`` makes a purchase wait
    for the last sale in its currency.
    """
    exchanges = _exchange(projected_cash(trades, cash_balances), len(trades), base, market, buffer)
    funding = {fx.buy_currency: fx.intent_id for fx in exchanges if fx.rationale is _FUNDING}
    sales = [trade for trade in trades if trade.side == "SELL"]
    last_sale = {sale.notional.currency: sale.intent_id for sale in sales} if link_sells else {}
    needs: dict[str, tuple[str, ...]] = {}
    purchases: list[SecurityTrade] = []
    for trade in trades:
        if trade.side == "BUY":
            currency = trade.notional.currency
            if currency not in needs:
                needs[currency] = tuple(ids[currency] for ids in (funding, last_sale) if currency in ids)
            purchases.append(replace(trade, dependencies=needs[currency]) if needs[currency] else trade)
    return [*sales, *exchanges, *purchases]


def projected_cash(trades: Iterable[SecurityTrade], cash_balances: Iterable[CashBalance]) -> dict[str, Decimal]:
    """Cash after the trades and before any exchange: the given currencies first, then as they are used."""
    cash: dict[str, Decimal] = {}
    for row in cash_balances:
        cash[row.currency] = cash.get(row.currency, ZERO) + row.amount
    for trade in trades:
        notional = trade.notional
        currency = notional.currency
        balance = cash.get(currency, ZERO)
        cash[currency] = balance + notional.amount if trade.side == "SELL" else balance - notional.amount
    return cash


def _exchange(
    cash: dict[str, Decimal], intents_before: int, base: str, market: Market, buffer: Decimal
) -> list[FxSpot]:
    exchanges: list[FxSpot] = []
    for currency, balance in cash.items():
        rate = market.rate(currency, base)
        if currency == base or not balance or rate is None:
            continue
        intent_id, pair = f"oi_fx_{intents_before + len(exchanges) + 1}", f"{currency}/{base}"
        if balance < 0:
            bought = -balance * (ONE + buffer)
            exchange = FxSpot(intent_id, pair, currency, bought, base, bought * rate, (), _FUNDING)
        else:
            exchange = FxSpot(intent_id, pair, base, balance * rate, currency, balance, (), _SWEEP)
        exchanges.append(exchange)
    return exchanges
