"""Costs and fills of an execution."""

import math

import pytest

from steelyard.core.errors import InvalidInputError
from steelyard.research.execution import Execution


def test_slippage_and_fee_make_a_buy_dearer_and_a_sale_cheaper():
    execution = Execution(fee=0.01, slippage_bp=200)
    assert execution.cost_of_a_unit == pytest.approx(1.02 * 1.01)
    assert execution.proceeds_of_a_unit == pytest.approx(0.98 * 0.99)


@pytest.mark.parametrize(("fill", "lag"), [("same_close", 0), ("next_open", 1), ("next_close", 1)])
def test_a_fill_is_at_the_signal_or_one_bar_later(fill, lag):
    assert Execution(fill=fill).lag == lag


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"fee": -0.001}, "OUT_OF_RANGE", "`fee` was -0.001"),
        ({"fee": math.nan}, "OUT_OF_RANGE", "`fee` was nan"),
        ({"slippage_bp": 5_001.0}, "OUT_OF_RANGE", "`slippage_bp` was 5001.0"),
        ({"fill": "yesterday"}, "UNKNOWN_FILL", "`fill` was 'yesterday'"),
    ],
)
def test_an_execution_that_cannot_be_is_refused_with_the_value(change, code, words):
    with pytest.raises(InvalidInputError) as refusal:
        Execution(**change)
    assert refusal.value.code == code
    assert words in refusal.value.message
