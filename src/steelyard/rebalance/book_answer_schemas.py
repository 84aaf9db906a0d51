"""Books and stored snapshots as the OpenAPI document describes them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from steelyard.rebalance.schemas import Money

_TIME = "2026-02-03T10:15:30.123456+00:00"
_HASH = "sha256:" + "0" * 64
_AMOUNT = {"amount": "1250.50", "currency": "CHF"}
AccountStatusName = Literal["READY", "PENDING_REVIEW", "BLOCKED", "FAILED"]
JobStatusName = Literal["queued", "running", "completed", "failed", "cancelled"]


class BookProblem(BaseModel):
    """Why something failed."""

    code: str = Field(description="Reason, for programs.", examples=["MODEL_NOT_FOUND"])
    message: str = Field(description="Reason, for people.", examples=["the book has no model 'm'"])


class BookView(BaseModel):
    """A book and how far it is."""

    book_id: str = Field(description="Id of the book and of its job.", examples=["dpmbook_0mf3k2v1x"])
    status: JobStatusName = Field(description="How far the job is.", examples=["completed"])
    progress: int = Field(description="Percent.", examples=[100])
    portfolio_count: int = Field(description="Accounts of the book.", examples=[2])
    pending_count: int = Field(description="Accounts that were not worked on yet.", examples=[0])
    status_counts: dict[AccountStatusName, int] = Field(
        description="Accounts by what they came to.", examples=[{"READY": 2}]
    )
    block_count: int | None = Field(description="Block orders, once the book is completed.", examples=[4])
    correlation_id: str = Field(description="Carried into every result.", examples=["corr_1a2b3c4d5e6f"])
    policy_pack_id: str | None = Field(description="Policy pack laid over all options.", examples=["standard"])
    request_hash: str = Field(description="Hash of what was asked.", examples=[_HASH])
    created_at: str = Field(description="When it was submitted.", examples=[_TIME])
    started_at: str | None = Field(description="When work on it began.", examples=[_TIME])
    finished_at: str | None = Field(description="When it ended.", examples=[_TIME])
    error: BookProblem | None = Field(description="Why it failed or was cancelled.", examples=[None])
    status_url: str = Field(description="Where to ask how far it is.", examples=["/rebalance/book/b"])
    stream_url: str = Field(description="Where progress is pushed.", examples=["/rebalance/book/b/stream"])
    accounts_url: str = Field(description="Its accounts.", examples=["/rebalance/book/b/accounts"])
    comparison_url: str = Field(description="Its accounts, compared.", examples=["/rebalance/book/b/comparison"])
    blocks_url: str = Field(description="Its block orders.", examples=["/rebalance/book/b/blocks"])


class BookListView(BaseModel):
    """Books, newest first."""

    items: list[BookView] = Field(description="The books.", examples=[[]])
    next_cursor: str | None = Field(description="Where the next page begins.", examples=[None])


class BookAccountView(BaseModel):
    """What became of an account."""

    portfolio_id: str = Field(description="Which portfolio.", examples=["pf-1001"])
    model: str = Field(description="Its model.", examples=["balanced"])
    status: AccountStatusName = Field(description="What it came to.", examples=["READY"])
    reasons: list[str] = Field(description="Codes of rules that failed, then warnings.", examples=[[]])
    rebalance_run_id: str | None = Field(description="Id of its result.", examples=["rr_0a1b2c3d"])
    error: BookProblem | None = Field(description="Why it failed.", examples=[None])


class BookAccountsView(BaseModel):
    """Accounts that were worked on, in the order of the book."""

    items: list[BookAccountView] = Field(description="The accounts.", examples=[[]])
    next_cursor: str | None = Field(description="Where the next page begins.", examples=[None])


class BookComparisonRow(BookAccountView):
    """An account in the comparison, amounts in its base currency."""

    security_intent_count: int = Field(description="Security orders.", examples=[12])
    fx_intent_count: int = Field(description="Currency orders.", examples=[1])
    gross_turnover_notional_base: Money | None = Field(description="Bought and sold.", examples=[_AMOUNT])
    turnover: str | None = Field(description="The same as a share of the value before.", examples=["0.1200"])
    total_value: Money | None = Field(description="Value before.", examples=[_AMOUNT])
    cash_before: Money | None = Field(description="Cash of all currencies before.", examples=[_AMOUNT])
    cash_after: Money | None = Field(description="Cash of all currencies after.", examples=[_AMOUNT])
    hard_fail_count: int = Field(description="Hard rules that failed.", examples=[0])
    soft_fail_count: int = Field(description="Soft rules that failed.", examples=[0])


class BookComparisonView(BaseModel):
    """Accounts side by side, in the order of the book."""

    status_counts: dict[AccountStatusName, int] = Field(description="Of the whole book.", examples=[{"READY": 2}])
    items: list[BookComparisonRow] = Field(description="The accounts.", examples=[[]])
    next_cursor: str | None = Field(description="Where the next page begins.", examples=[None])


class BookBlockView(BaseModel):
    """What READY accounts trade of an instrument to one side."""

    instrument_id: str = Field(description="Which instrument.", examples=["ISIN_A"])
    side: Literal["BUY", "SELL"] = Field(description="Bought or sold.", examples=["BUY"])
    quantity: str = Field(description="Units, exact.", examples=["1200"])
    notional: Money = Field(description="In the instrument's currency, exact.", examples=[_AMOUNT])
    account_count: int = Field(description="How many accounts.", examples=[17])


class BookAllocationView(BaseModel):
    """An account's part of a block."""

    portfolio_id: str = Field(description="Which portfolio.", examples=["pf-1001"])
    intent_id: str = Field(description="Which of its orders.", examples=["oi_1"])
    quantity: str = Field(description="Units.", examples=["12"])
    notional: Money = Field(description="In the instrument's currency.", examples=[_AMOUNT])


