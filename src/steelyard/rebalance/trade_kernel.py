"""From target weights to the portfolio after the trades in compiled code, for runs that nothing else restricts.

It does what :mod:`steelyard.rebalance.intents`, ``funding``, ``simulation`` and ``valuation`` do one
after the other, digit for digit, and writes targets, orders and the state afterwards as JSON.

Source: contract dpm, sections 6.7, 6.9 and 6.11.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from steelyard.rebalance import digits
from steelyard.rebalance.pieces import Integers, Pieces, helper, put, say, say_char
from steelyard.rebalance.state_kernel import IN_BASE, KINDS, QUANTITY, VALUE, is_base, write_money
from steelyard.rebalance.target_kernel import HELD, IS_LOCKED, MODEL_ROW, PRICE_PLACE, ROWS, SHELF_PLACE

_PRICE, _SHELF, _POSITION, _SIDE = range(4)
ORDER_COLUMNS = 4
_NO_WEIGHT = digits.constant(0, -1, 0, 0)
_FLOAT_ERROR = 1e-14
_NEARLY_WHOLE = 1e-9
_FLOAT_UNITS_MAX = 1e12
NO_TAG, CAPPED, RECIPIENT, IMPLICIT_SELL, LOCKED_POSITION = range(5)
BUY, SELL = 0, 1
_QUANTITY, _NOTIONAL, _IN_BASE = range(3)


_fixed = Pieces()
_INSTRUMENT = _fixed.piece('{"instrument_id":"')
_MODEL_WEIGHT = _fixed.piece('","model_weight":"')
_FINAL_WEIGHT = _fixed.piece('","final_weight":"')
_FINAL_VALUE = _fixed.piece('","final_value":{"amount":"')
_TAGS = (
    _fixed.piece('"},"tags":[]}'),
    _fixed.piece('"},"tags":["CAPPED_BY_MAX_WEIGHT"]}'),
    _fixed.piece('"},"tags":["REDISTRIBUTED_RECIPIENT"]}'),
    _fixed.piece('"},"tags":["IMPLICIT_SELL_TO_ZERO"]}'),
    _fixed.piece('"},"tags":["LOCKED_POSITION"]}'),
)
_TRADE = _fixed.piece('{"intent_type":"SECURITY_TRADE","intent_id":"oi_')
_TRADED = _fixed.piece('","instrument_id":"')
_BUY = _fixed.piece('","side":"BUY","quantity":"')
_SELL = _fixed.piece('","side":"SELL","quantity":"')
_NOTIONAL_OF = _fixed.piece('","notional":{"amount":"')
_NOTIONAL_BASE = _fixed.piece('"},"notional_base":{"amount":"')
_DEPENDENCIES = _fixed.piece('"},"dependencies":[')
_ON_FX = _fixed.piece('"oi_fx_')
_ON_SALE = _fixed.piece('"oi_')
_TRADE_END = _fixed.piece(
    '],"rationale":{"code":"DRIFT_REBALANCE","message":"Brings the weight to its target."},"constraints_applied":[]}'
)
_FX = _fixed.piece('{"intent_type":"FX_SPOT","intent_id":"oi_fx_')
_PAIR = _fixed.piece('","pair":"')
_BOUGHT = _fixed.piece('","buy_currency":"')
_BUY_AMOUNT = _fixed.piece('","buy_amount":"')
_SOLD = _fixed.piece('","sell_currency":"')
_SELL_AMOUNT = _fixed.piece('","sell_amount_estimated":"')
_FUNDING = _fixed.piece(
    '","dependencies":[],"rationale":{"code":"FUNDING","message":"Buys the currency that the trades need."}}'
)
_SWEEP = _fixed.piece(
    '","dependencies":[],"rationale":{"code":"SWEEP","message":"Sells the currency that is left over."}}'
)
_TEXT = _fixed.text
_COMMA, _QUOTE, _SLASH, _OPEN, _SHUT = 44, 34, 47, 91, 93


@helper
def _say_count(out: Any, at: int, count: int) -> int:
    return digits.write(out, at, (0, 0, 0, count))


@helper
def _write_target(
    out: Any, at: int, prices: Any, money: Any, base: int, place: int, wanted: Any, final: Any, value: Any, tag: int
) -> int:
    at = say(out, at, _TEXT, _INSTRUMENT)
    at = put(out, at, prices.names, place)
    at = say(out, at, _TEXT, _MODEL_WEIGHT)
    at = digits.write(out, at, wanted)
    at = say(out, at, _TEXT, _FINAL_WEIGHT)
    at = digits.write(out, at, final)
    at = say(out, at, _TEXT, _FINAL_VALUE)
    at = write_money(out, at, value, money, base)
    if tag == NO_TAG:
        return say(out, at, _TEXT, _TAGS[0])
    if tag == CAPPED:
        return say(out, at, _TEXT, _TAGS[1])
    if tag == RECIPIENT:
        return say(out, at, _TEXT, _TAGS[2])
    if tag == IMPLICIT_SELL:
        return say(out, at, _TEXT, _TAGS[3])
    return say(out, at, _TEXT, _TAGS[4])


@helper
def _size_trade(place: int, held: int, value: Any, prices: Any, money: Any, values: Any) -> Any:
    """Side and quantity that bring a holding to ``value``.

    Whole units are the same whether the quotients before were rounded or not, unless one lies next to a
    whole number; so floating point decides where it cannot be wrong, at a tenth of the time.
    """
    rate, price = digits.load(money.rates, prices.currencies[place]), digits.load(prices.amounts, place)
    aimed = digits.as_float(value)
    if not is_base(rate):
        aimed /= digits.as_float(rate)
    current = digits.as_float(digits.load(values, held)) if held >= 0 else 0.0
    price_float = digits.as_float(price)
    units, doubt = (
        abs(aimed - current) / price_float,
        (abs(aimed) + abs(current)) / price_float * _FLOAT_ERROR + _NEARLY_WHOLE,
    )
    whole_units = np.floor(units)
    if units < _FLOAT_UNITS_MAX and doubt < units - whole_units < 1.0 - doubt:
        return BUY if aimed > current else SELL, (0, 0, 0, int(whole_units))
    difference = value if is_base(rate) else digits.div(value, rate)
    if held >= 0:
        difference = digits.sub(difference, digits.load(values, held))
    side = BUY if digits.is_positive(difference) else SELL
    return side, digits.whole(digits.div(digits.absolute(difference), price))


@helper
def plan_trades(
    out: Any,
    at: int,
    listed: Any,
    model: Any,
    wanted: Any,
    prices: Any,
    money: Any,
    base: int,
    held: Any,
    total: Any,
    trades: Any,
    orders: Any,
) -> Any:
    """Write the targets, the model's first, and size the trade of each.

    Args:
        held: (4, n, 4), the numbers of the positions.
        trades: (3, cap, 4), receives quantity, notional and notional in base currency.
        orders: (cap, 4), receives price row, shelf row, position and side.

    Returns:
        How many trades, -1 if that takes Decimal, and the place behind the targets.
    """
    targets, count, written = model.shape[1], 0, 0
    at = say_char(out, at, _OPEN)
    for turn in range(targets + listed.counts[ROWS]):
        if turn < targets:
            place, shelf, row = model[0, turn], model[1, turn], listed.of_model[turn]
            want = digits.load(wanted, turn)
        else:
            row = turn - targets
            if listed.rows[row, MODEL_ROW] >= 0:
                continue
            place, shelf, want = listed.rows[row, PRICE_PLACE], listed.rows[row, SHELF_PLACE], _NO_WEIGHT
        final = digits.load(listed.weights, row) if row >= 0 else _NO_WEIGHT
        if turn >= targets:
            tag = IMPLICIT_SELL if digits.is_zero(final) else LOCKED_POSITION
        elif digits.is_above(want, final):
            tag = CAPPED
        else:
            tag = RECIPIENT if digits.is_above(final, want) else NO_TAG
        value = digits.mul(total, final)
        if written > 0:
            at = say_char(out, at, _COMMA)
        at = _write_target(out, at, prices, money, base, place, want, final, value, tag)
        written += 1
        if row < 0 or listed.rows[row, IS_LOCKED] == 1:
            continue
        position = listed.rows[row, HELD]
        side, quantity = _size_trade(place, position, value, prices, money, held[VALUE])
        if digits.is_lost(quantity) or (side == SELL and position < 0 and not digits.is_zero(quantity)):
            return -1, at
        if digits.is_zero(quantity):
            continue
        notional = digits.mul(quantity, digits.load(prices.amounts, place))
        rate = digits.load(money.rates, prices.currencies[place])
        digits.store(trades[_QUANTITY], count, quantity)
        digits.store(trades[_NOTIONAL], count, notional)
        digits.store(trades[_IN_BASE], count, notional if is_base(rate) else digits.mul(notional, rate))
        orders[count, _PRICE] = place
        orders[count, _SHELF] = shelf
        orders[count, _POSITION] = position
        orders[count, _SIDE] = side
        count += 1
    return count, say_char(out, at, _SHUT)


class Cash(NamedTuple):
    """Cash by currency.

    Attributes:
        amounts: a number per currency code.
        order: the codes in the order in which they came; ``rows[0]`` of them.
        is_listed: whether a code is among them.
    """

    amounts: Integers
    order: Integers
    is_listed: Integers
    rows: Integers


@helper
def _purse(codes: Any, amounts: Any, size: int) -> Any:
    """The given balances."""
    purse = Cash(
        np.zeros((size, digits.PARTS), np.int64),
        np.zeros(size, np.int64),
        np.zeros(size, np.int64),
        np.zeros(1, np.int64),
    )
    for row in range(len(codes)):
        _list(purse, codes[row])
        digits.store(purse.amounts, codes[row], digits.load(amounts, row))
    return purse


@helper
def _list(purse: Any, code: int) -> None:
    if purse.is_listed[code] == 0:
        purse.is_listed[code] = 1
        purse.order[purse.rows[0]] = code
        purse.rows[0] += 1


@helper
def _pay_in(purse: Any, code: int, amount: Any) -> None:
    _list(purse, code)
    digits.store(purse.amounts, code, digits.add(digits.load(purse.amounts, code), amount))


@helper
def _pay_out(purse: Any, code: int, amount: Any) -> None:
    _list(purse, code)
    digits.store(purse.amounts, code, digits.sub(digits.load(purse.amounts, code), amount))


@helper
def _settle(purse: Any, orders: Any, side: int, count: int, prices: Any, trades: Any) -> None:
    """Pay for the trades of one side, or of both if it is neither."""
    for row in range(count):
        if side >= 0 and orders[row, _SIDE] != side:
            continue
        code = prices.currencies[orders[row, _PRICE]]
        notional = digits.load(trades[_NOTIONAL], row)
        if orders[row, _SIDE] == SELL:
            _pay_in(purse, code, notional)
        else:
            _pay_out(purse, code, notional)


@helper
def _write_trades(
    out: Any, at: int, orders: Any, side: int, count: int, prices: Any, money: Any, base: int, trades: Any, needs: Any
) -> int:
    """The orders of one side; ``needs`` has, by currency, the exchange and the sale that a purchase waits for."""
    for row in range(count):
        if orders[row, _SIDE] != side:
            continue
        place = orders[row, _PRICE]
        code = prices.currencies[place]
        if out[at - 1] != _OPEN:
            at = say_char(out, at, _COMMA)
        at = say(out, at, _TEXT, _TRADE)
        at = _say_count(out, at, row + 1)
        at = say(out, at, _TEXT, _TRADED)
        at = put(out, at, prices.names, place)
        at = say(out, at, _TEXT, _SELL if side == SELL else _BUY)
        at = digits.write(out, at, digits.load(trades[_QUANTITY], row))
        at = say(out, at, _TEXT, _NOTIONAL_OF)
        at = write_money(out, at, digits.load(trades[_NOTIONAL], row), money, code)
        at = say(out, at, _TEXT, _NOTIONAL_BASE)
        at = write_money(out, at, digits.load(trades[_IN_BASE], row), money, base)
        at = say(out, at, _TEXT, _DEPENDENCIES)
        if side == BUY and needs[code, 0] > 0:
            at = say(out, at, _TEXT, _ON_FX)
            at = _say_count(out, at, needs[code, 0])
            at = say_char(out, at, _QUOTE)
            if needs[code, 1] > 0:
                at = say_char(out, at, _COMMA)
        if side == BUY and needs[code, 1] > 0:
            at = say(out, at, _TEXT, _ON_SALE)
            at = _say_count(out, at, needs[code, 1])
            at = say_char(out, at, _QUOTE)
        at = say(out, at, _TEXT, _TRADE_END)
    return at


@helper
def _exchange(
    out: Any, at: int, projected: Any, purse: Any, money: Any, base: int, factor: Any, trades: int, needs: Any
) -> int:
    """Write and settle an exchange for every foreign balance that the trades leave; -1 if that takes Decimal."""
    number = trades
    for row in range(projected.rows[0]):
        code = projected.order[row]
        balance = digits.load(projected.amounts, code)
        if digits.is_lost(balance):
            return -1
        if code == base or digits.is_zero(balance):
            continue
        number += 1
        rate = digits.load(money.rates, code)
        is_short = digits.is_negative(balance)
        if is_short:
            buy, sell = code, base
            bought = digits.mul(digits.absolute(balance), factor)
            sold = digits.mul(bought, rate)
            needs[code, 0] = number
        else:
            buy, sell = base, code
            bought = digits.mul(balance, rate)
            sold = balance
        if out[at - 1] != _OPEN:
            at = say_char(out, at, _COMMA)
        at = say(out, at, _TEXT, _FX)
        at = _say_count(out, at, number)
        at = say(out, at, _TEXT, _PAIR)
        at = put(out, at, money.codes, code)
        at = say_char(out, at, _SLASH)
        at = put(out, at, money.codes, base)
        at = say(out, at, _TEXT, _BOUGHT)
        at = put(out, at, money.codes, buy)
        at = say(out, at, _TEXT, _BUY_AMOUNT)
        at = digits.write(out, at, bought)
        at = say(out, at, _TEXT, _SOLD)
        at = put(out, at, money.codes, sell)
        at = say(out, at, _TEXT, _SELL_AMOUNT)
        at = digits.write(out, at, sold)
        at = say(out, at, _TEXT, _FUNDING if is_short else _SWEEP)
        _pay_out(purse, sell, sold)
        _pay_in(purse, buy, bought)
    return at


@helper
def _hold(places: Any, held: Any, orders: Any, count: int, trades: Any) -> Any:
    """Places and quantities after the trades: sales first, then purchases, what is new at the end."""
    before, rows = places.shape[1], places.shape[1]
    for row in range(count):
        rows += orders[row, _POSITION] < 0
    after = np.empty((2, rows), np.int64)
    work = np.empty((KINDS, rows, digits.PARTS), np.int64)
    after[:, :before] = places
    work[QUANTITY, :before] = held
    rows = before
    for side in (SELL, BUY):
        for row in range(count):
            if orders[row, _SIDE] != side:
                continue
            quantity = digits.load(trades[_QUANTITY], row)
            place = orders[row, _POSITION]
            if place < 0:
                after[0, rows] = orders[row, _PRICE]
                after[1, rows] = orders[row, _SHELF]
                digits.store(work[QUANTITY], rows, digits.add(digits.ZERO, quantity))
                rows += 1
            elif side == SELL:
                digits.store(work[QUANTITY], place, digits.sub(digits.load(work[QUANTITY], place), quantity))
            else:
                digits.store(work[QUANTITY], place, digits.add(digits.load(work[QUANTITY], place), quantity))
    return after, work


@helper
def heaviest(work: Any, total: Any) -> Any:
    """The largest weight; LOST if a quantity is below zero."""
    largest = digits.load(work[IN_BASE], 0)
    for row in range(work.shape[1]):
        if digits.is_negative(digits.load(work[QUANTITY], row)):
            return digits.LOST
        if digits.is_above(digits.load(work[IN_BASE], row), largest):
            largest = digits.load(work[IN_BASE], row)
    return digits.div(largest, total)


@helper
def trade(
    out: Any,
    at: int,
    count: int,
    orders: Any,
    trades: Any,
    places: Any,
    held: Any,
    codes: Any,
    amounts: Any,
    prices: Any,
    money: Any,
    base: int,
    factor: Any,
    is_linked: bool,
) -> Any:
    """Write the orders in the order of their execution, and execute them.

    Args:
        count: of the trades that :func:`plan_trades` sized.
        codes: (c,), the currencies of the cash balances, none twice.
        amounts: (c, 4), the balances.
        factor: 1 + the FX buffer.
        is_linked: whether a purchase waits for the last sale in its currency.

    Returns:
        The place behind the orders, -1 if that takes Decimal; the cash, places and numbers afterwards.
    """
    size = len(money.rates)
    projected, purse = _purse(codes, amounts, size), _purse(codes, amounts, size)
    for row in range(len(codes)):
        digits.store(projected.amounts, codes[row], digits.add(digits.ZERO, digits.load(amounts, row)))
    _settle(projected, orders, -1, count, prices, trades)
    needs = np.zeros((size, 2), np.int64)
    if is_linked:
        for row in range(count):
            if orders[row, _SIDE] == SELL:
                needs[prices.currencies[orders[row, _PRICE]], 1] = row + 1
    at = say_char(out, at, _OPEN)
    at = _write_trades(out, at, orders, SELL, count, prices, money, base, trades, needs)
    _settle(purse, orders, SELL, count, prices, trades)
    at = _exchange(out, at, projected, purse, money, base, factor, count, needs)
    if at >= 0:
        at = _write_trades(out, at, orders, BUY, count, prices, money, base, trades, needs)
        at = say_char(out, at, _SHUT)
    _settle(purse, orders, BUY, count, prices, trades)
    after, work = _hold(places, held[QUANTITY], orders, count, trades)
    return at, purse, after, work
