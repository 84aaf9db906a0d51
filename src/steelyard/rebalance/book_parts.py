"""One part of a book: some dozen accounts, from stored bytes to the bytes to store.

Everything here is a function of those bytes, so it does not matter which process works on a part, or
how often.  An account's result is what :func:`steelyard.rebalance.api.simulate` gives for the same
request, digit for digit, its run id included.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
import structlog
from msgspec import Struct

from steelyard.infra.compression import expanded, squeezed
from steelyard.rebalance.book import BookAccount, BookRequest, SharedBook
from steelyard.rebalance.book_blocks import BlockOrder, block_orders
from steelyard.rebalance.book_rows import AccountError, AccountOutcome, AccountStatus, account_row
from steelyard.rebalance.engine import RunIdentity
from steelyard.rebalance.hashing import CANONICAL
from steelyard.rebalance.run_ids import derived_run_id
from steelyard.rebalance.values import EngineOptions, PortfolioSnapshot, RebalanceRequest
from steelyard.rebalance.wire import request_hash

GROUP_RESULTS = 8
GROUP_BYTES = 1_500_000
"""Results are squeezed together, as they are much alike, until there are so many or so much of them."""

CALCULATION_FAILED = "CALCULATION_FAILED"
log = structlog.get_logger(__name__)


class OptionSet(Struct, frozen=True, gc=False):
    """Options as they were asked for, which are hashed, and under the policy pack, which count."""

    asked: EngineOptions
    governed: EngineOptions


class SharedInputs(Struct, frozen=True, gc=False):
    """What all accounts of a book share, as it is kept."""

    book: BookRequest
    option_sets: tuple[OptionSet, ...]
    correlation_id: str


class PartAccount(Struct, frozen=True, gc=False, array_like=True):
    """An account as it is kept.

    Attributes:
        portfolio: canonical JSON; empty where there is none, and ``error`` says why.
        options: place in the option sets.
    """

    portfolio_id: str
    model: str
    options: int
    portfolio: bytes
    error: AccountError | None = None


class RowBytes(Struct, frozen=True, gc=False, array_like=True):
    """An account's row of the comparison as JSON, and what it is found by."""

    portfolio_id: str
    status: AccountStatus
    row: bytes


class PartResult(Struct, frozen=True, gc=False, array_like=True):
    """What a part came to.

    Attributes:
        groups: results of accounts that follow each other, each group with the row of its first.
        pieces: of the blocks, packed.
    """

    rows: list[RowBytes]
    groups: list[tuple[int, bytes]]
    pieces: bytes


class PartDesk:
    """Works on parts of one book."""

    def __init__(self, shared: bytes) -> None:
        inputs = msgspec.msgpack.decode(expanded(shared), type=SharedInputs)
        self._shared = SharedBook(inputs.book)
        self._options = inputs.option_sets
        self._correlation_id = inputs.correlation_id
        self._hashes = _RequestHashes(inputs)

    def work(self, part: bytes) -> bytes:
        """A :class:`PartResult` for a packed list of :class:`PartAccount`."""
        accounts = msgspec.msgpack.decode(expanded(part), type=list[PartAccount])
        worked = [self._worked(account) for account in accounts]
        rows, results = [row for _, row, _ in worked], [result for *_, result in worked]
        pieces = packed(block_orders(outcome for outcome, _, _ in worked))
        return msgspec.msgpack.encode(PartResult(rows, _groups(results), pieces))

    def _worked(self, account: PartAccount) -> tuple[AccountOutcome, RowBytes, bytes]:
        """What an account came to, its row, and the bytes of its result."""
        try:
            return self._written(self._outcome(account))
        except Exception:  # a defect, or numbers beyond all bounds: it spoils one account, never the book
            log.exception("book_account_failed", portfolio_id=account.portfolio_id)
            return self._written(AccountOutcome(account.portfolio_id, account.model, error=_GAVE_UP))

    def _written(self, outcome: AccountOutcome) -> tuple[AccountOutcome, RowBytes, bytes]:
        row = account_row(outcome, self._shared.market)
        result = outcome.result.to_bytes() if outcome.result else b""
        return outcome, RowBytes(row.portfolio_id, row.status, _ENCODER.encode(row)), result

    def _outcome(self, account: PartAccount) -> AccountOutcome:
        if account.error is not None:
            return AccountOutcome(account.portfolio_id, account.model, error=account.error)
        portfolio = msgspec.json.decode(account.portfolio, type=PortfolioSnapshot)
        options = self._options[account.options]
        hashed = self._hashes.of(account, portfolio)
        identity = RunIdentity(derived_run_id(hashed), self._correlation_id, hashed)
        return self._shared.run(BookAccount(portfolio, account.model, options.governed), identity)


def packed(value: Any) -> bytes:
    """Values of structs, squeezed."""
    return squeezed(msgspec.msgpack.encode(value))


def ungrouped(group: bytes) -> list[bytes]:
    """The results of a group; those of accounts that failed are empty."""
    return msgspec.msgpack.decode(expanded(group), type=list[bytes])


def read_pieces(pieces: bytes) -> list[BlockOrder]:
    """The pieces of a part, as :class:`PartResult` keeps them."""
    return msgspec.msgpack.decode(expanded(pieces), type=list[BlockOrder])


def _groups(results: Sequence[bytes]) -> list[tuple[int, bytes]]:
    groups, start, size = [], 0, 0
    for row, result in enumerate(results, 1):
        size += len(result)
        if row - start == GROUP_RESULTS or size >= GROUP_BYTES or row == len(results):
            groups.append((start, packed(results[start:row])))
            start, size = row, 0
    return groups


_ENCODER = msgspec.json.Encoder()
_GAVE_UP = AccountError(CALCULATION_FAILED, "the engine gave up on this account; the worker's log has it by its id")


class _RequestHashes:
    """Request hashes of accounts: what comes before and behind the portfolio is encoded once.

    The fields of a request stand in the order of their names: market data, model, options, portfolio, shelf.
    """

    def __init__(self, inputs: SharedInputs) -> None:
        self._inputs = inputs
        self._heads: dict[tuple[str, int], hashlib._Hash | None] = {}
        self._market = b'{"market_data_snapshot":' + CANONICAL.encode(inputs.book.market_data_snapshot)
        self._tail = b',"shelf_entries":' + CANONICAL.encode(inputs.book.shelf_entries) + b"}"
        self._is_plain = _is_plain(self._market) and _is_plain(self._tail)

    def of(self, account: PartAccount, portfolio: PortfolioSnapshot) -> str:
        """As :func:`steelyard.rebalance.wire.request_hash` of the account's own request."""
        book, asked = self._inputs.book, self._inputs.option_sets[account.options].asked
        model = book.models.get(account.model)
        if model is None:
            return ""
        at = (account.model, account.options)
        if at not in self._heads:
            head = self._market + b',"model_portfolio":' + CANONICAL.encode(model)
            head += b',"options":' + CANONICAL.encode(asked) + b',"portfolio_snapshot":'
            self._heads[at] = hashlib.sha256(head) if self._is_plain and _is_plain(head) else None
        begun = self._heads[at]
        if begun is None or not _is_plain(account.portfolio):
            return request_hash(
                RebalanceRequest(portfolio, book.market_data_snapshot, model, book.shelf_entries, asked)
            )
        whole = begun.copy()
        whole.update(account.portfolio)
        whole.update(self._tail)
        return "sha256:" + whole.hexdigest()


def _is_plain(encoded: bytes) -> bool:
    return encoded.isascii() and b"\x7f" not in encoded
