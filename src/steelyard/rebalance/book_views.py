"""Books as clients read them, and as files to take away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from steelyard.core.csv_text import csv_lines
from steelyard.infra.jobs import JobStatus
from steelyard.rebalance.book_blocks import BlockOrder, net_orders
from steelyard.rebalance.book_rows import AccountRow
from steelyard.rebalance.book_service import BookStatus
from steelyard.rebalance.book_store import StoredAccount
from steelyard.rebalance.service import timestamp
from steelyard.rebalance.snapshots import SnapshotHead
from steelyard.rebalance.values import Money

_BLOCK_COLUMNS = ("side", "instrument_id", "currency", "portfolio_id", "intent_id", "quantity", "notional")
_MONEY = ("gross_turnover_notional_base", "total_value", "cash_before", "cash_after")
_COMPARISON_COLUMNS = (
    "portfolio_id", "model", "status", "reasons", "rebalance_run_id", "security_intent_count", "fx_intent_count",
    "currency", *_MONEY, "turnover", "hard_fail_count", "soft_fail_count", "error",
)  # fmt: skip


def book_view(status: BookStatus) -> dict[str, Any]:
    """A book and how far it is."""
    book, job = status.book, status.job
    done = sum(status.counts.values())
    url = f"/rebalance/book/{book.book_id}"
    error = None
    if job.status in (JobStatus.FAILED, JobStatus.CANCELLED):
        error = {"code": job.error_code or job.status.upper(), "message": job.error_message or ""}
    return {
        "book_id": book.book_id,
        "status": job.status.value,
        "progress": job.progress,
        "portfolio_count": book.accounts,
        "pending_count": book.accounts - done,
        "status_counts": status.counts,
        "block_count": (job.result_data or {}).get("blocks"),
        "correlation_id": book.correlation_id,
        "policy_pack_id": book.policy_pack_id,
        "request_hash": book.request_hash,
        "created_at": timestamp(job.created_at),
        "started_at": None if job.started_at is None else timestamp(job.started_at),
        "finished_at": None if job.completed_at is None else timestamp(job.completed_at),
        "error": error,
        "status_url": url,
        "stream_url": f"{url}/stream",
        "accounts_url": f"{url}/accounts",
        "comparison_url": f"{url}/comparison",
        "blocks_url": f"{url}/blocks",
    }


def account_item(account: StoredAccount) -> dict[str, Any]:
    """An account in a list: what became of it, and why."""
    row = account.read_row()
    return {
        "portfolio_id": row.portfolio_id,
        "model": row.model,
        "status": row.status,
        "reasons": row.reasons,
        "rebalance_run_id": row.rebalance_run_id,
        "error": row.error,
    }


def comparison_row(account: StoredAccount) -> msgspec.Raw:
    """An account's row of the comparison, as it was made."""
    return msgspec.Raw(account.row)


def block_view(block: BlockOrder) -> dict[str, Any]:
    """A block without its allocations."""
    return {
        "instrument_id": block.instrument_id,
        "side": block.side,
        "quantity": block.quantity,
        "notional": block.notional,
        "account_count": block.account_count,
    }


def blocks_view(book_id: str, blocks: Sequence[BlockOrder]) -> dict[str, Any]:
    """All blocks of a book, gross and net."""
    return {"book_id": book_id, "gross": [block_view(block) for block in blocks], "net": net_orders(blocks)}


def allocated_view(block: BlockOrder) -> dict[str, Any]:
    """A block with its allocations."""
    shares = [
        {
            "portfolio_id": one.portfolio_id,
            "intent_id": one.intent_id,
            "quantity": one.quantity,
            "notional": Money(one.notional, block.notional.currency),
        }
        for one in block.shares()
    ]
    return {**block_view(block), "allocations": shares}


def snapshot_view(head: SnapshotHead) -> dict[str, Any]:
    """A stored snapshot without its content."""
    return {
        "name": head.name,
        "version": head.version,
        "portfolio_id": head.portfolio_id,
        "content_hash": head.content_hash,
        "position_count": head.position_count,
        "updated_at": timestamp(head.updated_at),
    }


def blocks_header() -> str:
    """The first line of the blocks as CSV."""
    return csv_lines([_BLOCK_COLUMNS])


def block_lines(block: BlockOrder) -> str:
    """The allocations of a block as lines of CSV, numbers digit for digit."""
    head = (block.side, block.instrument_id, block.notional.currency)
    return csv_lines([*head, one.portfolio_id, one.intent_id, one.quantity, one.notional] for one in block.shares())


def comparison_header() -> str:
    """The first line of the comparison as CSV."""
    return csv_lines([_COMPARISON_COLUMNS])


def comparison_lines(accounts: Iterable[StoredAccount]) -> str:
    """Rows of the comparison as lines of CSV; several reasons stand in one field with spaces between."""
    return csv_lines(_comparison_line(account.read_row()) for account in accounts)


def _comparison_line(row: AccountRow) -> list[Any]:
    amounts = [getattr(row, name) for name in _MONEY]
    return [
        row.portfolio_id,
        row.model,
        row.status,
        " ".join(row.reasons),
        row.rebalance_run_id,
        row.security_intent_count,
        row.fx_intent_count,
        row.total_value.currency if row.total_value else None,
        *[amount.amount if amount else None for amount in amounts],
        row.turnover,
        row.hard_fail_count,
        row.soft_fail_count,
        row.error.message if row.error else None,
    ]
