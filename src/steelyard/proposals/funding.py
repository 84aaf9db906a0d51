"""Funding of purchases: one exchange per currency, from one source, rounded to cents.

Currencies are served in the order of their names, each from the first source that can pay all of
it: base currency, then, if allowed, any other cash.  A currency that nobody can pay for keeps its
purchases from being made.  Purchases are booked after all exchanges, so cash that they will take
in their own currency still counts as there; what that overdraws, the rules block.

Source: contract dpm, section 12, steps 4 and 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Context, Decimal

from msgspec.structs import replace

from steelyard.proposals.values import Blotter, FundingPlanEntry, InsufficientCash
from steelyard.rebalance.market import Market
from steelyard.rebalance.result import FxSpot, Rationale, SecurityTrade
from steelyard.rebalance.values import ZERO, EngineOptions

MISSING_FX = "PROPOSAL_MISSING_FX_FOR_FUNDING"
UNPRICED_FX_ALLOWED = "PROPOSAL_MISSING_FX_NON_BLOCKING"
NOT_ENOUGH_CASH = "PROPOSAL_INSUFFICIENT_FUNDING_CASH"
SKIPPED = "PROPOSAL_BUY_SKIPPED_UNFUNDED"
_FUNDING = Rationale("FUNDING", "Buys the currency that the purchases need.")
_DECIMALS = {"JPY": 0, "KRW": 0, "VND": 0, "BHD": 3, "KWD": 3, "OMR": 3}
_WIDE = Context(prec=200, rounding=ROUND_HALF_EVEN)


@dataclass(slots=True)
class Funded:
    """The exchanges, by pair, and the purchases that can be made, with their dependencies."""

    exchanges: list[FxSpot] = field(default_factory=list)
    purchases: list[SecurityTrade] = field(default_factory=list)


def fund_purchases(
    trades: Sequence[SecurityTrade], base: str, market: Market, options: EngineOptions, blotter: Blotter
) -> Funded:
    """Buy the currencies that purchases need; ``blotter.cash`` already holds flows and sales."""
    purchases = [trade for trade in trades if trade.side == "BUY"]
    desk = _Desk(base, market, options, blotter)
    by_currency: dict[str, str | None] = {}
    if options.auto_funding:
        for currency in sorted({trade.notional.currency for trade in purchases}):
            required = sum([one.notional.amount for one in purchases if one.notional.currency == currency], ZERO)
            by_currency[currency] = desk.fund(currency, required)
    funded = Funded(sorted(desk.exchanges, key=lambda fx: fx.pair))
    last_sale = _last_sales(trades) if options.link_buy_to_same_currency_sell_dependency else {}
    for trade in purchases:
        currency = trade.notional.currency
        fx_id = by_currency.get(currency, "")
        if fx_id is None:
            blotter.diagnostics.warn(SKIPPED)
            continue
        blotter.move(currency, -trade.notional.amount)
        needs = tuple(one for one in (fx_id, last_sale.get(currency, "")) if one)
        funded.purchases.append(replace(trade, dependencies=needs))
    return funded


def round_cents(amount: Decimal, currency: str) -> Decimal:
    """``amount`` half-even at the decimals that the currency has."""
    return _WIDE.quantize(amount, Decimal(1).scaleb(-_DECIMALS.get(currency, 2)))


def _last_sales(trades: Sequence[SecurityTrade]) -> dict[str, str]:
    return {trade.notional.currency: trade.intent_id for trade in trades if trade.side == "SELL"}


@dataclass(slots=True)
class _Desk:
    """Finds the source that pays for a currency."""

    base: str
    market: Market
    options: EngineOptions
    blotter: Blotter
    exchanges: list[FxSpot] = field(default_factory=list)

    def fund(self, currency: str, required: Decimal) -> str | None:
        """The id of the exchange, empty if none was needed, None if nobody can pay."""
        available = self.blotter.move(currency, ZERO)  # from here on the currency has a row, be it empty
        needed = max(ZERO, required - available)
        exchange = self._exchange(currency, needed) if needed else None
        self.blotter.diagnostics.funding_plan.append(
            FundingPlanEntry(
                currency,
                round_cents(required, currency),
                round_cents(available, currency),
                round_cents(needed, currency),
                exchange.pair if exchange else None,
                exchange.sell_currency if exchange else None,
            )
        )
        if exchange is not None:
            self.exchanges.append(exchange)
            self.blotter.move(exchange.sell_currency, -exchange.sell_amount_estimated)
            self.blotter.move(exchange.buy_currency, exchange.buy_amount)
            return exchange.intent_id
        return None if needed else ""

    def _exchange(self, currency: str, needed: Decimal) -> FxSpot | None:
        shortfalls: list[tuple[Decimal, str]] = []
        for source in self._sources(currency):
            rate = self.market.rate(currency, source)
            if rate is None:
                self._note_missing(f"{currency}/{source}")
                continue
            price = round_cents(needed * rate, source)
            cash = self.blotter.cash.get(source, ZERO)
            if cash >= price:
                intent_id, pair = f"oi_fx_{len(self.exchanges) + 1}", f"{currency}/{source}"
                return FxSpot(intent_id, pair, currency, round_cents(needed, currency), source, price, (), _FUNDING)
            shortfalls.append((price - cash, source))
        self._note_unfunded(shortfalls)
        return None

    def _sources(self, currency: str) -> list[str]:
        first = [self.base] if currency != self.base else []
        if self.options.fx_funding_source_currency == "BASE_ONLY":
            return first
        return first + sorted(set(self.blotter.cash) - {currency, self.base})

    def _note_missing(self, pair: str) -> None:
        pairs = self.blotter.diagnostics.missing_fx_pairs
        missing = self.blotter.diagnostics.data_quality.fx_missing
        for noted in (pairs, missing):
            if pair not in noted:
                noted.append(pair)

    def _note_unfunded(self, shortfalls: list[tuple[Decimal, str]]) -> None:
        diagnostics = self.blotter.diagnostics
        if diagnostics.missing_fx_pairs and not self.options.block_on_missing_fx:
            diagnostics.warn(UNPRICED_FX_ALLOWED)
            self.blotter.needs_review = True
        elif diagnostics.missing_fx_pairs:
            self.blotter.failures.append(MISSING_FX)
        else:
            if shortfalls:
                deficit, source = min(shortfalls)
                diagnostics.insufficient_cash.append(InsufficientCash(source, round_cents(deficit, source)))
            self.blotter.failures.append(NOT_ENOUGH_CASH)
