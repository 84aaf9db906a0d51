"""Universe and heuristic targets in compiled code, digit for digit as ``universe``, ``targets`` and ``groups``.

What those report about locked holdings that a cap cannot reach, and what blocks a run, is left to them.

Source: contract dpm, sections 6.2 and 6.3.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from steelyard.rebalance import digits
from steelyard.rebalance.pieces import Integers, Pieces, Strings, helper, put, say, say_char
from steelyard.rebalance.state_kernel import IN_BASE, QUANTITY

PRICE_PLACE, SHELF_PLACE, HELD, IS_BUYABLE, IS_LOCKED, MODEL_ROW = range(6)
"""What is known of an instrument that has a weight."""
COLUMNS = 6
STATUSES = ("MISSING_SHELF", "APPROVED", "RESTRICTED", "BANNED", "SUSPENDED", "SELL_ONLY")
MISSING_SHELF, APPROVED, RESTRICTED, BANNED, SUSPENDED, SELL_ONLY = range(6)
READY, PENDING_REVIEW, LEFT_TO_DECIMAL = 0, 1, -1
NO_SUCH_VALUE = -1

_ONE = digits.constant(0, 0, 0, 1)
_TOLERANCE = digits.constant(0, -4, 0, 1)
_FULLY_INVESTED_MAX = digits.constant(0, -4, 0, 10001)
_UNPLACED_MAX = digits.constant(0, -3, 0, 1)

_fixed = Pieces()
_INSTRUMENT = _fixed.piece('{"instrument_id":"')
_OUTSIDE = _fixed.piece('","reason_code":"SHELF_STATUS_')
_LOCKED = _fixed.piece('","reason_code":"LOCKED_DUE_TO_')
_NO_DETAILS = _fixed.piece('","details":null}')
_STATUS = tuple(_fixed.piece(status) for status in STATUSES)
_KEY = _fixed.piece('{"constraint_key":"')
_BEFORE = _fixed.piece('","group_weight_before":"')
_MAX = _fixed.piece('","max_weight":"')
_RELEASED = _fixed.piece('","released_weight":"')
_RECIPIENTS = _fixed.piece('","recipients":{')
_SHARE = _fixed.piece('":"')
_CAPPED = _fixed.piece('},"status":"CAPPED"}')
_TEXT = _fixed.text
_COMMA, _QUOTE, _OPEN, _SHUT = 44, 34, 91, 93


class Limits(NamedTuple):
    """The options that targets keep, as numbers.

    Attributes:
        numbers: (2, 4), position limit and cash buffer.
        has_position_limit: whether there is one.
        group_caps: (g, 4), in the order of the keys.
        group_pairs: (g,), the pair of attribute and value, or NO_SUCH_VALUE.
        group_keys: their names.
    """

    numbers: Integers
    has_position_limit: bool
    group_caps: Integers
    group_pairs: Integers
    group_keys: Strings


POSITION_LIMIT, CASH_BUFFER = range(2)


class Listed(NamedTuple):
    """Instruments that have a weight, in the order in which they got it.

    Attributes:
        rows: (cap, 6), what is known of each.
        weights: (cap, 4).
        of_model: (t,), the row of each model target, -1 where it has none.
        excluded: (cap, 2), price row and status of what is excluded, the model's first.
        counts: of rows, of excluded model targets, of all excluded.
    """

    rows: Integers
    weights: Integers
    of_model: Integers
    excluded: Integers
    counts: Integers


ROWS, EXCLUDED_OF_MODEL, EXCLUDED = range(3)


@helper
def list_instruments(
    places: Any,
    work: Any,
    total: Any,
    model: Any,
    wanted: Any,
    statuses: Any,
    prices: Any,
    allow_restricted: bool,
) -> Any:
    """Sort model targets and holdings by what may be done with them.

    Args:
        places: (2, n), price and shelf rows of the positions.
        work: (4, n, 4), their numbers.
        total: the value of the portfolio.
        model: (2, t), price and shelf rows of the model targets.
        wanted: (t, 4), their weights.
        statuses: by shelf row.

    Returns:
        Whether that was possible, the instruments, and the model weight of those that may only be sold.
    """
    held, targets = places.shape[1], model.shape[1]
    listed = Listed(
        np.empty((held + targets, COLUMNS), np.int64),
        np.empty((held + targets, digits.PARTS), np.int64),
        np.empty(targets, np.int64),
        np.empty((held + targets, 2), np.int64),
        np.zeros(3, np.int64),
    )
    excess = digits.ZERO
    position_of = np.full(len(prices.currencies), -1, np.int64)
    for row in range(held):
        if position_of[places[0, row]] >= 0:
            return False, listed, excess  # held twice
        position_of[places[0, row]] = row
    target_of = np.full(len(prices.currencies), -1, np.int64)
    is_met = np.zeros(len(prices.currencies), np.bool_)
    for row in range(targets):
        place = model[0, row]
        status = statuses[model[1, row]]
        if target_of[place] >= 0 or status == MISSING_SHELF:
            return False, listed, excess
        target_of[place] = row
        is_met[place] = True
        listed.of_model[row] = -1
        weight = digits.load(wanted, row)
        if status == APPROVED or (status == RESTRICTED and allow_restricted):
            _add(listed, place, model[1, row], position_of[place], True, False, row, weight)
        elif status == SELL_ONLY:
            _add(listed, place, model[1, row], position_of[place], False, False, row, digits.ZERO)
            excess = digits.add(excess, weight)
            _exclude(listed, place, status)
        else:
            is_met[place] = False
            _exclude(listed, place, status)
    listed.counts[EXCLUDED_OF_MODEL] = listed.counts[EXCLUDED]
    for row in range(held):
        place = places[0, row]
        if is_met[place] or digits.is_zero(digits.load(work[QUANTITY], row)):
            continue
        status, target = statuses[places[1, row]], target_of[place]
        if status in (APPROVED, SELL_ONLY):
            _add(listed, place, places[1, row], row, False, False, target, digits.ZERO)
        else:
            weight = digits.div(digits.load(work[IN_BASE], row), total)
            _add(listed, place, places[1, row], row, False, True, target, weight)
            _exclude(listed, place, status)
    return True, listed, excess


@helper
def _add(
    listed: Any, price: int, shelf: int, held: int, is_buyable: bool, is_locked: bool, model_row: int, weight: Any
) -> None:
    row = listed.counts[ROWS]
    listed.counts[ROWS] = row + 1
    listed.rows[row, PRICE_PLACE] = price
    listed.rows[row, SHELF_PLACE] = shelf
    listed.rows[row, HELD] = held
    listed.rows[row, IS_BUYABLE] = is_buyable
    listed.rows[row, IS_LOCKED] = is_locked
    listed.rows[row, MODEL_ROW] = model_row
    digits.store(listed.weights, row, weight)
    if model_row >= 0:
        listed.of_model[model_row] = row


@helper
def _exclude(listed: Any, price: int, status: int) -> None:
    row = listed.counts[EXCLUDED]
    listed.counts[EXCLUDED] = row + 1
    listed.excluded[row, 0] = price
    listed.excluded[row, 1] = status


@helper
def write_names(out: Any, at: int, listed: Any, prices: Any, for_sale: bool) -> int:
    """The instruments that may be bought, or those that may be sold."""
    at = say_char(out, at, _OPEN)
    for row in range(listed.counts[ROWS]):
        chosen = listed.rows[row, IS_LOCKED] == 0 if for_sale else listed.rows[row, IS_BUYABLE] == 1
        if chosen:
            if out[at - 1] != _OPEN:
                at = say_char(out, at, _COMMA)
            at = say_char(out, at, _QUOTE)
            at = put(out, at, prices.names, listed.rows[row, PRICE_PLACE])
            at = say_char(out, at, _QUOTE)
    return say_char(out, at, _SHUT)


@helper
def _write_status(out: Any, at: int, status: int) -> int:
    if status == MISSING_SHELF:
        return say(out, at, _TEXT, _STATUS[MISSING_SHELF])
    if status == RESTRICTED:
        return say(out, at, _TEXT, _STATUS[RESTRICTED])
    if status == BANNED:
        return say(out, at, _TEXT, _STATUS[BANNED])
    if status == SUSPENDED:
        return say(out, at, _TEXT, _STATUS[SUSPENDED])
    return say(out, at, _TEXT, _STATUS[SELL_ONLY])


@helper
def write_excluded(out: Any, at: int, listed: Any, prices: Any) -> int:
    """The excluded instruments with their reasons."""
    at = say_char(out, at, _OPEN)
    for row in range(listed.counts[EXCLUDED]):
        if row > 0:
            at = say_char(out, at, _COMMA)
        at = say(out, at, _TEXT, _INSTRUMENT)
        at = put(out, at, prices.names, listed.excluded[row, 0])
        at = say(out, at, _TEXT, _OUTSIDE if row < listed.counts[EXCLUDED_OF_MODEL] else _LOCKED)
        at = _write_status(out, at, listed.excluded[row, 1])
        at = say(out, at, _TEXT, _NO_DETAILS)
    return say_char(out, at, _SHUT)


@helper
def _sum_where(listed: Any, column: int, value: int) -> Any:
    total = digits.ZERO
    for row in range(listed.counts[ROWS]):
        if listed.rows[row, column] == value:
            total = digits.add(total, digits.load(listed.weights, row))
    return total


@helper
def _positive_part(number: Any) -> Any:
    return number if digits.is_positive(number) or digits.is_lost(number) else digits.ZERO


@helper
def _redistribute(listed: Any, excess: Any) -> bool:
    if not digits.is_positive(excess):
        return True
    total = _sum_where(listed, IS_BUYABLE, 1)
    if digits.is_zero(total):
        return False
    for row in range(listed.counts[ROWS]):
        if listed.rows[row, IS_BUYABLE] == 1:
            weight = digits.load(listed.weights, row)
            share = digits.mul(excess, digits.div(weight, total))
            digits.store(listed.weights, row, digits.add(weight, share))
    return True


@helper
def _scale(listed: Any, space: Any) -> bool:
    """Shrink the buyable weights to ``space``; False if that was necessary."""
    bought = _sum_where(listed, IS_BUYABLE, 1)
    if not digits.is_above(bought, space):
        return True
    factor = digits.div(space, bought)
    for row in range(listed.counts[ROWS]):
        if listed.rows[row, IS_BUYABLE] == 1:
            digits.store(listed.weights, row, digits.mul(digits.load(listed.weights, row), factor))
    return False


@helper
def _fit_into_one(listed: Any) -> bool:
    total = digits.ZERO
    for row in range(listed.counts[ROWS]):
        total = digits.add(total, digits.load(listed.weights, row))
    if not digits.is_above(total, _FULLY_INVESTED_MAX):
        return True
    locked = _sum_where(listed, IS_BUYABLE, 0)
    fits = _scale(listed, _positive_part(digits.sub(_ONE, locked)))
    return fits and not digits.is_above(locked, _ONE)


@helper
def _keep_cash(listed: Any, buffer: Any) -> bool:
    if not digits.is_positive(buffer):
        return True
    locked = _sum_where(listed, IS_BUYABLE, 0)
    return _scale(listed, _positive_part(digits.sub(digits.sub(_ONE, buffer), locked)))


@helper
def _cap_positions(listed: Any, cap: Any) -> int:
    """Clamp weights to ``cap`` and pour what that frees into those below it, in their order."""
    above, left = 0, digits.ZERO
    for row in range(listed.counts[ROWS]):
        weight = digits.load(listed.weights, row)
        if digits.is_above(weight, cap):
            if listed.rows[row, IS_LOCKED] == 1:
                return LEFT_TO_DECIMAL
            above += 1
            left = digits.add(left, weight)
    left = digits.sub(left, digits.mul(cap, (0, 0, 0, above)))
    total = digits.ZERO
    for row in range(listed.counts[ROWS]):
        weight = digits.load(listed.weights, row)
        if digits.is_above(weight, cap):
            digits.store(listed.weights, row, cap)
        elif listed.rows[row, IS_BUYABLE] == 1 and digits.is_above(cap, weight):
            total = digits.add(total, weight)
    if not digits.is_positive(left):
        return READY
    if digits.is_zero(total):
        return PENDING_REVIEW
    for row in range(listed.counts[ROWS]):
        weight = digits.load(listed.weights, row)
        if listed.rows[row, IS_BUYABLE] == 1 and digits.is_above(cap, weight):
            share, room = digits.mul(left, digits.div(weight, total)), digits.sub(cap, weight)
            if digits.is_above(share, room):
                share = room
            digits.store(listed.weights, row, digits.add(weight, share))
            left = digits.sub(left, share)
    return PENDING_REVIEW if digits.is_above(left, _UNPLACED_MAX) else READY


@helper
def _find_members(listed: Any, shelf: Any, pair: int, is_member: Any) -> None:
    for row in range(listed.counts[ROWS]):
        pair_set = shelf.pair_sets[listed.rows[row, SHELF_PLACE]]
        is_member[row] = False
        for index in range(shelf.first_pair[pair_set], shelf.first_pair[pair_set + 1]):
            if shelf.pairs[index] == pair:
                is_member[row] = True


@helper
def _weigh_members(listed: Any, is_member: Any) -> Any:
    """What the members of a group weigh: all, those that may trade, and those that are locked."""
    before, tradable, locked = digits.ZERO, digits.ZERO, digits.ZERO
    for row in range(listed.counts[ROWS]):
        if is_member[row]:
            weight = digits.load(listed.weights, row)
            before = digits.add(before, weight)
            if listed.rows[row, IS_LOCKED] == 1:
                locked = digits.add(locked, weight)
            else:
                tradable = digits.add(tradable, weight)
    return before, tradable, locked


@helper
def _shrink_members(listed: Any, is_member: Any, factor: Any) -> Any:
    """Scale the members that may trade; what the buyable others weigh."""
    total = digits.ZERO
    for row in range(listed.counts[ROWS]):
        weight = digits.load(listed.weights, row)
        if is_member[row] and listed.rows[row, IS_LOCKED] == 0:
            digits.store(listed.weights, row, digits.mul(weight, factor))
        elif not is_member[row] and listed.rows[row, IS_BUYABLE] == 1:
            total = digits.add(total, weight)
    return total


@helper
def _share_out(out: Any, at: int, listed: Any, prices: Any, is_member: Any, released: Any, total: Any) -> int:
    """Give what a cap released to the buyable others, and write who got what."""
    is_first = True
    for row in range(listed.counts[ROWS]):
        if is_member[row] or listed.rows[row, IS_BUYABLE] == 0:
            continue
        weight = digits.load(listed.weights, row)
        share = digits.mul(released, digits.div(weight, total))
        digits.store(listed.weights, row, digits.add(weight, share))
        if not is_first:
            at = say_char(out, at, _COMMA)
        is_first = False
        at = say_char(out, at, _QUOTE)
        at = put(out, at, prices.names, listed.rows[row, PRICE_PLACE])
        at = say(out, at, _TEXT, _SHARE)
        at = digits.write(out, at, share)
        at = say_char(out, at, _QUOTE)
    return at


@helper
def _cap_group(out: Any, at: int, listed: Any, shelf: Any, prices: Any, limits: Any, group: int, is_member: Any) -> Any:
    """Apply a group cap and write its event: whether it bound, and the place behind; -1 if that is left to Decimal."""
    cap = digits.load(limits.group_caps, group)
    _find_members(listed, shelf, limits.group_pairs[group], is_member)
    before, tradable, locked = _weigh_members(listed, is_member)
    allowed = digits.add(cap, _TOLERANCE)
    if not digits.is_above(before, allowed):
        return False, at
    room = _positive_part(digits.sub(cap, locked))
    if digits.is_above(locked, allowed):
        return False, -1  # that is reported under its own name
    if not digits.is_above(tradable, room):
        return False, at
    released = digits.sub(tradable, room)
    total = _shrink_members(listed, is_member, digits.div(room, tradable))
    if digits.is_zero(total):
        return False, -1  # nobody can take it, which blocks the run
    if out[at - 1] != _OPEN:
        at = say_char(out, at, _COMMA)
    at = say(out, at, _TEXT, _KEY)
    at = put(out, at, limits.group_keys, group)
    at = say(out, at, _TEXT, _BEFORE)
    at = digits.write(out, at, before)
    at = say(out, at, _TEXT, _MAX)
    at = digits.write(out, at, cap)
    at = say(out, at, _TEXT, _RELEASED)
    at = digits.write(out, at, released)
    at = say(out, at, _TEXT, _RECIPIENTS)
    at = _share_out(out, at, listed, prices, is_member, released, total)
    return True, say(out, at, _TEXT, _CAPPED)


@helper
def aim(out: Any, at: int, listed: Any, excess: Any, shelf: Any, prices: Any, limits: Any, has_bound: Any) -> Any:
    """Change the weights to those to aim at, and write the events of group caps.

    Args:
        has_bound: (g,), receives which caps bound.

    Returns:
        The status, or that it is left to Decimal, and the place behind the events.
    """
    is_settled = _redistribute(listed, excess)
    is_member = np.empty(listed.counts[ROWS], np.bool_)
    at = say_char(out, at, _OPEN)
    for group in range(len(limits.group_pairs)):
        has_bound[group] = False
        if limits.group_pairs[group] >= 0:
            has_bound[group], at = _cap_group(out, at, listed, shelf, prices, limits, group, is_member)
        if at < 0:
            return LEFT_TO_DECIMAL, at
    at = say_char(out, at, _SHUT)
    is_settled = _fit_into_one(listed) and is_settled
    if limits.has_position_limit:
        status = _cap_positions(listed, digits.load(limits.numbers, POSITION_LIMIT))
        if status == LEFT_TO_DECIMAL:
            return LEFT_TO_DECIMAL, at
        is_settled = is_settled and status == READY
    is_settled = _keep_cash(listed, digits.load(limits.numbers, CASH_BUFFER)) and is_settled
    for row in range(listed.counts[ROWS]):
        if digits.is_lost(digits.load(listed.weights, row)):
            return LEFT_TO_DECIMAL, at
    return READY if is_settled else PENDING_REVIEW, at
