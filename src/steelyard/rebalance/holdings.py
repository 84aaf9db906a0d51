"""A valued portfolio's positions in columns: as rows for who reads them, as JSON for the answer.

An answer lists every position and, with the same weight and value, its allocation; before and after
the trades that is most of its bytes.  So rows are made only when somebody asks for them, and the
text of each number, and of what both valuations have in common, is made once: for 100 positions
that halves the time of valuing and writing them.

Source: contract dpm, section 5.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TypeVar, overload

import msgspec
from msgspec import Struct

from steelyard.rebalance.listing import Listing
from steelyard.rebalance.values import Money

_MANY = 16  # rows; fewer are made and written as they are in less time
_ENCODER = msgspec.json.Encoder()
Row = TypeVar("Row", bound=Struct)


class AllocationMetric(Struct, frozen=True, gc=False):
    """What one bucket is worth, in base currency; its weight has 4 decimals."""

    key: str
    weight: Decimal
    value: Money


class PositionSummary(Struct, frozen=True, gc=False):
    """A holding and what it is worth; its weight has 4 decimals."""

    instrument_id: str
    quantity: Decimal
    instrument_currency: str
    asset_class: str
    price: Money | None
    value_in_instrument_ccy: Money
    value_in_base_ccy: Money
    weight: Decimal


class Columns(Struct, frozen=True, gc=False):
    """Positions, an entry per instrument at the beginning of ``listing``.

    Attributes:
        values: in ``currencies``.
        in_base: in the listing's base currency.
        weights: at 4 decimals.
    """

    listing: Listing
    quantities: Sequence[Decimal]
    currencies: Sequence[str]
    values: Sequence[Decimal]
    in_base: Sequence[Decimal]
    weights: Sequence[Decimal]


class _Rows(Sequence[Row]):
    """Rows that are made of the columns when they are asked for."""

    __slots__ = ("columns",)

    def __init__(self, columns: Columns) -> None:
        self.columns = columns

    def __len__(self) -> int:
        return len(self.columns.weights)

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | Sequence[Row]:
        return list(self)[place]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # as a list


class Positions(_Rows[PositionSummary]):
    """The positions of a state."""

    __slots__ = ()

    def __iter__(self) -> Iterator[PositionSummary]:
        return iter(_summaries(self.columns))


class Allocation(_Rows[AllocationMetric]):
    """The allocation by instrument of a state."""

    __slots__ = ()

    def __iter__(self) -> Iterator[AllocationMetric]:
        return iter(_metrics(self.columns))


def _summaries(columns: Columns) -> list[PositionSummary]:
    listing, base = columns.listing, columns.listing.base
    return [
        PositionSummary(
            name, quantity, currency, asset_class, price, Money(value, currency), Money(in_base, base), weight
        )
        for name, quantity, currency, asset_class, price, value, in_base, weight in zip(
            listing.names,
            columns.quantities,
            columns.currencies,
            listing.asset_classes,
            listing.prices,
            columns.values,
            columns.in_base,
            columns.weights,
            strict=False,
        )
    ]


def _metrics(columns: Columns) -> list[AllocationMetric]:
    names, base = columns.listing.names, columns.listing.base
    return [
        AllocationMetric(name, weight, Money(in_base, base))
        for name, weight, in_base in zip(names, columns.weights, columns.in_base, strict=False)
    ]


Written = tuple[Sequence[PositionSummary] | msgspec.Raw, msgspec.Raw]


def rows_of(columns: Columns, *, when_asked: bool) -> tuple[Sequence[PositionSummary], Sequence[AllocationMetric]]:
    """Positions and allocation by instrument; if there are many, they may be made only ``when_asked`` for."""
    if when_asked and len(columns.weights) >= _MANY:
        return Positions(columns), Allocation(columns)
    return _summaries(columns), _metrics(columns)


def write_holdings(positions: Sequence[PositionSummary], allocation: Sequence[AllocationMetric]) -> Written:
    """Positions, and allocation by instrument, for an encoder; what is long or occurs twice is JSON already."""
    if isinstance(positions, Positions):
        columns, listing = positions.columns, positions.columns.listing
        if listing.is_complete and columns.currencies is listing.currencies and listing.is_plain():
            return _from_columns(columns)
        positions, allocation = _summaries(columns), _metrics(columns)
    return positions, msgspec.Raw(_ENCODER.encode(allocation))


def _from_columns(columns: Columns) -> Written:
    """The same where every price is known and every text is JSON as it is."""
    listing = columns.listing
    in_base = [f"{value!s}" for value in columns.in_base]  # a quarter faster than str(value)
    weights = [f"{weight!s}" for weight in columns.weights]
    to_weight, end = f'","currency":"{listing.base}"}},"weight":"', f'","currency":"{listing.base}"}}}}'
    positions = [
        f'{{"instrument_id":"{name}","quantity":"{quantity!s}","instrument_currency":"{currency}",'
        f'"asset_class":"{asset_class}","price":{{"amount":"{price}","currency":"{currency}"}},'
        f'"value_in_instrument_ccy":{{"amount":"{value!s}","currency":"{currency}"}},'
        f'"value_in_base_ccy":{{"amount":"{worth}{to_weight}{weight}"}}'
        for name, quantity, currency, asset_class, price, value, worth, weight in zip(
            listing.names,
            columns.quantities,
            columns.currencies,
            listing.asset_classes,
            listing.price_texts(),
            columns.values,
            in_base,
            weights,
            strict=False,
        )
    ]
    allocation = [
        f'{{"key":"{name}","weight":"{weight}","value":{{"amount":"{worth}{end}'
        for name, weight, worth in zip(listing.names, weights, in_base, strict=False)
    ]
    return _list_of(positions), _list_of(allocation)


def _list_of(rows: list[str]) -> msgspec.Raw:
    if not rows:
        return msgspec.Raw("[]")
    rows[0] = "[" + rows[0]  # here, so that the long text is copied once only
    rows[-1] += "]"
    return msgspec.Raw(",".join(rows))