class AllocatedBlockView(BookBlockView):
    """A block with what each account has of it."""

    allocations: list[BookAllocationView] = Field(description="In the order of the book.", examples=[[]])


class NetOrderView(BaseModel):
    """What is left of an instrument when sales meet purchases."""

    instrument_id: str = Field(description="Which instrument.", examples=["ISIN_A"])
    side: Literal["BUY", "SELL"] | None = Field(description="Null where nothing is left.", examples=["BUY"])
    quantity: str = Field(description="Units left.", examples=["700"])
    notional: Money = Field(description="In the instrument's currency.", examples=[_AMOUNT])
    bought_quantity: str = Field(description="Units bought in all.", examples=["1200"])
    sold_quantity: str = Field(description="Units sold in all.", examples=["500"])


class BlocksView(BaseModel):
    """Block orders of a completed book."""

    book_id: str = Field(description="Which book.", examples=["dpmbook_0mf3k2v1x"])
    gross: list[BookBlockView] = Field(description="By instrument and side.", examples=[[]])
    net: list[NetOrderView] = Field(description="By instrument.", examples=[[]])


class SnapshotView(BaseModel):
    """A stored snapshot without its content."""

    name: str = Field(description="Its name.", examples=["pf-1001"])
    version: int = Field(description="Counts its changes, from 1.", examples=[3])
    portfolio_id: str = Field(description="Whose holdings they are.", examples=["pf-1001"])
    content_hash: str = Field(description="Hash of the content with all defaults.", examples=[_HASH])
    position_count: int = Field(description="Positions.", examples=[100])
    updated_at: str = Field(description="When the content last changed.", examples=[_TIME])


class StoredSnapshotView(SnapshotView):
    """A stored snapshot."""

    portfolio_snapshot: dict[str, Any] = Field(description="Its content, with all defaults.", examples=[{}])


class SnapshotListView(BaseModel):
    """Stored snapshots, by name."""

    items: list[SnapshotView] = Field(description="The snapshots.", examples=[[]])
    next_cursor: str | None = Field(description="Where the next page begins.", examples=[None])


class SnapshotsPutView(BaseModel):
    """What became of snapshots that were put."""

    created: int = Field(description="Names that are new.", examples=[2])
    items: list[SnapshotView] = Field(description="The snapshots, as they were given.", examples=[[]])
