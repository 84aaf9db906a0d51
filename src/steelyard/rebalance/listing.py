"""What is known of the instruments that a portfolio lists, looked up once for both of its valuations.

The trades of a run only add instruments at the end, so the valuation after them lets the listing of
the one before grow: its prices, rates, classes and buckets hold for it as well.

Source: contract dpm, section 6.1.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from steelyard.rebalance.market import Market, Shelf
from steelyard.rebalance.values import ZERO, Money

UNKNOWN_CLASS = "UNKNOWN"
_ENCODER = msgspec.json.Encoder()


class Listing:
    """Columns, one entry per listed instrument, in order; a valuation of fewer looks at the beginning.

    Attributes:
        names: the instruments; one may be listed twice.
        prices: in the instrument's currency; None where there is none.
        amounts, currencies: the same apart; 0 and the base currency where there is none.
        rates: base currency per unit of that currency; 0 where there is none.
        asset_classes: UNKNOWN where the shelf has no row.
        by_class: the places of the instruments of each class; classes in the order first seen.
        by_attribute: the same by (attribute, its value).
        is_complete: whether every instrument has price and rate.
    """

    __slots__ = (
        "_price_texts",
        "amounts",
        "asset_classes",
        "base",
        "by_attribute",
        "by_class",
        "currencies",
        "is_complete",
        "market",
        "names",
        "prices",
        "rates",
        "shelf",
    )

    def __init__(self, names: Sequence[str], base: str, market: Market, shelf: Shelf) -> None:
        self.base, self.market, self.shelf = base, market, shelf
        self.names: list[str] = []
        self.prices: list[Money | None] = []
        self.amounts: list[Decimal] = []
        self.currencies: list[str] = []
        self.rates: list[Decimal] = []
        self.asset_classes: list[str] = []
        self.by_class: dict[str, list[int]] = defaultdict(list)
        self.by_attribute: dict[tuple[str, str], list[int]] = defaultdict(list)
        self.is_complete = True
        self._price_texts: list[str] = []
        self._append(names)

    def grown(self, names: list[str]) -> Listing:
        """The listing of ``names``: this one with what is new at its end, or another if they begin otherwise."""
        count = len(self.names)
        if names[:count] != self.names:
            return Listing(names, self.base, self.market, self.shelf)
        if len(names) > count:
            self._append(names[count:])
        return self

    def price_texts(self) -> list[str]:
        """The amounts of the prices as text; of use where all are known."""
        self._price_texts += map(str, self.amounts[len(self._price_texts) :])
        return self._price_texts

    def is_plain(self) -> bool:
        """Whether quotes are all that names, classes and currencies need to be JSON."""
        texts = [*self.names, *self.by_class, *set(self.currencies), self.base]
        return len(_ENCODER.encode(texts)) == len("".join(texts)) + 3 * len(texts) + 1

    def _append(self, names: Sequence[str]) -> None:
        market, base = self.market, self.base
        prices = list(map(market.prices.get, names))
        known = prices if None not in prices else [price or Money(ZERO, base) for price in prices]
        currencies = [price.currency for price in known if price is not None]
        rates = {currency: market.rate(currency, base) or ZERO for currency in set(currencies)}
        self.is_complete = self.is_complete and known is prices and all(rates.values())
        self.names += names
        self.prices += prices
        self.amounts += [price.amount for price in known if price is not None]
        self.currencies += currencies
        self.rates += [rates[currency] for currency in currencies]
        rows, by_class, by_attribute = self.shelf.rows, self.by_class, self.by_attribute
        for place, name in enumerate(names, len(self.asset_classes)):
            row = rows.get(name)
            if row is None:
                asset_class = UNKNOWN_CLASS
            else:
                asset_class = row.asset_class
                for attribute in row.attributes.items():
                    by_attribute[attribute].append(place)
            self.asset_classes.append(asset_class)
            by_class[asset_class].append(place)
