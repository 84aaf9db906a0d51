"""A whole book: many portfolios against shared prices, rates, shelf and models.

What is shared is indexed once.  Accounts do not depend on each other, so they can be worked on in
parts, anywhere and in any order; a summary sorts them, so it does not show how it was made.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from steelyard.rebalance.book_blocks import BlockOrder, block_orders
from steelyard.rebalance.book_rows import STATUSES, AccountError, AccountOutcome, AccountRow, AccountStatus, account_row
from steelyard.rebalance.columns import Tables
from steelyard.rebalance.engine import RunIdentity, rebalance
from steelyard.rebalance.market import Market, Shelf
from steelyard.rebalance.values import (
    EngineOptions,
    MarketDataSnapshot,
    ModelPortfolio,
    PortfolioSnapshot,
    RebalanceRequest,
    ShelfEntry,
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
    accounts: tuple[BookAccount, ...] = ()
    options: EngineOptions = EngineOptions()


class BookSummary(Struct, frozen=True, gc=False):
    """The book at a glance: rows and blocks sorted by name, whatever the order of the accounts."""

    status_counts: dict[AccountStatus, int]
    accounts: list[AccountRow]
    block_orders: list[BlockOrder]


class SharedBook:
    """What all accounts share, indexed."""

    __slots__ = ("market", "request", "shelf", "tables")

    def __init__(self, request: BookRequest) -> None:
        self.request = request
        self.market, self.shelf = Market(request.market_data_snapshot), Shelf(request.shelf_entries)
        self.tables = Tables.of(request.market_data_snapshot, request.shelf_entries)

    def run(self, account: BookAccount, identity: RunIdentity) -> AccountOutcome:
        """Rebalance one account; one with an unknown model fails alone."""
        request, portfolio = self.request, account.portfolio_snapshot
        model = request.models.get(account.model)
        if model is None:
            error = AccountError(MODEL_NOT_FOUND, f"the book has no model {account.model[:100]!r}")
            return AccountOutcome(portfolio.portfolio_id, account.model, portfolio.base_currency, error=error)
        single = RebalanceRequest(
            portfolio, request.market_data_snapshot, model, request.shelf_entries, account.options or request.options
        )
        result = rebalance(single, identity, market=self.market, shelf=self.shelf, tables=self.tables)
        return AccountOutcome(portfolio.portfolio_id, account.model, portfolio.base_currency, result)


def summarise_book(outcomes: Iterable[AccountOutcome], market: Market) -> BookSummary:
    """Compare the accounts, given in any order, and pool the trades of those that are READY."""
    ordered = sorted(outcomes, key=lambda one: one.portfolio_id)
    rows = [account_row(outcome, market) for outcome in ordered]
    counts = {status: sum(row.status == status for row in rows) for status in STATUSES}
    return BookSummary(counts, rows, block_orders(ordered))
