"""Exact decimals as a person reads them."""

from decimal import Decimal

import pytest

from steelyard.dashboard import figures
from steelyard.dashboard.dpm_figures import amount, listed, money, quantity, weight


@pytest.mark.parametrize(
    ("text", "shown"),
    [("6000.0", "6,000.00"), ("-1234.567", "\N{MINUS SIGN}1,234.57"), ("0E-24", "0.00"), ("-0.001", "0.00"),
     ("1E+30", "1.000000E+30"), ("-2E+15", "\N{MINUS SIGN}2.000000E+15")],
)  # fmt: skip
def test_an_amount_has_separators_and_a_true_minus(text, shown):
    assert amount(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("100", "100"),
        ("1E+3", "1,000"),
        ("305.022680412", "305.0227"),
        ("0.5000", "0.5"),
        ("-7.10", "\N{MINUS SIGN}7.1"),
    ],
)
def test_units_have_decimals_only_where_there_are_parts(text, shown):
    assert quantity(text) == shown


def test_weights_and_money():
    assert weight("0.1787") == "17.87 %"
    assert weight(Decimal("-0.01")) == "\N{MINUS SIGN}1.00 %"
    assert money({"amount": "5", "currency": "CHF"}) == "5.00 CHF"
    assert money(None) == figures.UNDEFINED


def test_names_are_listed_once_and_not_all_of_many():
    assert listed(["A", "B", "A"]) == "A, B"
    assert listed("ABCDE", at_most=3) == "A, B, C and 2 more"
