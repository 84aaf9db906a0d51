"""The blocks of a book, from its parts as they were stored: never all portfolios at once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from steelyard.models.blocks import BlockRows
from steelyard.models.book_columns import OrderColumns
from steelyard.models.orders import Side


class BlockBuilder:
    """Collects the trades of a book part by part, and makes one block for each security and side of them."""

    def __init__(self) -> None:
        self._pieces: dict[tuple[bool, str], list[tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]]] = {}

    def add(self, first: int, securities: tuple[str, ...], columns: OrderColumns) -> None:
        """The trades of a part whose first portfolio is the ``first`` of the book; parts come in order."""
        trades = columns.trades()
        buys = trades.change > 0
        keys = trades.security.astype(np.int64) * 2 + buys
        order = np.lexsort((trades.portfolio, keys))
        keys, places = keys[order], (trades.portfolio[order] + first).astype(np.int32)
        asked = abs(trades.change[order])
        starts = np.flatnonzero(np.diff(keys, prepend=-1)).tolist()
        for start, end in pairwise([*starts, len(keys)]):
            security, is_buy = divmod(int(keys[start]), 2)
            pieces = self._pieces.setdefault((bool(is_buy), securities[security]), [])
            pieces.append((places[start:end], asked[start:end]))

    def blocks(self) -> Iterator[BlockRows]:
        """The blocks, sells first, then by security id."""
        for is_buy, security_id in sorted(self._pieces):
            pieces = self._pieces[is_buy, security_id]
            places, asked = (np.concatenate([piece[k] for piece in pieces]) for k in range(2))
            side = Side.BUY if is_buy else Side.SELL
            yield BlockRows(security_id, side, int(asked.sum()), places.astype(np.intp), asked)
