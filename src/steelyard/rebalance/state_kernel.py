"""A valued portfolio in compiled code: from units and prices to the JSON of its state.

It does what :mod:`steelyard.rebalance.valuation` does for portfolios whose instruments all have price
and rate, digit for digit, and what msgspec would make of the outcome, byte for byte.

Source: contract dpm, sections 5 and 6.1.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from steelyard.rebalance import digits
from steelyard.rebalance.pieces import Integers, Pieces, Strings, copy, helper, kernel, put, say, say_char

QUANTITY, VALUE, IN_BASE, ROUNDED = range(4)
KINDS = 4
TOTAL, CASH, CASH_WEIGHT = range(3)
RESULTS = 3
_BASE_EXPONENT = 99
BASE_RATE = (0, _BASE_EXPONENT, 0, 1)


class PriceColumns(NamedTuple):
    """Prices, a row per instrument.

    Attributes:
        names: of the instruments.
        amounts: the prices as numbers.
        currencies: places in the codes of :class:`MoneyColumns`.
    """

    names: Strings
    amounts: Integers
    currencies: Integers


class MoneyColumns(NamedTuple):
    """Currencies, a row each.

    Attributes:
        codes: their names.
        rates: base currency per unit as numbers; the base currency itself has the exponent 99.
    """

    codes: Strings
    rates: Integers


class ShelfColumns(NamedTuple):
    """Statuses, classes and attributes, a row per shelf row; the first row is what is on no shelf.

    Attributes:
        statuses: codes of :mod:`steelyard.rebalance.target_kernel`.
        classes: places in ``texts``; that of cash is 0.
        pair_sets: which set of pairs a row has.
        first_pair: the pairs of set ``i`` are ``pairs[first_pair[i]:first_pair[i + 1]]``.
        pairs: of attribute and value.
        pair_attributes: by pair, which attribute.
        texts: the ``classes_count`` classes, then the attributes, then by pair the value.
    """

    statuses: Integers
    classes: Integers
    pair_sets: Integers
    first_pair: Integers
    pairs: Integers
    pair_attributes: Integers
    texts: Strings
    classes_count: int


_fixed = Pieces()
_POSITIONS = _fixed.piece(',"positions":[')
_INSTRUMENT = _fixed.piece('{"instrument_id":"')
_QUANTITY = _fixed.piece('","quantity":"')
_CURRENCY_OF = _fixed.piece('","instrument_currency":"')
_CLASS = _fixed.piece('","asset_class":"')
_PRICE = _fixed.piece('","price":{"amount":"')
_CURRENCY = _fixed.piece('","currency":"')
_OWN_VALUE = _fixed.piece('"},"value_in_instrument_ccy":{"amount":"')
_BASE_VALUE = _fixed.piece('"},"value_in_base_ccy":{"amount":"')
_LAST_WEIGHT = _fixed.piece('"},"weight":"')
_END = _fixed.piece('"}')
_BY_CLASS = _fixed.piece('],"allocation_by_asset_class":[')
_KEY = _fixed.piece('{"key":"')
_WEIGHT = _fixed.piece('","weight":"')
_WORTH = _fixed.piece('","value":{"amount":"')
_CLOSE = _fixed.piece('"}}')
_BY_INSTRUMENT = _fixed.piece('],"allocation_by_instrument":[')
_ALLOCATION = _fixed.piece('],"allocation":[')
_BY_ATTRIBUTE = _fixed.piece('],"allocation_by_attribute":{')
_TEXT = _fixed.text
_COMMA, _QUOTE, _COLON, _OPEN, _SHUT, _BRACE = 44, 34, 58, 91, 93, 125


@helper
def _comma(out: Any, at: int, row: int) -> int:
    if row == 0:
        return at
    out[at] = _COMMA
    return at + 1


@helper
def is_base(rate: Any) -> bool:
    """Whether a rate is that of the base currency, by which nothing is multiplied."""
    return bool(rate[1] == _BASE_EXPONENT)


@helper
def value_rows(places: Any, prices: Any, money: Any, work: Any, cash: Any, results: Any) -> bool:
    """Fill values and weights of the rows of ``work``, whose quantities are there; False if that takes Decimal.

    Args:
        places: (2, n), the price and shelf row of each instrument.
        prices: :class:`PriceColumns`.
        money: :class:`MoneyColumns`.
        work: (4, n, 4), numbers by kind.
        cash: (c, 4), cash in base currency.
        results: (3, 4), receives total, cash and the weight of cash.
    """
    count = places.shape[1]
    total = digits.ZERO
    for row in range(count):
        place = places[0, row]
        value = digits.mul(digits.load(work[QUANTITY], row), digits.load(prices.amounts, place))
        rate = digits.load(money.rates, prices.currencies[place])
        in_base = value if is_base(rate) else digits.mul(value, rate)
        digits.store(work[VALUE], row, value)
        digits.store(work[IN_BASE], row, in_base)
        total = digits.add(total, in_base)
    in_cash = digits.ZERO
    for row in range(len(cash)):
        total = digits.add(total, digits.load(cash, row))
        in_cash = digits.add(in_cash, digits.load(cash, row))
    if not digits.is_positive(total) or total[1] + digits.length(total) < -8:
        return False
    is_sound = not digits.is_lost(in_cash)
    for row in range(count):
        rounded = digits.share(digits.load(work[IN_BASE], row), total)
        digits.store(work[ROUNDED], row, rounded)
        is_sound = is_sound and not digits.is_lost(rounded)
    digits.store(results, TOTAL, total)
    digits.store(results, CASH, in_cash)
    digits.store(results, CASH_WEIGHT, digits.div(in_cash, total))
    return is_sound


@helper
def write_money(out: Any, at: int, amount: Any, money: Any, code: int) -> int:
    """An amount and its currency, without the quotes around them; the place behind."""
    at = digits.write(out, at, amount)
    at = say(out, at, _TEXT, _CURRENCY)
    return put(out, at, money.codes, code)


@helper
def _metric(out: Any, at: int, worth: Any, rounded: Any, money: Any, base: int) -> int:
    """The weight and value of a bucket, behind its key."""
    at = say(out, at, _TEXT, _WEIGHT)
    at = digits.write(out, at, rounded)
    at = say(out, at, _TEXT, _WORTH)
    at = write_money(out, at, worth, money, base)
    return say(out, at, _TEXT, _CLOSE)


@helper
def _positions(out: Any, at: int, places: Any, prices: Any, shelf: Any, money: Any, base: int, work: Any) -> int:
    at = say(out, at, _TEXT, _POSITIONS)
    for row in range(places.shape[1]):
        place = places[0, row]
        currency = prices.currencies[place]
        at = _comma(out, at, row)
        at = say(out, at, _TEXT, _INSTRUMENT)
        at = put(out, at, prices.names, place)
        at = say(out, at, _TEXT, _QUANTITY)
        at = digits.write(out, at, digits.load(work[QUANTITY], row))
        at = say(out, at, _TEXT, _CURRENCY_OF)
        at = put(out, at, money.codes, currency)
        at = say(out, at, _TEXT, _CLASS)
        at = put(out, at, shelf.texts, shelf.classes[places[1, row]])
        at = say(out, at, _TEXT, _PRICE)
        at = write_money(out, at, digits.load(prices.amounts, place), money, currency)
        at = say(out, at, _TEXT, _OWN_VALUE)
        at = write_money(out, at, digits.load(work[VALUE], row), money, currency)
        at = say(out, at, _TEXT, _BASE_VALUE)
        at = write_money(out, at, digits.load(work[IN_BASE], row), money, base)
        at = say(out, at, _TEXT, _LAST_WEIGHT)
        at = digits.write(out, at, digits.load(work[ROUNDED], row))
        at = say(out, at, _TEXT, _END)
    return at


@helper
def _by_class(out: Any, at: int, places: Any, shelf: Any, money: Any, base: int, work: Any, results: Any) -> int:
    """Sums by asset class in the order first seen, cash in its own class or behind them; -1 if that takes Decimal."""
    classes = shelf.classes_count
    sums = np.zeros((classes + 1, digits.PARTS), np.int64)
    order = np.empty(classes + 1, np.int64)
    is_seen = np.zeros(classes + 1, np.bool_)
    seen = 0
    for row in range(places.shape[1]):
        place = shelf.classes[places[1, row]]
        if not is_seen[place]:
            is_seen[place] = True
            order[seen] = place
            seen += 1
        digits.store(sums, place, digits.add(digits.load(sums, place), digits.load(work[IN_BASE], row)))
    # The class of cash is the first of all; instruments may be in it.
    if not is_seen[0]:
        order[seen] = 0
        seen += 1
    digits.store(sums, 0, digits.add(digits.load(sums, 0), digits.load(results, CASH)))
    total = digits.load(results, TOTAL)
    for row in range(seen):
        worth = digits.load(sums, order[row])
        rounded = digits.share(worth, total)
        if digits.is_lost(rounded):
            return -1
        at = _comma(out, at, row)
        at = say(out, at, _TEXT, _KEY)
        at = put(out, at, shelf.texts, order[row])
        at = _metric(out, at, worth, rounded, money, base)
    return at


@helper
def _by_instrument(out: Any, at: int, places: Any, prices: Any, money: Any, base: int, work: Any) -> int:
    for row in range(places.shape[1]):
        at = _comma(out, at, row)
        at = say(out, at, _TEXT, _KEY)
        at = put(out, at, prices.names, places[0, row])
        at = _metric(out, at, digits.load(work[IN_BASE], row), digits.load(work[ROUNDED], row), money, base)
    return at


@helper
def _by_attribute(out: Any, at: int, places: Any, shelf: Any, money: Any, base: int, work: Any, results: Any) -> int:
    """Sums by attribute and value, both in the order first seen; -1 if that takes Decimal."""
    pairs = len(shelf.pair_attributes)
    sums = np.zeros((pairs, digits.PARTS), np.int64)
    order = np.empty(pairs, np.int64)
    is_seen = np.zeros(pairs, np.bool_)
    seen = 0
    for row in range(places.shape[1]):
        pair_set = shelf.pair_sets[places[1, row]]
        for index in range(shelf.first_pair[pair_set], shelf.first_pair[pair_set + 1]):
            pair = shelf.pairs[index]
            if not is_seen[pair]:
                is_seen[pair] = True
                order[seen] = pair
                seen += 1
            digits.store(sums, pair, digits.add(digits.load(sums, pair), digits.load(work[IN_BASE], row)))
    total = digits.load(results, TOTAL)
    first_value = len(shelf.texts.ends) - 1 - pairs
    groups = 0
    for first in range(seen):
        attribute = shelf.pair_attributes[order[first]]
        if not is_seen[order[first]]:
            continue
        at = _comma(out, at, groups)
        at = say_char(out, at, _QUOTE)
        at = put(out, at, shelf.texts, shelf.classes_count + attribute)
        at = say_char(out, at, _QUOTE)
        at = say_char(out, at, _COLON)
        at = say_char(out, at, _OPEN)
        groups += 1
        rows = 0
        for row in range(first, seen):
            pair = order[row]
            if shelf.pair_attributes[pair] != attribute:
                continue
            is_seen[pair] = False
            worth = digits.load(sums, pair)
            rounded = digits.share(worth, total)
            if digits.is_lost(rounded):
                return -1
            at = _comma(out, at, rows)
            at = say(out, at, _TEXT, _KEY)
            at = put(out, at, shelf.texts, first_value + pair)
            at = _metric(out, at, worth, rounded, money, base)
            rows += 1
        at = say_char(out, at, _SHUT)
    return at


@helper
def write_state(
    out: Any, at: int, places: Any, prices: Any, shelf: Any, money: Any, base: int, work: Any, results: Any
) -> int:
    """Write a state from its positions on; the place behind it, or -1 if that takes Decimal."""
    at = _positions(out, at, places, prices, shelf, money, base, work)
    at = say(out, at, _TEXT, _BY_CLASS)
    at = _by_class(out, at, places, shelf, money, base, work, results)
    if at < 0:
        return -1
    at = say(out, at, _TEXT, _BY_INSTRUMENT)
    start = at
    at = _by_instrument(out, at, places, prices, money, base, work)
    end = at
    at = say(out, at, _TEXT, _ALLOCATION)
    at = copy(out, at, out, start, end)
    at = say(out, at, _TEXT, _BY_ATTRIBUTE)
    at = _by_attribute(out, at, places, shelf, money, base, work, results)
    if at < 0:
        return -1
    at = say_char(out, at, _BRACE)
    return say_char(out, at, _BRACE)


@kernel
def read_numbers(text: Any, numbers: Any) -> bool:
    """Read a number per line; False if one has more than 28 digits."""
    at = 0
    is_sound = True
    for row in range(len(numbers)):
        at = digits.parse(text, at, numbers, row)
        is_sound = is_sound and not digits.is_lost(digits.load(numbers, row))
    return is_sound
