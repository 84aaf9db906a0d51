"""Maps and amounts as short lines: what is written is read again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.dashboard.dpm_options import option_problems
from steelyard.dashboard.dpm_shorthand import SHORTHANDS

WORDS = st.text(min_size=1, max_size=6)
VALUES = st.text(max_size=4) | st.decimals(0, 1, places=3).map(str)


@given(st.dictionaries(WORDS, VALUES.map(lambda value: {"max_weight": value}), max_size=3))
def test_caps_that_can_be_written_are_read_again_and_others_stay_json(caps):
    line = SHORTHANDS["group_constraints"]
    text = line.write(caps)
    assert text is None or line.read(text) == caps


@given(st.dictionaries(WORDS, VALUES, max_size=3))
def test_overdrafts_that_can_be_written_are_read_again(overdrafts):
    line = SHORTHANDS["max_overdraft_by_ccy"]
    text = line.write(overdrafts)
    assert text is None or line.read(text) == overdrafts


@given(st.fixed_dictionaries({"amount": VALUES, "currency": WORDS}))
def test_amounts_that_can_be_written_are_read_again(money):
    line = SHORTHANDS["min_trade_notional"]
    text = line.write(money)
    assert text is None or line.read(text) == money


@pytest.mark.parametrize("name", SHORTHANDS)
def test_an_example_is_what_the_engine_accepts(name):
    line = SHORTHANDS[name]
    value = line.read(line.example)
    assert option_problems({name: value}) == {}
    assert line.write(value) == line.example


@pytest.mark.parametrize(
    ("name", "text"), [("group_constraints", "sector:TECH 0.3\nregion:EU"), ("min_trade_notional", "1000")]
)
def test_a_line_that_cannot_be_read_is_named_with_an_example(name, text):
    with pytest.raises(ValueError, match="it is to look like"):
        SHORTHANDS[name].read(text)


@pytest.mark.parametrize("value", [None, [], {"a": {"max_weight": "0.1", "more": 1}}, {"a": {"max_weight": None}}, 5])
def test_a_value_of_another_shape_stays_json(value):
    assert SHORTHANDS["group_constraints"].write(value) is None
