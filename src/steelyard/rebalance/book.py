"""A whole book: many portfolios against shared prices, rates, shelf and models.

What is shared is indexed once.  Accounts do not depend on each other, so they can be worked on in
chunks, anywhere and in any order; the summary sorts them, so it does not show how it was made.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from msgspec import Struct

from steelyard.rebalance.engine import RunIdentity, rebalance
from steelyard.rebalance.market import Market, Shelf
from steelyard.rebalance.result import RebalanceResult, SecurityTrade
from steelyard.rebalance.turnover import size_of
from steelyard.rebalance.values import (
    ZERO,
    EngineOptions,
    MarketDataSnapshot,
    ModelPortfolio,
    Money,
    PortfolioSnapshot,
    RebalanceRequest,
    ShelfEntry,
    Status,
)

MODEL_NOT_FOUND = "MODEL_NOT_FOUND"


class BookAccount(Struct, frozen=True, gc=False):
    """A portfolio, the name of its model, and options of its own if it has any."""

    portfolio_snapshot: PortfolioSnapshot
    model: str
    options: EngineOptions | None = None


class BookRequest(Struct, frozen=True, gc=False):
    """What the accounts share, and the accounts."""

    market_data_snapshot: MarketDataSnapshot
    shelf_entries: tuple[ShelfEntry, ...]
    models: dict[str, ModelPortfolio]
    accounts: tuple[BookAccount, ...]
    options: EngineOptions = EngineOptions()


class AccountRow(Struct, frozen=True, gc=False):
    """An account in the comparison; ``reason`` is the first that speaks against it, if any."""

    portfolio_id: str
    status: Status
    security_intent_count: int
    gross_turnover_notional_base: Money
    total_value: Money
    reason: str | None


class Allocation(Struct, frozen=True, gc=False):
    """An account's part of a block."""

    portfolio_id: str
    intent_id: str
    quantity: Decimal


class BlockOrder(Struct, frozen=True, gc=False):
    """One order for all accounts that trade an instrument to one side; the notional is in its currency."""

    instrument_id: str
    side: str
    quantity: Decimal
    notional: Money
    allocations: list[Allocation]


class BookSummary(Struct, frozen=True, gc=False):
    """The book at a glance: rows and blocks sorted by name, whatever the order of the accounts."""

    status_counts: dict[str, int]
    failed_accounts: dict[str, str]
    accounts: list[AccountRow]
    block_orders: list[BlockOrder]


@dataclass(frozen=True, slots=True)
class AccountOutcome:
    """What became of an account: a result, or the reason why there is none."""

    portfolio_id: str
    base_currency: str
    result: RebalanceResult | None = None
    failure: str | None = None


class SharedBook:
    """What all accounts share, indexed."""

    __slots__ = ("market", "request", "shelf")

    def __init__(self, request: BookRequest) -> None:
        self.request = request
        self.market, self.shelf = Market(request.market_data_snapshot), Shelf(request.shelf_entries)

    def run(self, account: BookAccount, identity: RunIdentity) -> AccountOutcome:
        """Rebalance one account; one with an unknown model fails alone."""
        request, portfolio = self.request, account.portfolio_snapshot
        model = request.models.get(account.model)
        if model is None:
            reason = f"{MODEL_NOT_FOUND}: {account.model}"
            return AccountOutcome(portfolio.portfolio_id, portfolio.base_currency, failure=reason)
        single = RebalanceRequest(
            portfolio, request.market_data_snapshot, model, request.shelf_entries, account.options or request.options
        )
        result = rebalance(single, identity, market=self.market, shelf=self.shelf)
        return AccountOutcome(portfolio.portfolio_id, portfolio.base_currency, result)


def summarise_book(outcomes: Iterable[AccountOutcome]) -> BookSummary:
    """Compare the accounts, given in any order, and pool the trades of those that are READY."""
    rows: list[AccountRow] = []
    failed: dict[str, str] = {}
    trades: dict[tuple[str, str], list[tuple[str, SecurityTrade]]] = {}
    for outcome in sorted(outcomes, key=lambda one: one.portfolio_id):
        if outcome.result is None:
            failed[outcome.portfolio_id] = outcome.failure or "UNKNOWN"
            continue
        orders = [intent for intent in outcome.result.intents if isinstance(intent, SecurityTrade)]
        rows.append(_row(outcome, outcome.result, orders))
        if outcome.result.status == "READY":
            for order in orders:
                trades.setdefault((order.instrument_id, order.side), []).append((outcome.portfolio_id, order))
    return BookSummary(
        status_counts={status: sum(row.status == status for row in rows) for status in _STATUSES},
        failed_accounts=failed,
        accounts=rows,
        block_orders=[_block(*key, trades[key]) for key in sorted(trades)],
    )


_STATUSES: tuple[Status, ...] = ("READY", "PENDING_REVIEW", "BLOCKED")


def _row(outcome: AccountOutcome, result: RebalanceResult, orders: list[SecurityTrade]) -> AccountRow:
    turnover = sum([size_of(order) for order in orders], ZERO)
    failed = [rule.reason_code for rule in result.rule_results if rule.status == "FAIL"]
    return AccountRow(
        outcome.portfolio_id,
        result.status,
        len(orders),
        Money(turnover, outcome.base_currency),
        result.before.total_value,
        next(iter([*failed, *result.diagnostics.warnings]), None),
    )


def _block(instrument: str, side: str, parts: list[tuple[str, SecurityTrade]]) -> BlockOrder:
    quantity = sum([order.quantity for _, order in parts], ZERO)
    notional = sum([order.notional.amount for _, order in parts], ZERO)
    return BlockOrder(
        instrument,
        side,
        quantity,
        Money(notional, parts[0][1].notional.currency),
        [Allocation(portfolio, order.intent_id, order.quantity) for portfolio, order in parts],
    )
