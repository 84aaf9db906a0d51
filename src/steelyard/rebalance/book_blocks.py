"""Block orders: what all READY accounts of a book trade of an instrument, by side and net.

An account that waits for a review or is blocked is in no block: its orders may yet change.  Sums are
exact, whatever the number of accounts.  Each part of a book makes blocks of its own accounts; they are
joined in the order of the book without a look at their allocations.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal, Inexact, InvalidOperation, localcontext
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
_Share = tuple[str, str, Decimal, Decimal]


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


def block_orders(outcomes: Iterable[AccountOutcome]) -> list[BlockOrder]:
    """The blocks of accounts in the order of the book: by instrument, purchases first."""
    shares: dict[tuple[str, Side], list[_Share]] = {}
    currencies: dict[str, str] = {}
    for outcome in outcomes:
        if outcome.result is None or outcome.result.status != "READY":
            continue
        portfolio_id = outcome.portfolio_id
        for intent in outcome.result.intents:
            if isinstance(intent, SecurityTrade):
                notional = intent.notional
                share = (portfolio_id, intent.intent_id, intent.quantity, notional.amount)
                shares.setdefault((intent.instrument_id, intent.side), []).append(share)
                currencies[intent.instrument_id] = notional.currency
    with localcontext(_SUMS):
        return [
            BlockOrder(
                *at,
                sum([quantity for _, _, quantity, _ in parts], ZERO),
                Money(sum([amount for *_, amount in parts], ZERO), currencies[at[0]]),
                len(parts),
                _encode(parts)[1:-1],
            )
            for at, parts in sorted(shares.items())
        ]


def joined_blocks(pieces: Iterable[BlockOrder]) -> list[BlockOrder]:
    """The blocks of a book from those of its parts, which come in order."""
    parts: dict[tuple[str, Side], list[BlockOrder]] = {}
    for piece in pieces:
        parts.setdefault((piece.instrument_id, piece.side), []).append(piece)
    with localcontext(_SUMS):
        return [
            BlockOrder(
                *at,
                sum([one.quantity for one in ours], ZERO),
                Money(sum([one.notional.amount for one in ours], ZERO), ours[0].notional.currency),
                sum(one.account_count for one in ours),
                b",".join([one.allocations for one in ours]),
            )
            for at, ours in sorted(parts.items())
        ]


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
