"""A book that was asked for, made ready to be stored: inputs that are shared, and parts of its accounts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from steelyard.rebalance.book_parts import OptionSet, PartAccount, SharedInputs, packed
from steelyard.rebalance.book_rows import AccountError
from steelyard.rebalance.book_wire import GivenBook, GivenPortfolio, duplicate_fault
from steelyard.rebalance.hashing import CANONICAL
from steelyard.rebalance.policy_packs import PolicyPack, apply_pack
from steelyard.rebalance.snapshots import SnapshotHead
from steelyard.rebalance.wire import MalformedBodyError

PART_ACCOUNTS_MAX = 80
PART_BYTES_MAX = 1_000_000
"""A part is some tenths of a second of work: so long does it take until a cancelled book stops."""

SNAPSHOT_NOT_FOUND, SNAPSHOT_CHANGED = "SNAPSHOT_NOT_FOUND", "SNAPSHOT_CHANGED"


@dataclass(frozen=True, slots=True)
class PlannedAccount:
    """An account of a book, before its stored snapshot is read."""

    given: GivenPortfolio
    portfolio_id: str
    error: AccountError | None = None


def shared_inputs(given: GivenBook, pack: PolicyPack | None, correlation_id: str) -> bytes:
    """What the accounts share, packed, with a policy pack laid over the options."""
    sets = tuple(OptionSet(options, apply_pack(options, pack)) for options in given.option_sets)
    return packed(SharedInputs(given.shared, sets, correlation_id))


def plan_accounts(given: GivenBook, stored: Mapping[str, SnapshotHead]) -> list[PlannedAccount]:
    """The accounts; one whose stored snapshot is not there, or not what it has to be, will fail alone.

    Raises:
        MalformedBodyError: a portfolio is in the book twice.
    """
    accounts = [_planned(one, stored) for one in given.portfolios]
    known: set[str] = set()
    for place, account in enumerate(accounts):
        if account.error is None and account.portfolio_id in known:
            raise MalformedBodyError([duplicate_fault(place, account.portfolio_id)])
        known.add(account.portfolio_id)
    return accounts


def parts_of(accounts: Sequence[PlannedAccount], contents: Mapping[str, bytes]) -> Iterator[list[PartAccount]]:
    """Parts of these accounts in their order; ``contents`` are the stored snapshots by name."""
    part: list[PartAccount] = []
    size = 0
    for account in accounts:
        given = account.given
        content = given.content if given.snapshot_name is None else contents.get(given.snapshot_name, b"")
        if part and (size + len(content) > PART_BYTES_MAX or len(part) == PART_ACCOUNTS_MAX):
            yield part
            part, size = [], 0
        part.append(PartAccount(account.portfolio_id, given.model, given.options, content, account.error))
        size += len(content)
    if part:
        yield part


def book_hash(given: GivenBook, pack_id: str | None) -> str:
    """What the same key has to come with: the book as it was asked for, stored snapshots by their names."""
    whole = hashlib.sha256(CANONICAL.encode((given.shared, given.option_sets, pack_id)))
    for one in given.portfolios:
        named = (one.model, one.options, one.snapshot_name, one.content_hash, len(one.content))
        whole.update(msgspec.json.encode(named))
        whole.update(one.content)
    return "sha256:" + whole.hexdigest()


def _planned(given: GivenPortfolio, stored: Mapping[str, SnapshotHead]) -> PlannedAccount:
    if given.snapshot_name is None:
        return PlannedAccount(given, given.portfolio_id or "")
    found = stored.get(given.snapshot_name)
    if found is None:
        error = AccountError(SNAPSHOT_NOT_FOUND, f"there is no stored snapshot {given.snapshot_name!r}")
        return PlannedAccount(given, given.snapshot_name, error)
    if given.content_hash not in (None, found.content_hash):
        message = f"the stored snapshot {found.name!r} is {found.content_hash}, and not {given.content_hash}"
        return PlannedAccount(given, found.portfolio_id, AccountError(SNAPSHOT_CHANGED, message))
    return PlannedAccount(given, found.portfolio_id)
