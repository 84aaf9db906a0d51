"""Blocks: one order per security and side, and shares that add up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.core.errors import InvalidInputError
from steelyard.models.blocks import Allocation, Block, allocate_fill, block_orders, block_rows
from steelyard.models.orders import Side
from tests.models.domain import model, portfolio, position, prices, rebalance, security

requests = st.dictionaries(st.text("abc123", min_size=1, max_size=4), st.integers(1, 10**12), min_size=1, max_size=20)


def block(**asked):
    allocations = tuple(Allocation(name, quantity) for name, quantity in sorted(asked.items()))
    return Block(security("A"), Side.BUY, sum(asked.values()), allocations)


def test_orders_of_many_portfolios_become_one_block_per_security_and_side_sells_first():
    two, by_id = model(position("A", "0.30"), position("B", "0.25")), prices(A="33.37", B="101.5", C="7.77")
    answers = [
        rebalance(two, portfolio("100000", "p2"), by_id),
        rebalance(two, portfolio("1000.55", "p1", A=100, B=200, C=50), by_id),
    ]
    shown = [(one.side.value, one.security_id.rstrip("0"), one.quantity) for one in block_orders(answers)]
    assert shown == [("SELL", "B", 138), ("SELL", "C", 50), ("BUY", "A", 1024), ("BUY", "B", 246)]
    assert block_orders(answers)[2].allocations == (Allocation("p1", 125), Allocation("p2", 899))
    assert block_orders(answers) == block_orders(answers[::-1])


def test_changes_of_a_book_give_the_same_blocks():
    change = np.array([[5, -2, 0], [7, 3, 0]])
    rows = block_rows([security("B"), security("A"), security("C")], change)
    blocks = [one.block(["p2", "p1"]) for one in rows]
    assert [(one.side.value, one.security_id.rstrip("0"), one.quantity) for one in blocks] == [
        ("SELL", "A", 2),
        ("BUY", "A", 3),
        ("BUY", "B", 12),
    ]
    assert blocks[2].allocations == (Allocation("p1", 7), Allocation("p2", 5))


def test_a_partial_fill_goes_out_in_proportion_with_ties_by_portfolio():
    assert allocate_fill(block(a=10, b=10, c=20), 30) == (Allocation("a", 8), Allocation("b", 7), Allocation("c", 15))


def test_who_gets_nothing_is_left_out():
    assert allocate_fill(block(a=1, b=99), 2) == (Allocation("b", 2),)
    assert allocate_fill(block(a=1, b=99), 0) == ()


@given(requests, st.data())
def test_allocations_add_up_exactly_and_nobody_gets_more_than_asked(asked, data):
    one = block(**asked)
    filled = data.draw(st.integers(0, one.quantity))
    shares = allocate_fill(one, filled)
    assert sum(share.quantity for share in shares) == filled
    for share in shares:
        exact = asked[share.portfolio_id] * filled / one.quantity
        assert 0 < share.quantity <= asked[share.portfolio_id]
        assert abs(share.quantity - exact) <= 1 + exact * 1e-9


@given(requests)
def test_a_complete_fill_gives_everyone_what_they_asked_for(asked):
    assert allocate_fill(block(**asked), sum(asked.values())) == block(**asked).allocations


@pytest.mark.parametrize("filled", [-1, 41])
def test_a_fill_beyond_the_block_is_refused(filled):
    with pytest.raises(InvalidInputError, match=str(filled)):
        allocate_fill(block(a=10, b=30), filled)
