"""The bodies of books and of stored snapshots, as pydantic models: documentation and the errors of malformed ones.

Source of the parts: contract dpm, sections 3 and 4.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field, model_validator

from steelyard.rebalance.limits import (
    BOOK_ACCOUNTS_MAX,
    BOOK_MODELS_MAX,
    NAME_CHARACTERS_MAX,
    ROWS_MAX,
    SNAPSHOTS_PUT_MAX,
)
from steelyard.rebalance.schemas import EngineOptions, MarketDataSnapshot, ModelPortfolio, PortfolioSnapshot, ShelfEntry

_HASH = "sha256:" + "0" * 64


class BookPortfolio(BaseModel):
    """An account of a book: a portfolio, inline or stored, its model, and options that are its own."""

    portfolio_snapshot: PortfolioSnapshot | None = Field(None, description="What is held.", examples=[{}])
    snapshot_name: str | None = Field(
        None, max_length=NAME_CHARACTERS_MAX, description="Name of a stored snapshot, instead.", examples=["pf-1001"]
    )
    content_hash: str | None = Field(
        None, max_length=80, description="What the stored snapshot has to be; refused if it changed.", examples=[_HASH]
    )
    model: str = Field(max_length=NAME_CHARACTERS_MAX, description="Which of the models.", examples=["balanced"])
    options: dict[str, Any] | None = Field(
        None, description="Options that replace the shared ones.", examples=[{"max_turnover_pct": "0.10"}]
    )

    @model_validator(mode="after")
    def _is_inline_or_stored(self) -> BookPortfolio:
        if (self.portfolio_snapshot is None) == (self.snapshot_name is None):
            raise ValueError("give either portfolio_snapshot or snapshot_name")
        if self.content_hash is not None and self.snapshot_name is None:
            raise ValueError("content_hash goes with snapshot_name")
        return self


class BookHead(BaseModel):
    """What the accounts of a book share."""

    market_data_snapshot: MarketDataSnapshot = Field(description="Prices and rates.", examples=[{}])
    shelf_entries: list[ShelfEntry] = Field(max_length=ROWS_MAX, description="What is allowed.", examples=[[]])
    models: dict[str, ModelPortfolio] = Field(
        min_length=1, max_length=BOOK_MODELS_MAX, description="Models by name.", examples=[{"m": {"targets": []}}]
    )
    options: EngineOptions = Field(
        default_factory=EngineOptions, description="Constraints and switches of all accounts.", examples=[{}]
    )


class BookRequest(BookHead):
    """Many portfolios against shared prices, rates, shelf and models."""

    portfolios: list[BookPortfolio] = Field(
        min_length=1, max_length=BOOK_ACCOUNTS_MAX, description="The accounts.", examples=[[]]
    )


class BookShape(BookHead):
    """As :class:`BookRequest`, with portfolios that are looked at one by one."""

    portfolios: list[Any] = Field(min_length=1, max_length=BOOK_ACCOUNTS_MAX)


class SnapshotsPut(BaseModel):
    """Snapshots to be stored under their names."""

    snapshots: dict[str, PortfolioSnapshot] = Field(
        min_length=1, max_length=SNAPSHOTS_PUT_MAX, description="Snapshots by name.", examples=[{}]
    )
