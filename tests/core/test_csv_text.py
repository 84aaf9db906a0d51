"""Rows as CSV."""

import csv
import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.core.csv_text import csv_lines


def test_numbers_and_gaps_stay_as_they_are():
    assert csv_lines([("a", -5, Decimal("-1.50"), None)]) == "a,-5,-1.50,\r\n"


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_text_that_would_be_a_formula_is_text(formula):
    ((cell,),) = csv.reader(io.StringIO(csv_lines([[formula]]), newline=""))
    assert cell == f"'{formula}"


@given(st.lists(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=2)))
def test_all_text_comes_back_but_for_that_apostrophe(rows):
    read = list(csv.reader(io.StringIO(csv_lines(rows), newline="")))
    assert [[cell.removeprefix("'") for cell in row] for row in read] == [
        [cell.removeprefix("'") for cell in row] for row in rows
    ]
