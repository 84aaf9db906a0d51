"""Block orders: one order for each security and side, and what each portfolio gets of it.

A block that fills completely gives everyone what they asked for.  A partial fill is shared in
proportion to the requests by largest remainders: everyone gets the whole part of their share, and
the units left over go one each to the largest fractions, ties to the smaller portfolio id.  Shares
add up to the fill exactly and never exceed a request.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from steelyard.core.errors import InvalidInputError
from steelyard.models.orders import Rebalance, Side
from steelyard.models.windows import Whole


@dataclass(frozen=True, slots=True)
class Allocation:
    """What one portfolio asked for, or gets, of a block; whole units > 0."""

    portfolio_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Block:
    """One order for many portfolios.

    Attributes:
        quantity: whole units, the sum of the allocations.
        allocations: by portfolio id.
    """

    security_id: str
    side: Side
    quantity: int
    allocations: tuple[Allocation, ...]


@dataclass(frozen=True, slots=True, eq=False)
class BlockRows:
    """A block of a whole book, where a value for each of ten million allocations would be too many.

    Attributes:
        quantity: whole units, the sum of ``asked``.
        portfolios: ``(A,)``, rows of the book, ascending.
        asked: ``(A,)``, whole units > 0.
    """

    security_id: str
    side: Side
    quantity: int
    portfolios: npt.NDArray[np.intp]
    asked: Whole

    def block(self, portfolio_ids: Sequence[str]) -> Block:
        """The same with an allocation for each portfolio by id."""
        asked = {portfolio_ids[int(p)]: int(units) for p, units in zip(self.portfolios, self.asked, strict=True)}
        return _block(self.security_id, self.side, asked)


def block_orders(rebalances: Iterable[Rebalance]) -> tuple[Block, ...]:
    """The portfolios' transactions as blocks: sells first, then by security id."""
    requests: dict[tuple[bool, str], dict[str, int]] = {}
    for rebalance in rebalances:
        for order in rebalance.transactions:
            block = requests.setdefault((order.side is Side.BUY, order.security_id), {})
            block[rebalance.portfolio_id] = block.get(rebalance.portfolio_id, 0) + order.quantity
    return tuple(
        _block(security_id, Side.BUY if is_buy else Side.SELL, asked)
        for (is_buy, security_id), asked in sorted(requests.items())
    )


def block_rows(security_ids: Sequence[str], change: Whole) -> Iterator[BlockRows]:
    """The blocks of a book from its changes of quantity, ``(P, K)``, positive where a portfolio buys."""
    by_security = sorted(range(len(security_ids)), key=lambda k: security_ids[k])
    for side, sign in ((Side.SELL, -1), (Side.BUY, 1)):
        for k in by_security:
            wanted = sign * change[:, k]
            portfolios = np.flatnonzero(wanted > 0)
            if len(portfolios):
                asked = wanted[portfolios]
                yield BlockRows(security_ids[k], side, sum(asked.tolist()), portfolios, asked)


def allocate_fill(block: Block, filled: int) -> tuple[Allocation, ...]:
    """Share ``filled`` units of a block among those who asked; those who get nothing are left out.

    Raises:
        InvalidInputError: ``filled`` is negative or more than the block.
    """
    if not 0 <= filled <= block.quantity:
        msg = f"`filled` was {filled}; the block of {block.security_id} is for {block.quantity}"
        raise InvalidInputError(msg, code="FILL_OUT_OF_RANGE")
    shares = {one.portfolio_id: divmod(one.quantity * filled, block.quantity) for one in block.allocations}
    left = filled - sum(whole for whole, _ in shares.values())
    by_remainder = sorted(shares, key=lambda portfolio_id: (-shares[portfolio_id][1], portfolio_id))
    extra = set(by_remainder[:left])
    given = ((one.portfolio_id, shares[one.portfolio_id][0] + (one.portfolio_id in extra)) for one in block.allocations)
    return tuple(Allocation(portfolio_id, quantity) for portfolio_id, quantity in given if quantity)


def _block(security_id: str, side: Side, asked: Mapping[str, int]) -> Block:
    allocations = tuple(Allocation(portfolio_id, quantity) for portfolio_id, quantity in sorted(asked.items()))
    return Block(security_id, side, sum(asked.values()), allocations)
