"""Compiled decimals against Decimal itself: the same digits, the same exponents, the same text."""

from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation, localcontext

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numba import njit

from steelyard.core.money import CONTEXT
from steelyard.rebalance import digits

_WIDE = Context(prec=200, rounding=ROUND_HALF_EVEN)
_FOUR = Decimal("0.0001")
OPERATIONS = {
    "add": lambda one, other: one + other,
    "sub": lambda one, other: one - other,
    "mul": lambda one, other: one * other,
    "div": lambda one, other: one / other,
    "whole": lambda one, _other: abs(one) // 1,
    "at_exponent": lambda one, _other: _WIDE.quantize(one, _FOUR),
    "share": lambda one, other: _WIDE.quantize(one / abs(other), _FOUR),
    "same": lambda one, _other: one,
    "is_above": lambda one, other: Decimal(one > other),
}
NUMBERS = {name: number for number, name in enumerate(OPERATIONS)}


@njit(error_model="numpy")
def _calculate(text, operation, numbers, out):
    digits.parse(text, digits.parse(text, 0, numbers, 0), numbers, 1)
    one, other = digits.load(numbers, 0), digits.load(numbers, 1)
    if operation == 0:
        result = digits.add(one, other)
    elif operation == 1:
        result = digits.sub(one, other)
    elif operation == 2:
        result = digits.mul(one, other)
    elif operation == 3:
        result = digits.div(one, other)
    elif operation == 4:
        result = digits.whole(digits.absolute(one))
    elif operation == 5:
        result = digits.at_exponent(one, -4)
    elif operation == 6:
        result = digits.share(one, digits.absolute(other))
    elif operation == 7:
        result = one
    else:
        result = (0, 0, 0, 1) if digits.is_above(one, other) else (0, 0, 0, 0)
    return 0 if digits.is_lost(result) else digits.write(out, 0, result)


def calculated(operation: str, one: Decimal, other: Decimal) -> str | None:
    """The text of a result; None where it is left to Decimal."""
    out = np.zeros(64, np.uint8)
    text = np.frombuffer(f"{one}\n{other}\n".encode(), np.uint8)
    end = _calculate(text, NUMBERS[operation], np.zeros((2, digits.PARTS), np.int64), out)
    return out[:end].tobytes().decode() or None


def expected(operation: str, one: Decimal, other: Decimal) -> str | None:
    """What Decimal makes of it; None where it refuses."""
    try:
        with localcontext(CONTEXT):
            return str(OPERATIONS[operation](one, other))
    except (ArithmeticError, InvalidOperation):
        return None


def decimals() -> st.SearchStrategy[Decimal]:
    """Any that fit: short and long, near powers of ten and ties, zeros of every exponent."""
    lengths = st.integers(1, 28)
    coefficients = st.one_of(
        lengths.flatmap(lambda length: st.integers(10 ** (length - 1), 10**length - 1)),
        lengths.map(lambda length: 10**length - 1),
        lengths.map(lambda length: 5 * 10 ** (length - 1)),
        st.just(0),
        st.tuples(st.integers(1, 999), st.integers(0, 25)).map(lambda pair: pair[0] * 10 ** pair[1]),
    )
    return st.builds(
        lambda negative, coefficient, exponent: Decimal((negative, Decimal(coefficient).as_tuple().digits, exponent)),
        st.integers(0, 1),
        coefficients,
        st.integers(-45, 12),
    )


@pytest.mark.parametrize("operation", OPERATIONS)
@given(one=decimals(), other=decimals())
@example(one=Decimal("0E-34"), other=Decimal("1234.56"))
@example(one=Decimal(9999999999999999999999999999), other=Decimal("0.5"))
@example(one=Decimal(1), other=Decimal(3))
@example(one=Decimal("-0.00"), other=Decimal("0.0"))
def test_a_result_has_the_digits_of_decimal(operation, one, other):
    result = calculated(operation, one, other)
    if result is not None:
        assert result == expected(operation, one, other)
    elif operation in {"add", "sub", "mul", "same", "is_above"}:
        pytest.fail("these are never left to Decimal")


@given(one=decimals(), other=decimals())
def test_only_a_quotient_by_zero_is_left_to_decimal(one, other):
    assert (calculated("div", one, other) is None) == (not other)


@pytest.mark.parametrize("text", ["NaN", "-sNaN", "Infinity", "-Infinity"])
def test_what_is_no_finite_number_is_left_to_decimal(text):
    assert calculated("same", Decimal(text), Decimal(1)) is None


def test_more_than_28_digits_are_left_to_decimal():
    long = Decimal("1.2345678901234567890123456789")
    assert calculated("same", long, long) is None
    assert calculated("add", long, Decimal(1)) is None


@pytest.mark.parametrize("share", ["0.00005", "0.00015", "0.12345", "0.99995"])
def test_a_share_on_a_tie_goes_to_the_even_side(share):
    total = Decimal(8000000)
    for part in (total * Decimal(share) + Decimal(beside).scaleb(-20) for beside in (-1, 0, 1)):
        assert calculated("share", part, total) == expected("share", part, total)
