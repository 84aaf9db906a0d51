"""Exact decimals and their scaled integers."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.core.errors import InvalidInputError
from steelyard.core.money import Money, exact_decimal, from_scaled, quantize, to_scaled


@pytest.mark.parametrize("value", [0.1, True, "NaN", "Infinity", "1e", "", "1" * 65, None])
def test_what_is_not_an_exact_number_is_refused_with_its_value(value):
    with pytest.raises(InvalidInputError, match="weight"):
        exact_decimal(value, name="weight")


@given(st.integers(-(2**63) + 1, 2**63 - 1), st.integers(0, 12))
def test_scaled_integers_come_back_exactly(units, digits):
    assert to_scaled(from_scaled(units, digits=digits), digits=digits) == units


@pytest.mark.parametrize(("value", "digits"), [("0.0001", 3), ("9223372036854775808", 0), ("1e18", 2)])
def test_scaling_never_loses_anything_silently(value, digits):
    with pytest.raises(InvalidInputError, match=value.replace("1e18", "1E")):
        to_scaled(Decimal(value), digits=digits)


def test_rounding_is_half_even():
    assert [quantize(Decimal(text), digits=1) for text in ("0.25", "0.35", "1")] == [
        Decimal("0.2"),
        Decimal("0.4"),
        Decimal("1.0"),
    ]


def test_amounts_of_two_currencies_never_mix():
    with pytest.raises(InvalidInputError, match="USD with EUR"):
        Money(Decimal(1), "USD") + Money(Decimal(1), "EUR")


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12))
def test_an_amount_and_its_negative_cancel(amount):
    money = Money(amount, "CHF")
    assert (money + -money).amount == 0
    assert (money - money).amount == 0
