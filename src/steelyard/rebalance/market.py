"""Prices, rates and shelf rows, indexed once and shared by every run that uses them.

The first row of an instrument or pair counts.  A price that is not above zero is no price.

Source: contract dpm, sections 1 (FX lookup), 6.1 and 16 (no. 9).
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from steelyard.rebalance.values import ONE, MarketDataSnapshot, Money, ShelfEntry


class Market:
    """Prices by instrument and rates by pair of currencies."""

    __slots__ = ("_pairs", "_rates", "prices")

    def __init__(self, snapshot: MarketDataSnapshot) -> None:
        self.prices: dict[str, Money] = {
            row.instrument_id: Money(row.price, row.currency) for row in reversed(snapshot.prices)
        }
        worthless = [instrument for instrument, price in self.prices.items() if price.amount <= 0]
        for instrument in worthless:
            del self.prices[instrument]
        self._pairs = {row.pair: row.rate for row in reversed(snapshot.fx_rates)}
        self._rates: dict[tuple[str, str], Decimal | None] = {}

    def rate(self, source: str, target: str) -> Decimal | None:
        """How many ``target`` one ``source`` buys: its own pair, else the inverse one, never a third currency."""
        if source == target:
            return ONE
        pair = source, target
        if pair not in self._rates:
            self._rates[pair] = self._quoted(source, target)
        return self._rates[pair]

    def _quoted(self, source: str, target: str) -> Decimal | None:
        if direct := self._pairs.get(f"{source}/{target}"):
            return direct
        if inverse := self._pairs.get(f"{target}/{source}"):
            return ONE / inverse
        return None


class Shelf:
    """Shelf rows by instrument."""

    __slots__ = ("_groups", "attribute_names", "lot_sizes", "minimums", "rows")

    def __init__(self, entries: Iterable[ShelfEntry]) -> None:
        entries = tuple(entries)
        self.rows: dict[str, ShelfEntry] = {row.instrument_id: row for row in reversed(entries)}
        self.attribute_names = {name for row in entries for name in row.attributes}
        self.lot_sizes = {row.instrument_id: row.lot_size for row in self.rows.values() if row.lot_size is not None}
        self.minimums = {
            row.instrument_id: row.min_notional for row in self.rows.values() if row.min_notional is not None
        }
        self._groups: dict[tuple[str, str], frozenset[str]] = {}

    def group(self, attribute: str, value: str) -> frozenset[str]:
        """The instruments with that attribute."""
        key = attribute, value
        if key not in self._groups:
            self._groups[key] = frozenset(
                name for name, row in self.rows.items() if row.attributes.get(attribute) == value
            )
        return self._groups[key]
