"""The rules of a model document, each with its code and the value that broke it."""

from dataclasses import replace
from decimal import Decimal

import pytest

from steelyard.core.errors import InvalidInputError
from steelyard.models.document import Model, Position
from steelyard.models.validation import checked_model
from tests.models.domain import model, position, security

A, B = position("A", "0.30"), position("B", "0.25")


def test_a_good_model_is_tidied_and_kept():
    tidy = checked_model(Model("  growth ", (A, replace(B, target=Decimal("0.000"))), ("p1", "p2", "p1")))
    assert (tidy.name, tidy.positions, tidy.portfolios) == ("growth", (A,), ("p1", "p2"))


def test_nothing_at_all_is_a_model_too():
    assert checked_model(Model("empty")).positions == ()


@pytest.mark.parametrize("target", ["0.005", "0.95", "0.1000", "0.105", "0", "9.5E-1"])
def test_multiples_of_half_a_percent_up_to_95_are_targets(target):
    assert model(position("A", target)).positions == ((position("A", target),) if Decimal(target) else ())


def test_targets_that_add_up_to_exactly_95_percent_are_fine():
    assert len(model(position("A", "0.5"), position("B", "0.45")).positions) == 2


@pytest.mark.parametrize(
    ("broken", "code", "named"),
    [
        ({"name": "   "}, "NAME_BLANK", "name"),
        ({"name": "x" * 256}, "NAME_TOO_LONG", "256"),
        ({"portfolios": ("p1", " ")}, "PORTFOLIO_ID_INVALID", r"portfolios\[1\]"),
        ({"portfolios": ("p" * 65,)}, "PORTFOLIO_ID_INVALID", "ppp"),
        ({"portfolios": tuple(map(str, range(100_001)))}, "TOO_MANY_PORTFOLIOS", "100001"),
        ({"positions": (A, A)}, "DUPLICATE_SECURITY", security("A")),
        ({"positions": (A, position("A", "0"))}, "DUPLICATE_SECURITY", "2 times"),
        ({"positions": (position("A", "0.5"), position("B", "0.455"))}, "TARGET_SUM_EXCEEDED", "0.955"),
        ({"positions": (position("A", "0.101"),)}, "TARGET_PRECISION", "0.101"),
        ({"positions": (position("A", "0.0050000000000000000001"),)}, "TARGET_PRECISION", "0.0050000000000000000001"),
        ({"positions": (position("A", "0.955"),)}, "OUT_OF_RANGE", "0.955"),
        ({"positions": (position("A", "-0.005"),)}, "OUT_OF_RANGE", "-0.005"),
        ({"positions": (position("A", "NaN"),)}, "OUT_OF_RANGE", "NaN"),
        ({"positions": (position("A", "0.1", "0.02", "1.01"),)}, "OUT_OF_RANGE", "1.01"),
        ({"positions": (position("A", "0.1", "-0.1"),)}, "OUT_OF_RANGE", "-0.1"),
        ({"positions": (position("A", "0.1", "0.02", "Infinity"),)}, "OUT_OF_RANGE", "Infinity"),
        ({"positions": (position("A", "0.1", "0.02", "0.01"),)}, "DRIFT_ORDER", "0.02"),
        ({"positions": (position("A", "0.1", "1E-35"),)}, "TOO_PRECISE", "1E-35"),
        ({"positions": (replace(A, security_id="short"),)}, "SECURITY_ID_INVALID", "short"),
        ({"positions": (replace(A, security_id="é" * 24),)}, "SECURITY_ID_INVALID", "é"),
        ({"positions": (replace(A, security_id=security("A") + "\n"),)}, "SECURITY_ID_INVALID", "A000"),
    ],
)
def test_a_broken_rule_names_itself_and_the_value(broken, code, named):
    with pytest.raises(InvalidInputError, match=named) as caught:
        checked_model(replace(Model("growth", (A,)), **broken))
    assert caught.value.code == code


def test_a_hundred_positions_fit_and_one_more_does_not():
    hundred = [Position(f"SEC{i:021}", Decimal("0.005"), Decimal("0.01"), Decimal("0.01")) for i in range(101)]
    assert len(model(*hundred[:100]).positions) == 100
    without = replace(hundred[100], target=Decimal(0))
    assert len(model(*hundred[:100], without).positions) == 100
    with pytest.raises(InvalidInputError, match="101") as caught:
        model(*hundred)
    assert caught.value.code == "TOO_MANY_POSITIONS"


def test_all_broken_rules_are_listed_not_only_the_first():
    with pytest.raises(InvalidInputError) as caught:
        checked_model(Model("", (position("A", "0.101", "0.03", "0.02"),)))
    assert [one["code"] for one in caught.value.details["problems"]] == [
        "NAME_BLANK",
        "TARGET_PRECISION",
        "DRIFT_ORDER",
    ]
    assert caught.value.details["problems"][1]["field"] == "positions[0].target"
