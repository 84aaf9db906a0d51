"""The form of a model refuses what the API refuses, in its words, beside the field it is about."""

from decimal import Decimal

import pytest

from steelyard.core.errors import InvalidInputError
from steelyard.dashboard.model_draft import read_draft, readable_weights
from steelyard.models.document import Model, Position
from steelyard.models.validation import checked_model

A, B = "A" * 24, "B" * 24


def row(security_id=A, target="0.1", low="0.02", high="0.03"):
    return {"securityId": security_id, "target": target, "lowDrift": low, "highDrift": high}


def test_a_draft_without_problems_is_the_model_it_describes():
    draft = read_draft("  Core ", [row(), row(B, "0.105")])
    positions = (
        Position(A, Decimal("0.1"), high_drift=Decimal("0.03"), low_drift=Decimal("0.02")),
        Position(B, Decimal("0.105"), high_drift=Decimal("0.03"), low_drift=Decimal("0.02")),
    )
    assert draft.model == Model("Core", positions)
    assert (draft.problems, draft.total) == ((), Decimal("0.205"))


@pytest.mark.parametrize(
    ("rows", "field"),
    [
        ([row(target="0.103")], "positions[0].target"),
        ([row(), row(B, high="2")], "positions[1].highDrift"),
        ([row(low="0.5", high="0.1")], "positions[0].lowDrift"),
        ([row("short")], "positions[0].securityId"),
        ([row(), row()], "positions"),
        ([row(target="0.5"), row(B, "0.5")], "positions"),
    ],
)
def test_a_broken_rule_is_told_in_the_words_of_the_engine_beside_its_field(rows, field):
    draft = read_draft("Core", rows)
    positions = tuple(
        Position(one["securityId"], Decimal(one["target"]), Decimal(one["highDrift"]), Decimal(one["lowDrift"]))
        for one in rows
    )
    with pytest.raises(InvalidInputError) as refused:
        checked_model(Model("Core", positions))
    assert draft.model is None
    assert draft.problems == ((field, refused.value.message),)


def test_what_is_no_number_is_told_beside_its_field_and_counts_for_nothing():
    draft = read_draft("Core", [row(target="a lot"), row(B, "0.2"), row("C" * 24, "")])
    assert [field for field, _ in draft.problems] == ["positions[0].target", "positions[2].target"]
    assert draft.problems[0][1] == "'a lot' is not a decimal number"
    assert draft.total == Decimal("0.2")


def test_a_blank_name_is_told_beside_the_name():
    (problem,) = read_draft("  ", [row()]).problems
    assert problem[0] == "name"
    assert "blank" in problem[1]


@pytest.mark.parametrize(
    ("text", "weights"),
    [("0.1", (0.1, 0.02, 0.03)), ("x", None), ("", None), ("NaN", None), ("-0.1", None), ("7", None)],
)
def test_only_weights_that_can_be_drawn_are_drawn(text, weights):
    assert readable_weights(row(target=text)) == weights
