"""The plain kernel: exact up to the last value that it accepts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.models.solution import ShareProblem, Status, fits_64_bits, solve_shares
from steelyard.models.windows import QUOTIENT_MAX, SUM_MAX, fits_int64, largest

UNIT = 1000
bits = st.integers(0, 50).flatmap(lambda width: st.integers(2**width, 2 ** (width + 1) - 1))


def one(value, target, low, high, price):
    rows = [np.array([number], dtype=object) for number in (value, target, low, high, price)]
    return ShareProblem(rows[0], rows[1], rows[2], rows[3], rows[4], UNIT)


def by_hand(value, target, low, high, price):
    """The nearest whole quantity inside the window, in Python's integers; None if there is none."""
    wanted, step = value * target, UNIT * price
    inside = [
        units for units in (wanted // step, wanted // step + 1) if -value * low <= units * step - wanted <= value * high
    ]
    return min(inside, key=lambda units: (abs(units * step - wanted), units), default=None)


@given(bits, bits, st.integers(0, 950), st.integers(0, 1000), st.integers(0, 1000))
def test_one_security_is_solved_as_by_hand_whatever_the_sizes(value, price, target, low, high):
    solution = solve_shares(one(value, target, low, high, price))
    expected = by_hand(value, target, low, high, price)
    if expected is None:
        assert solution.status.tolist() == [Status.NO_WHOLE_QUANTITY]
    elif expected * price <= value:
        assert solution.quantity.tolist() == [[expected]]
    else:
        assert solution.quantity[0, 0] in {-1, expected - 1}


@pytest.mark.parametrize("price", [1, 3, 999_983, 10**11 + 3])
@pytest.mark.parametrize("positions", [1, 100])
def test_the_largest_values_that_are_computed_in_64_bits_are_exact(price, positions):
    rng = np.random.default_rng(price)
    reach = min(SUM_MAX // (positions + 1), QUOTIENT_MAX * UNIT * price) // (3 * UNIT) - price
    value = rng.integers(reach - reach // 1000, reach, 50)
    target = np.full(positions, 950 // positions // 5 * 5)
    rows = (target, np.full(positions, 1000), np.full(positions, 1000), np.full(positions, price))
    problem = ShareProblem(value, *rows, UNIT)
    assert fits_64_bits(problem)
    solution = solve_shares(problem)
    for p, amount in enumerate(value.tolist()):
        assert set(solution.quantity[p].tolist()) == {by_hand(amount, int(target[0]), 1000, 1000, price)}


def test_what_could_overflow_is_not_computed_in_64_bits():
    def fits(market_value=10**12, prices=(100, 10**6), positions=100):
        return fits_int64(market_value=market_value, weight=2000, prices=prices, unit=UNIT, positions=positions)

    assert fits()
    assert not fits(market_value=10**14)
    assert not fits(positions=10_000)
    assert not fits(prices=(100, 10**15))
    assert not fits_int64(market_value=2**50, weight=1000, prices=(1, 1), unit=1000, positions=1)


def test_the_largest_of_nothing_is_nothing():
    assert largest(np.zeros(0, dtype=np.int64)) == 0
    assert largest(np.array([-(2**63)])) == 2**63
