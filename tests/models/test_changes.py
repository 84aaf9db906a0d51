"""Changes of a model: what they give, refuse and leave alone."""

from decimal import Decimal

import pytest

from steelyard.core.errors import ConflictError, InvalidInputError, NotFoundError
from steelyard.models.changes import add_portfolios, add_position, remove_portfolios, remove_position, replace_position
from tests.models.domain import model, position, security

GROWTH = model(position("A", "0.30"), position("B", "0.25"), portfolios=["p1"])


def names(changed):
    return [one.security_id.rstrip("0") for one in changed.positions]


def test_a_position_is_added_last():
    assert names(add_position(GROWTH, position("C", "0.1"))) == ["A", "B", "C"]


def test_adding_what_is_there_is_a_conflict():
    with pytest.raises(ConflictError, match=security("A")):
        add_position(GROWTH, position("A", "0.1"))


def test_adding_a_target_of_zero_changes_nothing():
    assert add_position(GROWTH, position("C", "0")) is GROWTH


def test_a_change_that_breaks_a_rule_is_refused():
    with pytest.raises(InvalidInputError, match=r"0\.955"):
        add_position(GROWTH, position("C", "0.405"))
    with pytest.raises(InvalidInputError, match=r"0\.955"):
        replace_position(GROWTH, position("A", "0.705"))


def test_a_replaced_position_keeps_its_place():
    changed = replace_position(GROWTH, position("A", "0.10"))
    assert names(changed) == ["A", "B"]
    assert changed.positions[0].target == Decimal("0.10")


def test_replacing_by_zero_removes():
    assert names(replace_position(GROWTH, position("A", "0"))) == ["B"]


def test_a_position_is_removed_by_its_security():
    assert names(remove_position(GROWTH, security("A"))) == ["B"]


def test_a_position_that_is_not_there_is_not_found():
    with pytest.raises(NotFoundError, match=security("Z")):
        replace_position(GROWTH, position("Z", "0.1"))
    with pytest.raises(NotFoundError, match=security("Z")):
        remove_position(GROWTH, security("Z"))


def test_a_malformed_security_is_refused_before_it_is_looked_for():
    with pytest.raises(InvalidInputError, match="zz"):
        remove_position(GROWTH, "zz")


def test_portfolios_join_once_and_leave():
    joined = add_portfolios(GROWTH, ["p2", "p1", "p3", "p2"])
    assert joined.portfolios == ("p1", "p2", "p3")
    assert remove_portfolios(joined, ["p1", "p9"]).portfolios == ("p2", "p3")


def test_adding_what_is_there_and_removing_what_is_not_change_nothing():
    assert add_portfolios(GROWTH, ["p1"]) is GROWTH
    assert remove_portfolios(GROWTH, ["p9"]) is GROWTH


@pytest.mark.parametrize("change", [add_portfolios, remove_portfolios])
def test_a_blank_portfolio_is_refused(change):
    with pytest.raises(InvalidInputError, match=r"portfolios\[0\]"):
        change(GROWTH, [" "])
