"""Block orders: what all READY accounts of a book trade of an instrument, by side and net.

An account that waits for a review or is blocked is in no block: its orders may yet change.  Sums are
exact, whatever the number of accounts.  A part of a book makes its pieces of the blocks by itself;
pieces are put together in the order of the book without a look at their allocations.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact, InvalidOperation
from itertools import groupby
from typing import Literal

import msgspec
from msgspec import Struct

from steelyard.rebalance.book_rows import AccountOutcome
from steelyard.rebalance.result import SecurityTrade
from steelyard.rebalance.values import ZERO, Money

_SUMS = Context(prec=400, traps=[Inexact, InvalidOperation])  # quantities and notionals span some 250 digits at most
_encode = msgspec.json.Encoder().encode
Side = Literal["BUY", "SELL"]


class Allocation(Struct, frozen=True, gc=False, array_like=True):
    """An account's part of a block; the notional is in the instrument's currency."""

    portfolio_id: str
    intent_id: str
    quantity: Decimal
    notional: Decimal


class BlockOrder(Struct, frozen=True, gc=False):
    """One order for all accounts that trade an instrument to one side; the notional is in its currency.

    Attributes:
        allocations: JSON of :class:`Allocation`, without the brackets of the list.
    """

    instrument_id: str
    side: Side
    quantity: Decimal
    notional: Money
    account_count: int
    allocations: bytes = b""

    def shares(self) -> list[Allocation]:
        """The allocations."""
        return msgspec.json.decode(b"[" + self.allocations + b"]", type=list[Allocation])


class NetOrder(Struct, frozen=True, gc=False):
    """What is left of an instrument when sales meet purchases; ``side`` is null where nothing is."""

    instrument_id: str
    side: Side | None
    quantity: Decimal
    notional: Money
    bought_quantity: Decimal
    sold_quantity: Decimal


@dataclass(slots=True)
class _Sum:
    currency: str
    quantity: Decimal = ZERO
    notional: Decimal = ZERO
    count: int = 0
    allocations: list[bytes] = field(default_factory=list)


class BlockBuilder:
    """Collects trades account by account, or pieces part by part, in the order of the book."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, Side], _Sum] = {}

    def add(self, outcome: AccountOutcome) -> None:
        """The trades of an account, if it is READY."""
        if outcome.result is None or outcome.result.status != "READY":
            return
        for intent in outcome.result.intents:
            if isinstance(intent, SecurityTrade):
                amount = intent.notional.amount
                share = (outcome.portfolio_id, intent.intent_id, intent.quantity, amount)
                at = (intent.instrument_id, intent.side)
                self._put(at, intent.quantity, intent.notional, 1, _encode(share))

    def add_piece(self, piece: BlockOrder) -> None:
        """A block of one part."""
        at = (piece.instrument_id, piece.side)
        self._put(at, piece.quantity, piece.notional, piece.account_count, piece.allocations)

    def blocks(self) -> list[BlockOrder]:
        """The blocks, by instrument, purchases first."""
        return [
            BlockOrder(
                *at, one.quantity, Money(one.notional, one.currency), one.count, allocations=b",".join(one.allocations)
            )
            for at, one in sorted(self._sums.items())
        ]

    def _put(self, at: tuple[str, Side], quantity: Decimal, notional: Money, count: int, allocations: bytes) -> None:
        found = self._sums.get(at)
        if found is None:
            found = self._sums[at] = _Sum(notional.currency)
        found.quantity = _SUMS.add(found.quantity, quantity)
        found.notional = _SUMS.add(found.notional, notional.amount)
        found.count += count
        found.allocations.append(allocations)


def net_orders(blocks: Iterable[BlockOrder]) -> list[NetOrder]:
    """Sales against purchases; ``blocks`` sorted by instrument."""
    orders = []
    for instrument, sides in groupby(blocks, key=lambda block: block.instrument_id):
        both = {block.side: block for block in sides}
        bought, sold = both.get("BUY"), both.get("SELL")
        quantities = [one.quantity if one else ZERO for one in (bought, sold)]
        amounts = [one.notional.amount if one else ZERO for one in (bought, sold)]
        left = _SUMS.subtract(*quantities)
        side: Side | None = None if not left else "BUY" if left > 0 else "SELL"
        notional = Money(abs(_SUMS.subtract(*amounts)), next(iter(both.values())).notional.currency)
        orders.append(NetOrder(instrument, side, _SUMS.abs(left), notional, *quantities))
    return orders
