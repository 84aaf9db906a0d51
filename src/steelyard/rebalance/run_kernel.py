"""A whole run in compiled code, for requests that nothing but targets decides.

Source: contract dpm, section 6.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from steelyard.rebalance import digits
from steelyard.rebalance.pieces import helper, kernel, say_char
from steelyard.rebalance.state_kernel import (
    CASH_WEIGHT,
    KINDS,
    QUANTITY,
    RESULTS,
    TOTAL,
    is_base,
    value_rows,
    write_state,
)
from steelyard.rebalance.target_kernel import (
    LEFT_TO_DECIMAL,
    READY,
    ROWS,
    aim,
    list_instruments,
    write_excluded,
    write_names,
)
from steelyard.rebalance.trade_kernel import ORDER_COLUMNS, heaviest, plan_trades, trade

_NEWLINE, _OPEN, _SHUT = 10, 91, 93


class Ends(NamedTuple):
    """Where the parts of what was written end, and counts; ``status`` says whether anything was."""

    status: int
    before: int
    for_buy: int
    for_sale: int
    excluded: int
    events: int
    targets: int
    intents: int
    after: int
    lines: int
    cash_rows: int


_LOST = Ends(LEFT_TO_DECIMAL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


@helper
def _in_base(codes: Any, amounts: Any, money: Any) -> Any:
    cash = np.empty((len(codes), digits.PARTS), np.int64)
    for row in range(len(codes)):
        amount, rate = digits.load(amounts, row), digits.load(money.rates, codes[row])
        digits.store(cash, row, amount if is_base(rate) else digits.mul(amount, rate))
    return cash


@helper
def _read(text: Any, at: int, numbers: Any) -> int:
    for row in range(len(numbers)):
        at = digits.parse(text, at, numbers, row)
    return at


@kernel
def run(
    text: Any,
    places: Any,
    model: Any,
    codes: Any,
    prices: Any,
    shelf: Any,
    money: Any,
    base: int,
    limits: Any,
    has_aims: bool,
    allow_restricted: bool,
    is_linked: bool,
    out: Any,
    cash_codes: Any,
    has_bound: Any,
) -> Ends:
    """Answer a request.

    Args:
        text: 1 + the FX buffer, quantities, cash balances, model weights and, if ``has_aims``, the weight to aim at
            of every instrument that has one, a line each.
        places: (2, n), price and shelf rows of the positions.
        model: (2, t), the same of the model targets.
        codes: (c,), the currencies of the cash balances, none twice.
        prices, shelf, money: the tables of :mod:`steelyard.rebalance.columns`.
        base: the base currency.
        limits: :class:`steelyard.rebalance.target_kernel.Limits`.
        out: receives the JSON of the state before, from its positions on; what may be bought; what may be sold;
            what is excluded; the events of group caps; targets; intents; the state afterwards; then as lines the
            totals before and after, the weight of cash, the largest weight, and the cash balances.
        cash_codes: receives the currencies of the balances.
        has_bound: (g,), receives which group caps bound.

    Returns:
        Status and ends; the status is LEFT_TO_DECIMAL if the run takes Python.
    """
    held, targets = places.shape[1], model.shape[1]
    factor = np.empty((1, digits.PARTS), np.int64)
    work = np.empty((KINDS, held, digits.PARTS), np.int64)
    amounts = np.empty((len(codes), digits.PARTS), np.int64)
    wanted = np.empty((targets, digits.PARTS), np.int64)
    results = np.empty((RESULTS, digits.PARTS), np.int64)
    at = _read(text, 0, factor)
    at = _read(text, at, work[QUANTITY])
    at = _read(text, at, amounts)
    at = _read(text, at, wanted)
    if not value_rows(places, prices, money, work, _in_base(codes, amounts, money), results):
        return _LOST
    total = digits.load(results, TOTAL)
    is_possible, listed, excess = list_instruments(
        places, work, total, model, wanted, shelf.statuses, prices, allow_restricted
    )
    if not is_possible:
        return _LOST
    before_end = write_state(out, 0, places, prices, shelf, money, base, work, results)
    if before_end < 0:
        return _LOST
    buy_end = write_names(out, before_end, listed, prices, False)
    sale_end = write_names(out, buy_end, listed, prices, True)
    excluded_end = write_excluded(out, sale_end, listed, prices)
    if has_aims:
        _read(text, at, listed.weights[: listed.counts[ROWS]])
        status, events_end = READY, say_char(out, say_char(out, excluded_end, _OPEN), _SHUT)
    else:
        status, events_end = aim(out, excluded_end, listed, excess, shelf, prices, limits, has_bound)
    if status == LEFT_TO_DECIMAL:
        return _LOST
    cap = held + targets
    trades, orders = np.empty((3, cap, digits.PARTS), np.int64), np.empty((cap, ORDER_COLUMNS), np.int64)
    count, targets_end = plan_trades(
        out, events_end, listed, model, wanted, prices, money, base, work, total, trades, orders
    )
    if count < 0:
        return _LOST
    intents_end, purse, after, moved = trade(
        out,
        targets_end,
        count,
        orders,
        trades,
        places,
        work,
        codes,
        amounts,
        prices,
        money,
        base,
        digits.load(factor, 0),
        is_linked,
    )
    cash_rows = purse.rows[0]
    cash_codes[:cash_rows] = purse.order[:cash_rows]
    balances = np.empty((cash_rows, digits.PARTS), np.int64)
    for row in range(cash_rows):
        digits.store(balances, row, digits.load(purse.amounts, purse.order[row]))
    if intents_end < 0 or not value_rows(
        after, prices, money, moved, _in_base(purse.order[:cash_rows], balances, money), results
    ):
        return _LOST
    largest = heaviest(moved, digits.load(results, TOTAL))
    after_end = write_state(out, intents_end, after, prices, shelf, money, base, moved, results)
    if digits.is_lost(largest) or after_end < 0:
        return _LOST
    at = after_end
    for number in (total, digits.load(results, TOTAL), digits.load(results, CASH_WEIGHT), largest):
        at = say_char(out, digits.write(out, at, number), _NEWLINE)
    for row in range(cash_rows):
        at = say_char(out, digits.write(out, at, digits.load(balances, row)), _NEWLINE)
    return Ends(
        status,
        before_end,
        buy_end,
        sale_end,
        excluded_end,
        events_end,
        targets_end,
        intents_end,
        after_end,
        at,
        cash_rows,
    )
