"""The drift monitor: who is outside, how far, and in which order."""

from decimal import Decimal

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from steelyard.models.drift import PortfolioDrift, band_distances, find_drift
from steelyard.models.valuation import Failure
from tests.models.domain import model, portfolio, position, prices, security

TWO = model(position("A", "0.40", "0.05", "0.10"), position("B", "0.40", "0.05", "0.10"))
ONE_EACH = prices(A=1, B=1, X=1)


def drift_of(held):
    """The drift of one portfolio that can be valued."""
    found = find_drift(TWO, [held], ONE_EACH)[0]
    assert isinstance(found, PortfolioDrift)
    return found


def test_worst_comes_first_and_who_cannot_be_valued_last():
    found = find_drift(
        TWO,
        [
            portfolio(20, "fine", A=40, B=40),
            portfolio(0, "far", A=90, B=10),
            portfolio(-1, "bad"),
            portfolio(10, "near", A=55, B=35),
        ],
        ONE_EACH,
    )
    assert [one.portfolio_id for one in found] == ["far", "near", "fine", "bad"]
    assert isinstance(found[-1], Failure)
    far = found[0]
    assert isinstance(far, PortfolioDrift)
    assert [(one.security_id.rstrip("0"), str(one.actual), str(one.distance)) for one in far.positions] == [
        ("A", "0.9000", "0.4000"),
        ("B", "0.1000", "0.2500"),
    ]
    assert not any(isinstance(one, PortfolioDrift) and one.positions for one in found[2:])


def test_the_edge_of_a_band_is_inside_it():
    assert drift_of(portfolio(15, A=50, B=35)).positions == ()


def test_a_holding_outside_the_model_has_no_band():
    found = drift_of(portfolio(10, A=40, B=40, X=10))
    assert [(one.security_id, one.target, one.distance) for one in found.positions] == [
        (security("X"), Decimal(0), Decimal("0.1000"))
    ]


@given(st.integers(0, 10**6), st.lists(st.integers(0, 10**6), min_size=2, max_size=2), st.sampled_from([1, 10**15]))
def test_arrays_and_values_agree_in_any_unit_of_money(cash, held, unit_of_money):
    if not cash + sum(held):
        return
    found = drift_of(portfolio(cash, A=held[0], B=held[1]))
    value = np.array([held], dtype=object) * unit_of_money
    weights = (np.array([400, 400]), np.array([50, 50]), np.array([100, 100]))
    distances = band_distances(np.array([cash + sum(held)], dtype=object) * unit_of_money, value, *weights, unit=1000)
    outside = {one.security_id.rstrip("0"): float(one.distance) for one in found.positions}
    for name, distance in zip("AB", distances[0], strict=True):
        assert (name in outside) == (distance > 0)
        assert abs(outside.get(name, 0.0) - distance) <= 0.00005 + 1e-12
