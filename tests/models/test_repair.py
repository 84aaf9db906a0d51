"""Cash repair: which quantities are lowered, by how much, and when it gives up."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.models.choices import at_or_above, at_or_below
from steelyard.models.repair import IMPOSSIBLE, PROVEN, SLOWDOWN_OF_PYTHON, STOPPED, Movable, lower_to_budget


@st.composite
def movables(draw, index):
    lot = draw(st.integers(1, 3))
    least = lot * draw(st.integers(1, 2))
    held, step = draw(st.integers(0, 8)), draw(st.integers(1, 50))
    rule = (held, lot, least)
    start = at_or_above(draw(st.integers(0, 8)), *rule)
    smallest = at_or_above(draw(st.integers(0, start)), *rule)
    # The start is the nearest choice: the target lies at most half a move below it.
    reach = step * (start - at_or_below(start - 1, *rule))
    wanted = step * start - draw(st.integers(-step, (reach - 1) // 2))
    return Movable(index, step, wanted, start, min(smallest, start), *rule)


portfolios = st.integers(1, 4).flatmap(lambda n: st.tuples(*(movables(index) for index in range(n))))


def lower(securities, excess):
    return lower_to_budget(securities, excess, nodes_max=10_000_000)


def missed(securities, units):
    return sum(abs(one.wanted - one.step * units[one.index]) for one in securities)


def by_enumeration(securities, excess):
    ranges = [
        [
            units
            for units in range(one.smallest, one.start + 1)
            if at_or_below(units, one.held, one.lot, one.least) == units
        ]
        for one in securities
    ]
    values = []
    for chosen in product(*ranges):
        saved = sum(one.step * (one.start - units) for one, units in zip(securities, chosen, strict=True))
        if saved >= excess:
            values.append(missed(securities, chosen))
    return min(values, default=None)


@settings(max_examples=400)
@given(portfolios, st.integers(1, 400))
def test_lowering_misses_as_little_as_enumeration_finds(securities, excess):
    outcome, lowered = lower(list(securities), excess)
    best = by_enumeration(securities, excess)
    if best is None:
        assert (outcome, lowered) == (IMPOSSIBLE, {})
    else:
        assert outcome == PROVEN
        assert missed(securities, {one.index: one.start for one in securities} | lowered) == best


@given(portfolios, st.integers(1, 400), st.randoms(use_true_random=False))
def test_the_order_of_the_securities_decides_nothing(securities, excess, random):
    shuffled = list(securities)
    random.shuffle(shuffled)
    assert lower(list(securities), excess) == lower(shuffled, excess)


@given(portfolios, st.integers(1, 400))
def test_integers_wider_than_64_bits_give_the_same(securities, excess):
    factor = 10**25
    wide = [
        Movable(
            one.index, one.step * factor, one.wanted * factor, one.start, one.smallest, one.held, one.lot, one.least
        )
        for one in securities
    ]
    assert lower(list(securities), excess) == lower(wide, excess * factor)


def test_thirty_securities_of_few_units_are_proven_in_one_go():
    rng = np.random.default_rng(8)
    steps = rng.integers(10**3, 10**6, 30).tolist()
    securities = [Movable(i, step, 2 * step - step // 3, 2, 0, 0, 1, 1) for i, step in enumerate(steps)]
    outcome, lowered = lower(securities, sum(steps))
    assert outcome == PROVEN
    saved = sum(one.step * (one.start - lowered.get(one.index, one.start)) for one in securities)
    assert saved >= sum(steps)


@pytest.mark.parametrize("unit", [1, 10**25])
def test_an_unfinished_proof_is_no_answer(unit):
    steps = [step * unit for step in np.random.default_rng(8).integers(10**3, 10**6, 30).tolist()]
    securities = [Movable(i, step, 2 * step - step // 3, 2, 0, 0, 1, 1) for i, step in enumerate(steps)]
    assert lower_to_budget(securities, sum(steps), nodes_max=50 if unit == 1 else 50 * SLOWDOWN_OF_PYTHON) == (
        STOPPED,
        {},
    )
