"""The wire of books: what a client may send, and what it gets."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import AwareDatetime, Field, model_validator

from steelyard.core import clock
from steelyard.infra.jobs import JobStatus
from steelyard.models.blocks import Block
from steelyard.models.book_service import BookStatus
from steelyard.models.book_store import BlockHead, StoredResult
from steelyard.models.document import Model
from steelyard.models.option_json import options_to_json
from steelyard.models.options import RebalanceOptions
from steelyard.models.schemas import RebalanceBody, Text, Wire
from steelyard.models.views import ErrorView, decimal_text

MODELS_MAX = 1_000
"""Models that one request may name."""


class BatchPost(Wire):
    """Which models to rebalance, and how."""

    model_ids: Annotated[list[Text] | None, Field(min_length=1, max_length=MODELS_MAX)] = None
    all: Annotated[bool, Field(description="Every model, in place of `modelIds`")] = False
    trade_date: Annotated[date | None, Field(description="Today in the trading calendar if left out")] = None
    options: Annotated[RebalanceBody | None, Field(description="Those that it does not name are each model's own")] = (
        None
    )

    @model_validator(mode="after")
    def _names_some_or_all(self) -> BatchPost:
        if self.all == (self.model_ids is not None):
            raise ValueError("give either `modelIds` or `all`: true")
        return self

    def options_of(self, model: Model) -> RebalanceOptions:
        """The options that a model is rebalanced with.

        Raises:
            InvalidInputError: out of range, or in contradiction with each other.
        """
        return (model.options or RebalanceOptions()) if self.options is None else self.options.over(model)


class BatchModelView(Wire):
    """A model of a batch, as it was when the batch was submitted."""

    model_id: str
    model_name: str
    version: int
    portfolios: int
    options: dict[str, Any]


class BatchCountsView(Wire):
    """Portfolios by status."""

    total: int
    rebalanced: int
    failed: int
    pending: int


class BatchView(Wire):
    """A batch; `status` is queued, running, completed, failed or cancelled."""

    batch_id: str
    status: JobStatus
    progress: int
    trade_date: date
    models: list[BatchModelView]
    portfolios: BatchCountsView
    blocks: int | None
    error: ErrorView | None
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    completed_at: AwareDatetime | None
    status_url: str
    stream_url: str


class BatchListView(Wire):
    """A page of batches, newest first."""

    batches: list[BatchView]
    next_cursor: str | None


class BatchPortfolioView(Wire):
    """What a batch came to for one portfolio; `status` is REBALANCED or FAILED."""

    portfolio_id: str
    model_id: str
    status: str
    market_value: str | None
    cash_before_rebalance: str | None
    cash_after_rebalance: str | None
    number_of_transactions: int
    error: ErrorView | None


class BatchPortfoliosView(Wire):
    """A page of a batch's portfolios, in the order of the models."""

    portfolios: list[BatchPortfolioView]
    next_cursor: str | None


class BlockView(Wire):
    """One order for many portfolios."""

    side: str
    security_id: str
    quantity: int
    number_of_portfolios: int


class AllocationView(Wire):
    """What one portfolio gets of a block."""

    portfolio_id: str
    quantity: int


class BlockWithAllocationsView(BlockView):
    """A block and how it, or a fill of it, is shared; the allocations add up to `filled`."""

    filled: int
    allocations: list[AllocationView]


def batch_view(status: BookStatus) -> dict[str, Any]:
    """A book as :class:`BatchView`."""
    book, job, counts = status.book, status.job, status.counts
    url = f"/api/v1/rebalance-batches/{book.book_id}"
    error = None
    if job.error_code is not None:
        error = {"code": job.error_code, "message": job.error_message or "", "details": {"batchId": book.book_id}}
    return {
        "batchId": book.book_id,
        "status": job.status,
        "progress": job.progress,
        "tradeDate": book.trade_date.isoformat(),
        "models": [
            {
                "modelId": model.model_id,
                "modelName": model.name,
                "version": model.version,
                "portfolios": count,
                "options": options_to_json(model.options),
            }
            for model, count in zip(book.models, book.counts, strict=True)
        ],
        "portfolios": {
            "total": book.portfolios,
            "rebalanced": counts.rebalanced,
            "failed": counts.failed,
            "pending": book.portfolios - counts.rebalanced - counts.failed,
        },
        "blocks": (job.result_data or {}).get("blocks"),
        "error": error,
        "createdAt": clock.isoformat_z(job.created_at),
        "startedAt": job.started_at and clock.isoformat_z(job.started_at),
        "completedAt": job.completed_at and clock.isoformat_z(job.completed_at),
        "statusUrl": url,
        "streamUrl": f"{url}/stream",
    }


def portfolio_view(model: Model, result: StoredResult) -> dict[str, Any]:
    """A result as :class:`BatchPortfolioView`."""
    amounts = (result.market_value, result.cash_before, result.cash_after)
    value, before, after = (None if amount is None else decimal_text(amount) for amount in amounts)
    return {
        "portfolioId": result.portfolio_id,
        "modelId": model.model_id,
        "status": "REBALANCED" if result.error is None else "FAILED",
        "marketValue": value,
        "cashBeforeRebalance": before,
        "cashAfterRebalance": after,
        "numberOfTransactions": result.trades,
        "error": result.error,
    }


def block_view(head: BlockHead) -> dict[str, Any]:
    """A block as :class:`BlockView`."""
    return {
        "side": head.side.value,
        "securityId": head.security_id,
        "quantity": head.quantity,
        "numberOfPortfolios": head.portfolios,
    }


def allocations_view(block: Block, shares: list[dict[str, Any]], filled: int) -> dict[str, Any]:
    """A block as :class:`BlockWithAllocationsView`."""
    head = BlockHead(block.side, block.security_id, block.quantity, len(block.allocations))
    return {**block_view(head), "filled": filled, "allocations": shares}
