"""Windows in every form a person writes them, and every form refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.core.errors import InvalidInputError
from steelyard.research.ranges import WINDOWS_MAX, read_windows, span_windows


@pytest.mark.parametrize(
    "value",
    [range(5, 21, 5), [20, 5, 10, 15, 5], (5.0, 10.0, 15.0, 20.0), np.arange(5, 21, 5), "5:20:5", " 5,10, 15,20 "],
)
def test_every_form_means_the_same_windows(value):
    assert read_windows("fast", value) == (5, 10, 15, 20)


@pytest.mark.parametrize("value", [9, np.int32(9), "9", "9:9", [9], range(9, 10)])
def test_one_window_is_a_range_of_one(value):
    assert read_windows("signal", value) == (9,)


@given(st.integers(1, 500), st.integers(0, 500), st.integers(1, 50))
def test_text_and_spans_include_both_ends_where_the_steps_meet_them(low, length, step):
    expected = tuple(range(low, low + length + 1, step))
    assert span_windows("slow", low, low + length, step) == expected
    assert read_windows("slow", f"{low}:{low + length}:{step}") == expected


@pytest.mark.parametrize(
    ("value", "code", "words"),
    [
        (range(100, 5), "REVERSED_RANGE", r"`fast` was range\(100, 5\)"),
        ("100:5", "REVERSED_RANGE", "from 100 to 5"),
        ([], "EMPTY_RANGE", r"`fast` was \[\]"),
        (range(5, 5), "EMPTY_RANGE", r"range\(5, 5\)"),
        ("", "EMPTY_RANGE", "no window"),
        (0, "OUT_OF_RANGE", "`fast` was 0"),
        ([5, -3], "OUT_OF_RANGE", "`fast` was -3"),
        (range(10), "OUT_OF_RANGE", "`fast` was 0"),
        ("0:10", "OUT_OF_RANGE", "`fast` was 0"),
        ("5:10:0", "OUT_OF_RANGE", "step of `fast` was 0"),
        (10**7, "OUT_OF_RANGE", "`fast` was 10000000"),
        (2.5, "NOT_A_WINDOW", "2.5"),
        ([5, float("nan")], "NOT_A_WINDOW", "nan"),
        ("five", "NOT_A_WINDOW", "five"),
        ("5:10:1:1", "NOT_A_WINDOW", "5:10:1:1"),
        ("5:1e3", "NOT_A_WINDOW", "5:1e3"),
        ([[5, 6]], "NOT_A_WINDOW", "whole numbers"),
        (None, "NOT_A_WINDOW", "None"),
        (True, "NOT_A_WINDOW", "True"),
        ([5, "x"], "NOT_A_WINDOW", "x"),
        (range(1, 10**9), "TOO_MANY_WINDOWS", f"at most {WINDOWS_MAX:,}"),
        ("1:100000", "TOO_MANY_WINDOWS", f"at most {WINDOWS_MAX:,}"),
        ("1," * 2000, "NOT_A_WINDOW", "4,000 characters"),
    ],
)
def test_what_holds_no_windows_is_refused_with_its_value(value, code, words):
    with pytest.raises(InvalidInputError, match=words) as refused:
        read_windows("fast", value)
    assert refused.value.code == code
