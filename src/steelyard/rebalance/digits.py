"""Exact decimals in compiled code: what ``Decimal`` does with 28 digits, half-even, digit for digit.

A number is four integers, ``(negative, exponent, high, low)``: its coefficient is ``high * 1e18 + low``
with ``low < 1e18``, and at most 28 digits long.  Zeros keep sign and exponent as Decimal's do.  What
would need more room than two such parts is refused: the functions then return :data:`LOST`, every
later one passes it on, and the caller starts again with ``Decimal``.

Source: the General Decimal Arithmetic Specification (IBM, 2009), which ``decimal`` implements.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from steelyard.rebalance.pieces import helper

Number = tuple[int, int, int, int]
Parts = tuple[int, int, int, int]

PARTS = 4
_E9, _E18 = 10**9, 10**18
_HIGH_MAX = 10**10
_LENGTH_MAX = 28
_DIGITS_MAX = 35
_POWERS = np.array([10**power for power in range(19)], np.int64)
_SCIENTIFIC = -6
_NEWLINE, _MINUS, _POINT, _PLUS, _ZERO, _E = 10, 45, 46, 43, 48, 69
_FLOAT_POWER_MAX = 60
_FLOAT_POWERS = np.array([float(10**power) for power in range(_FLOAT_POWER_MAX + 1)])
_FLOAT_SHARE_MAX = 1e8
_FLOAT_CERTAIN = 0.499999
_PAIRS = np.frombuffer("".join(f"{pair:02}" for pair in range(100)).encode(), np.uint8)


def constant(negative: int, exponent: int, high: int, low: int) -> Number:
    """A number for compiled code to name; of plain integers it would compile every function anew."""
    return cast("Number", (np.int64(negative), np.int64(exponent), np.int64(high), np.int64(low)))


LOST, ZERO = constant(0, 0, -1, 0), constant(0, 0, 0, 0)
_KEEP, _FLIP = cast("tuple[int, int]", (np.int64(0), np.int64(1)))


@helper
def _length_of_part(part: int) -> int:
    """How many digits a part has, 0 if it is zero."""
    length = 0
    if part >= _E9:
        part //= _E9
        length = 9
    if part >= 1_000_000:
        return length + (7 if part < 10_000_000 else 8 if part < 100_000_000 else 9)
    if part >= 1_000:
        return length + (4 if part < 10_000 else 5 if part < 100_000 else 6)
    return length + (3 if part >= 100 else 2 if part >= 10 else 1 if part > 0 else 0)


@helper
def _length(high: int, low: int) -> int:
    """How many digits a coefficient has, 0 if it is zero."""
    return 18 + _length_of_part(high) if high > 0 else _length_of_part(low)


@helper
def length(number: Number) -> int:
    """How many digits its coefficient has, 0 if it is zero."""
    return _length(number[2], number[3])


@helper
def is_lost(number: Number) -> bool:
    """Whether a calculation needed more room than there is."""
    return number[2] < 0


@helper
def is_zero(number: Number) -> bool:
    """Whether it is 0, of whatever sign and exponent."""
    return number[2] == 0 and number[3] == 0


@helper
def is_positive(number: Number) -> bool:
    """Whether it is above 0."""
    return number[0] == 0 and (number[2] > 0 or number[3] > 0)


@helper
def is_negative(number: Number) -> bool:
    """Whether it is below 0."""
    return number[0] == 1 and (number[2] > 0 or number[3] > 0)


@helper
def _cut(high: int, low: int, count: int, sticky: bool) -> tuple[int, int]:
    """The coefficient without its last ``count`` digits, rounded half-even; ``sticky`` if there was more behind it."""
    if count == 0:
        return high, low
    if count > 36:
        return 0, 0
    if count >= 18:
        dropped, low, high = low, high, 0
        count -= 18
        if count == 0:
            above, half = dropped, _E18 // 2
        else:
            factor = _POWERS[count]
            above, half = low % factor, factor // 2
            low //= factor
            sticky = sticky or dropped != 0
    else:
        factor = _POWERS[count]
        above, half = low % factor, factor // 2
        low = low // factor + (high % factor) * _POWERS[18 - count]
        high //= factor
    if above > half or (above == half and (sticky or low & 1 == 1)):
        low += 1
        if low == _E18:
            low, high = 0, high + 1
    return high, low


@helper
def _rounded(negative: int, exponent: int, high: int, low: int, sticky: bool) -> Number:
    """A coefficient of at most 36 digits, rounded to 28."""
    if high < _HIGH_MAX:
        return negative, exponent, high, low
    count = _length_of_part(high) - 10
    high, low = _cut(high, low, count, sticky)
    if high == _HIGH_MAX:  # 99..9 became 10..0
        return negative, exponent + count + 1, _HIGH_MAX // 10, 0
    return negative, exponent + count, high, low


@helper
def _product(one: int, other: int) -> tuple[int, int]:
    """The product of two parts, as two parts."""
    one_high, other_high = one // _E9, other // _E9
    one_low, other_low = one - one_high * _E9, other - other_high * _E9
    middle = one_high * other_low + one_low * other_high
    middle_high = middle // _E9
    low = one_low * other_low + (middle - middle_high * _E9) * _E9
    carry = 1 if low >= _E18 else 0
    return one_high * other_high + middle_high + carry, low - carry * _E18


@helper
def mul(one: Number, other: Number) -> Number:
    """The product."""
    if one[2] < 0 or other[2] < 0:
        return LOST
    negative, exponent = one[0] ^ other[0], one[1] + other[1]
    if one[2] == 0 and other[2] == 0:
        if one[3] < _E9 and other[3] < _E9:
            return negative, exponent, 0, one[3] * other[3]
        high, low = _product(one[3], other[3])
        return _rounded(negative, exponent, high, low, False)
    first, part0 = _product(one[3], other[3])
    left, left_low = _product(one[2], other[3])
    right, right_low = _product(one[3], other[2])
    top, top_low = _product(one[2], other[2])
    part1 = first + left_low + right_low
    carry = part1 // _E18
    part1 -= carry * _E18
    part2 = left + right + top_low + carry
    carry = part2 // _E18
    part2 -= carry * _E18
    part3 = top + carry
    if part2 == 0 and part3 == 0:
        return _rounded(negative, exponent, part1, part0, False)
    return _rounded_product(negative, exponent, part3, part2, part1, part0)


@helper
def _rounded_product(negative: int, exponent: int, part3: int, part2: int, part1: int, part0: int) -> Number:
    """A coefficient of 37 to 56 digits, in base 1e18, rounded to 28."""
    if part3 == 0 and part2 < _HIGH_MAX:  # up to 46 digits: 9 to 18 of part0 go
        count, upper, middle, lower, sticky = _length_of_part(part2) + 8, part2, part1, part0, False
        shift = count
    else:  # part0 goes, and up to 10 digits of part1
        count = _length_of_part(part3) + 8 if part3 > 0 else _length_of_part(part2) - 10
        upper, middle, lower, sticky = part3, part2, part1, part0 != 0
        shift = 18 + count
    if count == 18:
        high, low, above, half = upper, middle, lower, _E18 // 2
    else:
        factor, place = _POWERS[count], _POWERS[18 - count]
        above, half = lower % factor, factor // 2
        low = lower // factor + (middle % factor) * place
        high = middle // factor + upper * place
    if above > half or (above == half and (sticky or low & 1 == 1)):
        low += 1
        if low == _E18:
            low, high = 0, high + 1
            if high == _HIGH_MAX:
                return negative, exponent + shift + 1, _HIGH_MAX // 10, 0
    return negative, exponent + shift, high, low


@helper
def _raised(high: int, low: int, count: int) -> tuple[int, int]:
    """The coefficient with ``count`` zeros behind it; there must be room."""
    if count >= 18:
        return low * _POWERS[count - 18], 0
    if count == 0:
        return high, low
    divisor = _POWERS[18 - count]
    carry = low // divisor
    return high * _POWERS[count] + carry, (low - carry * divisor) * _POWERS[count]


@helper
def _floored(high: int, low: int, count: int) -> tuple[int, int, bool]:
    """The coefficient without its last ``count`` digits, and whether one of those was not 0."""
    if count > 36:
        return 0, 0, high > 0 or low > 0
    if count >= 18:
        rest, low, high, count = low, high, 0, count - 18
        divisor = _POWERS[count]
        return high, low // divisor, rest != 0 or low % divisor != 0
    divisor = _POWERS[count]
    rest = low % divisor
    return high // divisor, low // divisor + (high % divisor) * (_E18 // divisor), rest != 0


@helper
def _aligned(coarse: Number, fine: Number) -> tuple[int, int, int, int, int, bool]:
    """Both coefficients at one exponent, and it; the last says whether digits of ``fine`` were left out.

    They are only where ``coarse`` has so many more that they do no more than decide about rounding.
    """
    length, exponent = _length(coarse[2], coarse[3]), fine[1]
    if length == 0:
        return 0, 0, fine[2], fine[3], exponent, False
    if fine[2] == 0 and fine[3] == 0:  # zeros are written behind as far as they fit
        exponent = max(exponent, coarse[1] - (_LENGTH_MAX - length))
    if length + coarse[1] - exponent <= _DIGITS_MAX:
        high, low = _raised(coarse[2], coarse[3], coarse[1] - exponent)
        return high, low, fine[2], fine[3], exponent, False
    exponent = coarse[1] - (_DIGITS_MAX - length)
    high, low = _raised(coarse[2], coarse[3], _DIGITS_MAX - length)
    fine_high, fine_low, is_left = _floored(fine[2], fine[3], exponent - fine[1])
    return high, low, fine_high, fine_low, exponent, is_left


@helper
def _sum(one: Number, other: Number, flip: int) -> Number:
    if one[2] < 0 or other[2] < 0:
        return LOST
    negative, other_negative = one[0], other[0] ^ flip
    if one[1] >= other[1]:
        high1, low1, high2, low2, exponent, is_left = _aligned(one, other)
    else:
        high2, low2, high1, low1, exponent, is_left = _aligned(other, one)
    if negative == other_negative:
        high, low = high1 + high2, low1 + low2
        if low >= _E18:
            high, low = high + 1, low - _E18
        return _rounded(negative, exponent, high, low, is_left)
    high, low = high1 - high2, low1 - low2
    if high < 0 or (high == 0 and low < 0):
        high, low, negative = -high, -low, other_negative
    low -= is_left
    if low < 0:
        high, low = high - 1, low + _E18
    if high == 0 and low == 0:
        negative = 0
    return _rounded(negative, exponent, high, low, is_left)


@helper
def add(one: Number, other: Number) -> Number:
    """The sum."""
    return _sum(one, other, _KEEP)


@helper
def sub(one: Number, other: Number) -> Number:
    """The difference."""
    return _sum(one, other, _FLIP)


@helper
def is_above(one: Number, other: Number) -> bool:
    """Whether ``one`` is the larger one."""
    return is_positive(_sum(one, other, _FLIP))


@helper
def absolute(number: Number) -> Number:
    """The number without its sign."""
    return 0, number[1], number[2], number[3]


@helper
def _in_parts(high: int, low: int) -> Parts:
    """A coefficient in base 1e9."""
    high_part, low_part = high // _E9, low // _E9
    return high_part, high - high_part * _E9, low_part, low - low_part * _E9


@helper
def _reaches(one: Parts, other: Parts) -> bool:
    """Whether ``one`` is not below ``other``."""
    if one[0] != other[0]:
        return one[0] > other[0]
    if one[1] != other[1]:
        return one[1] > other[1]
    return one[2] > other[2] if one[2] != other[2] else one[3] >= other[3]


@helper
def _carried(part0: int, part1: int, part2: int, part3: int) -> Parts:
    """Parts of any size and sign with what is too much in one carried to the one above; the first may be negative."""
    carry = part3 // _E9
    part3 -= carry * _E9
    part2 += carry
    carry = part2 // _E9
    part2 -= carry * _E9
    part1 += carry
    carry = part1 // _E9
    return part0 + carry, part1 - carry * _E9, part2, part3


@helper
def _next_digits(rest: Parts, divisor: Parts, inverse: float, factor: int) -> tuple[int, Parts]:
    """``rest * factor`` divided: the quotient, below ``factor``, and what remains.

    The guess in floating point is off by one at most.
    """
    value = ((rest[0] * 1e9 + rest[1]) * 1e9 + rest[2]) * 1e9 + rest[3]
    guess = int(value * inverse * factor)
    rest = _carried(
        rest[0] * factor - guess * divisor[0],
        rest[1] * factor - guess * divisor[1],
        rest[2] * factor - guess * divisor[2],
        rest[3] * factor - guess * divisor[3],
    )
    while rest[0] < 0:
        guess -= 1
        rest = _carried(rest[0] + divisor[0], rest[1] + divisor[1], rest[2] + divisor[2], rest[3] + divisor[3])
    while _reaches(rest, divisor):
        guess += 1
        rest = _carried(rest[0] - divisor[0], rest[1] - divisor[1], rest[2] - divisor[2], rest[3] - divisor[3])
    return guess, rest


@helper
def _quotient(rest: Parts, divisor: Parts) -> tuple[int, int, bool]:
    """30 digits of the quotient of two coefficients of one length, one before the point, and whether that is all."""
    inverse = 1.0 / (((divisor[0] * 1e9 + divisor[1]) * 1e9 + divisor[2]) * 1e9 + divisor[3])
    first = 0
    while _reaches(rest, divisor):
        first += 1
        rest = _carried(rest[0] - divisor[0], rest[1] - divisor[1], rest[2] - divisor[2], rest[3] - divisor[3])
    digits1, rest = _next_digits(rest, divisor, inverse, _E9)
    digits2, rest = _next_digits(rest, divisor, inverse, _E9)
    digits3, rest = _next_digits(rest, divisor, inverse, _E9)
    digits4, rest = _next_digits(rest, divisor, inverse, 100)
    over = digits2 // 10_000_000
    high = first * 100_000_000_000 + digits1 * 100 + over
    low = (digits2 - over * 10_000_000) * 100_000_000_000 + digits3 * 100 + digits4
    return high, low, rest[0] == 0 and rest[1] == 0 and rest[2] == 0 and rest[3] == 0


@helper
def div(one: Number, other: Number) -> Number:
    """The quotient; LOST by zero."""
    if one[2] < 0 or other[2] < 0 or (other[2] == 0 and other[3] == 0):
        return LOST
    negative, ideal = one[0] ^ other[0], one[1] - other[1]
    if one[2] == 0 and one[3] == 0:
        return negative, ideal, 0, 0
    length1, length2 = _length(one[2], one[3]), _length(other[2], other[3])
    high1, low1 = _raised(one[2], one[3], max(0, length2 - length1))
    high2, low2 = _raised(other[2], other[3], max(0, length1 - length2))
    high, low, is_exact = _quotient(_in_parts(high1, low1), _in_parts(high2, low2))
    exponent = ideal - (length2 - length1 + 29)
    if is_exact:
        while exponent < ideal and low % 10 == 0:
            low = low // 10 + (high % 10) * (_E18 // 10)
            high //= 10
            exponent += 1
    elif low % 5 == 0:  # a digit that is no tie stands for all that follow
        low += 1
    return _rounded(negative, exponent, high, low, False)


@helper
def at_exponent(number: Number, exponent: int) -> Number:
    """The number with that exponent, rounded half-even."""
    if number[2] < 0:
        return LOST
    count = exponent - number[1]
    if count <= 0:
        if (number[2] > 0 or number[3] > 0) and _length(number[2], number[3]) - count > _DIGITS_MAX:
            return LOST
        if number[2] == 0 and number[3] == 0:
            return number[0], exponent, 0, 0
        high, low = _raised(number[2], number[3], -count)
    else:
        high, low = _cut(number[2], number[3], count, False)
    if high >= _HIGH_MAX:
        return LOST
    return number[0], exponent, high, low


@helper
def whole(number: Number) -> Number:
    """A number that is not below zero without its fraction; LOST if it has more than 27 digits then."""
    if number[2] < 0:
        return LOST
    high, low, count = number[2], number[3], -number[1]
    if count > 36:
        return ZERO
    if count >= 18:
        high, low, count = 0, high, count - 18
    if count > 0:
        factor = _POWERS[count]
        low = low // factor + (high % factor) * _POWERS[18 - count]
        high //= factor
    elif count < 0:
        if high == 0 and low == 0:
            return ZERO
        if _length(high, low) - count > 27:
            return LOST
        high, low = _raised(high, low, -count)
    if high >= _HIGH_MAX // 10:
        return LOST
    return 0, 0, high, low


@helper
def as_float(number: Number) -> float:
    """The number in floating point, off by a few units in the last place; 0 if it is below 1E-30."""
    scaled = number[2] * 1e18 + number[3]
    if number[1] <= 0:
        scaled = scaled / _FLOAT_POWERS[-number[1]] if number[1] >= -_FLOAT_POWER_MAX else 0.0
    else:
        scaled = scaled * _FLOAT_POWERS[number[1]] if number[1] <= _FLOAT_POWER_MAX else np.inf
    return -scaled if number[0] == 1 else scaled


@helper
def share(part: Number, total: Number) -> Number:
    """``part / total`` at four decimals, rounded half-even from the quotient of 28 digits; ``total`` is above 0.

    Floating point decides unless the quotient lies so near a tie that it might be wrong.
    """
    if part[2] < 0 or total[2] < 0:
        return LOST
    quotient = abs(as_float(part)) / as_float(total) * 1e4
    if quotient < _FLOAT_SHARE_MAX:
        nearest = np.floor(quotient + 0.5)
        if abs(quotient - nearest) < _FLOAT_CERTAIN:
            return part[0], -4, 0, int(nearest)
    return at_exponent(div(part, total), -4)


@helper
def load(numbers: Any, row: int) -> Number:
    """Row ``row`` of a matrix of numbers."""
    return numbers[row, 0], numbers[row, 1], numbers[row, 2], numbers[row, 3]


@helper
def store(numbers: Any, row: int, number: Number) -> None:
    """Set row ``row`` of a matrix of numbers."""
    numbers[row, 0] = number[0]
    numbers[row, 1] = number[1]
    numbers[row, 2] = number[2]
    numbers[row, 3] = number[3]


@helper
def parse(text: Any, at: int, numbers: Any, row: int) -> int:
    """Read the number at ``text[at:]``, as ``str(Decimal)`` writes it, up to a newline; the place behind that.

    It is LOST if it has more than 28 digits or is not finite.
    """
    negative, exponent, length, first, behind = 0, 0, 0, 0, 0
    if text[at] == _MINUS:
        negative, at = 1, at + 1
    is_fraction = is_strange = False
    while text[at] != _NEWLINE and text[at] != _E:
        digit = int(text[at]) - _ZERO
        at += 1
        if digit < 0 or digit > 9:
            is_fraction = True
            is_strange = is_strange or digit != _POINT - _ZERO  # an infinity, or no number
            continue
        exponent -= is_fraction
        if length < 18:
            first = first * 10 + digit
        else:
            behind = behind * 10 + digit
        length += length > 0 or digit > 0
        if length > _LENGTH_MAX:
            behind = 0  # it is given up, and must not overflow before
    if text[at] == _E:
        sign, power, at = -1 if text[at + 1] == _MINUS else 1, 0, at + 2
        while text[at] != _NEWLINE:
            power = power * 10 + int(text[at]) - _ZERO
            at += 1
        exponent += sign * power
    if length > _LENGTH_MAX or is_strange:
        store(numbers, row, LOST)
        return at + 1
    high, low = 0, first
    if length > 18:
        divisor = _POWERS[36 - length]
        high = first // divisor
        low = (first - high * divisor) * _POWERS[length - 18] + behind
    store(numbers, row, (negative, exponent, high, low))
    return at + 1


@helper
def _put_pair(out: Any, at: int, pair: int) -> None:
    out[at] = _PAIRS[2 * pair]
    out[at + 1] = _PAIRS[2 * pair + 1]


@helper
def _put_part(out: Any, end: int, part: int, length: int) -> None:
    """Write the last ``length`` digits of a part so that they end before ``end``."""
    if length > 9:  # nine digits that do not wait for each other
        upper = part // _E9
        nine = part - upper * _E9
        first, last = nine // 10_000, nine % 10_000
        _put_pair(out, end - 2, last % 100)
        _put_pair(out, end - 4, last // 100)
        _put_pair(out, end - 6, first % 100)
        _put_pair(out, end - 8, first // 100 % 100)
        out[end - 9] = _ZERO + first // 10_000
        part, end, length = upper, end - 9, length - 9
    while length > 1:
        rest = part // 100
        end -= 2
        _put_pair(out, end, part - rest * 100)
        part = rest
        length -= 2
    if length == 1:
        out[end - 1] = _ZERO + part % 10


@helper
def _put_digits(out: Any, at: int, high: int, low: int, length: int) -> None:
    if length > 18:
        _put_part(out, at + length - 18, high, length - 18)
        length, at = 18, at + length - 18
    _put_part(out, at + length, low, length)


@helper
def write(out: Any, at: int, number: Number) -> int:
    """Write the number as ``str(Decimal)`` does; the place behind it."""
    high, low, exponent = number[2], number[3], number[1]
    if number[0] == 1:
        out[at] = _MINUS
        at += 1
    length = max(1, _length(high, low))
    point = exponent + length  # digits before it
    if exponent == 0:
        _put_digits(out, at, high, low, length)
        return at + length
    if exponent < 0 and point > 0:
        _put_digits(out, at + 1, high, low, length)
        for place in range(at, at + point):
            out[place] = out[place + 1]
        out[at + point] = _POINT
        return at + length + 1
    if exponent < 0 and point > _SCIENTIFIC:
        out[at] = _ZERO
        out[at + 1] = _POINT
        for place in range(at + 2, at + 2 - point):
            out[place] = _ZERO
        _put_digits(out, at + 2 - point, high, low, length)
        return at + 2 - point + length
    if length == 1:
        _put_digits(out, at, high, low, 1)
        at += 1
    else:
        _put_digits(out, at + 1, high, low, length)
        out[at] = out[at + 1]
        out[at + 1] = _POINT
        at += length + 1
    power = point - 1
    out[at] = _E
    out[at + 1] = _MINUS if power < 0 else _PLUS
    at += 2
    power = abs(power)
    length = max(1, _length_of_part(power))
    _put_part(out, at + length, power, length)
    return at + length
