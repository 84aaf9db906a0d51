"""Prices and shelf rows as compiled code reads them; laid out once for all runs that share them."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from decimal import Decimal
from threading import local
from typing import Any, NamedTuple

import msgspec
import numpy as np

from steelyard.rebalance import digits
from steelyard.rebalance.market import Market
from steelyard.rebalance.pieces import Bytes, Integers, strings
from steelyard.rebalance.state_kernel import BASE_RATE, MoneyColumns, PriceColumns, ShelfColumns, read_numbers
from steelyard.rebalance.target_kernel import STATUSES
from steelyard.rebalance.values import CashBalance, MarketDataSnapshot, ShelfEntry

_ENCODER = msgspec.json.Encoder()
_STATUS = {status: number for number, status in enumerate(STATUSES)}
_KEPT_BYTES_MAX = 1 << 24
_threads = local()


class Money(NamedTuple):
    """Currencies in columns, and the row of each."""

    columns: MoneyColumns
    places: dict[str, int]


class PriceTable:
    """The prices of a market in columns.

    Attributes:
        places: the row of each instrument; the first price of one counts.
        is_plain: whether all of it is fit for compiled code.
        longest: characters in the longest name.
    """

    __slots__ = ("_codes", "_money", "_rates", "columns", "is_plain", "longest", "places")

    def __init__(self, snapshot: MarketDataSnapshot) -> None:
        rows = {row.instrument_id: row for row in reversed(snapshot.prices)}
        prices = [row.price for row in rows.values()]
        codes = Numbering()
        currencies = [codes[row.currency] for row in rows.values()]
        self.places = dict(zip(rows, range(len(rows)), strict=True))
        texts = [*rows, *codes]
        amounts = numbers(prices) if is_plain(texts) and min(prices, default=0) > 0 else None
        self.longest = max(map(len, texts), default=0)
        self.is_plain = amounts is not None
        if amounts is not None:
            self.columns = PriceColumns(strings(list(rows)), amounts, integers(currencies))
        self._codes = list(codes)
        self._rates = Market(MarketDataSnapshot(fx_rates=snapshot.fx_rates))
        self._money: dict[tuple[str, ...], Money | None] = {}

    def money(self, base: str, cash_balances: Iterable[CashBalance]) -> Money | None:
        """The currencies of prices and cash with their rates to ``base``; None if one is missing or too long."""
        asked = (base, *[row.currency for row in cash_balances])
        if asked not in self._money:
            self._money[asked] = self._money_of(base, list(dict.fromkeys([*self._codes, *asked])))
        return self._money[asked]

    def _money_of(self, base: str, codes: list[str]) -> Money | None:
        rates = [rate for code in codes if (rate := self._rates.rate(code, base)) is not None]
        table = numbers(rates) if len(rates) == len(codes) and is_plain(codes) else None
        if table is None:
            return None
        table[codes.index(base)] = BASE_RATE
        return Money(MoneyColumns(strings(codes), table), {code: place for place, code in enumerate(codes)})


class ShelfTable:
    """The rows of a shelf in columns.

    Attributes:
        places: the row of each instrument; 0 is what is on none.
        pairs: the number of each attribute and value.
        attributes: the number of each attribute.
    """

    __slots__ = ("attributes", "columns", "is_plain", "longest", "pairs", "places")

    def __init__(self, entries: Sequence[ShelfEntry]) -> None:
        by_name = {row.instrument_id: row for row in reversed(entries)}
        rows = list(by_name.values())
        classes, sets, pairs, attributes = Numbering(CASH=0, UNKNOWN=1), Numbering(), Numbering(), Numbering()
        statuses = [0, *[_STATUS[row.status] for row in rows]]
        class_of = [1, *[classes[row.asset_class] for row in rows]]
        set_of = [sets[()], *[sets[tuple(row.attributes.items())] for row in rows]]
        first, pairs_of = [0], list[int]()
        for one in sets:
            pairs_of += [pairs[pair] for pair in one]
            first.append(len(pairs_of))
        attribute_of = [attributes[name] for name, _ in pairs]
        self.places = dict(zip(by_name, range(1, len(rows) + 1), strict=True))
        self.pairs, self.attributes = pairs, attributes
        texts = [*classes, *attributes, *[value for _, value in pairs]]
        self.is_plain = is_plain(texts)
        self.longest = max(map(len, texts), default=0)
        if self.is_plain:
            of_rows = integers([*statuses, *class_of, *set_of]).reshape(3, len(statuses))
            of_pairs = integers([*first, *pairs_of, *attribute_of])
            behind = len(first) + len(pairs_of)
            self.columns = ShelfColumns(
                of_rows[0],
                of_rows[1],
                of_rows[2],
                of_pairs[: len(first)],
                of_pairs[len(first) : behind],
                of_pairs[behind:],
                strings(texts),
                len(classes),
            )


class Tables(NamedTuple):
    """What runs share."""

    prices: PriceTable
    shelf: ShelfTable

    @classmethod
    def of(cls, market: MarketDataSnapshot, shelf: Sequence[ShelfEntry]) -> Tables | None:
        """None where something is not fit for compiled code, as is a shelf with minimums or lot sizes."""
        if any(row.min_notional is not None or row.lot_size is not None for row in shelf):
            return None
        tables = cls(PriceTable(market), ShelfTable(shelf))
        return tables if tables.prices.is_plain and tables.shelf.is_plain else None

    def room(self, rows: int, keys: Sequence[str], money: Money) -> int:
        """Bytes that suffice for all that is written about so many positions and targets, and group caps.

        A number has at most 48 characters; a row is written twice as a position, four times as an allocation,
        and once as a target, an order, an exclusion, and each of what may be bought and sold.
        """
        longest = max(self.prices.longest, self.shelf.longest, *map(len, money.places))
        buckets = len(self.shelf.columns.pair_attributes) + self.shelf.columns.classes_count
        states = (rows + 2 * buckets + len(money.places) + 8) * (3000 + 28 * longest)
        return states + len(keys) * (rows + 8) * (64 + longest) + sum(map(len, keys))


class Numbering(dict[Any, int]):
    """Numbers what it is asked for in the order in which it is asked first."""

    def __missing__(self, key: Any) -> int:
        self[key] = number = len(self)
        return number


def is_plain(texts: Sequence[str]) -> bool:
    """Whether quotes are all that these texts need to be JSON, and they are ASCII."""
    encoded, joined = _ENCODER.encode(texts), "".join(texts)
    return joined.isascii() and len(encoded) == len(joined) + max(2, 3 * len(texts) + 1)


def integers(values: Sequence[int]) -> Integers:
    """Integers as an array; through :mod:`array` in a third of the time."""
    return np.frombuffer(array("q", values), np.int64) if values else np.empty(0, np.int64)


def numbers(values: Sequence[Decimal]) -> Integers | None:
    """Decimals as (n, 4) numbers; None if one has more than 28 digits."""
    table = np.empty((len(values), digits.PARTS), np.int64)
    return table if read_numbers(lines(values), table) else None


def lines(values: Sequence[Decimal]) -> Bytes:
    """Decimals as text, a line each."""
    return np.frombuffer(("\n".join(map(str, values)) + "\n").encode(), np.uint8)


def buffer(size: int) -> Bytes:
    """Room for at least ``size`` bytes, the same for every call in this thread unless it is very large."""
    if size > _KEPT_BYTES_MAX:
        return np.empty(size, np.uint8)
    room: Bytes | None = getattr(_threads, "room", None)
    if room is None or len(room) < size:
        room = _threads.room = np.empty(max(size, 1 << 18), np.uint8)
    return room
