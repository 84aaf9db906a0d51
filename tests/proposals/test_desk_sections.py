"""What the desk sees of a proposal: rules, gate, and what changed."""

from decimal import Decimal
from typing import Any

import pytest

from steelyard.proposals.client_parts import Badge, Facts, Figure, Range, Table, Text, text_of
from steelyard.proposals.desk_sections import difference_section, rules_section
from steelyard.proposals.difference import difference
from tests.proposals.desk import buy, document, sell
from tests.proposals.test_client_document import RECORDED, decimals, figures, leaves

WORDS: Any = {"holdings": {"A": 50}, "prices": {"A": 10, "B": 10}, "cash": 500}


class _Made:
    """A document of one section."""

    def __init__(self, section):
        self.sections = (section,)


def tables(section):
    return [block for block in section.blocks if isinstance(block, Table)]


@pytest.mark.parametrize("artifact", RECORDED, ids=lambda artifact: artifact["artifact_id"])
def test_every_figure_of_the_rules_is_one_of_the_artifact(artifact):
    numbers = set(decimals(leaves(artifact)))
    assert all(Decimal(figure.exact) in numbers for figure in figures(_Made(rules_section(artifact))))


@pytest.mark.parametrize("artifact", RECORDED, ids=lambda artifact: artifact["artifact_id"])
def test_rules_and_reasons_are_said_without_codes(artifact):
    section = rules_section(artifact)
    said = " ".join(text_of(cell) for table in tables(section) for row in table.rows for cell in row)
    result = artifact["evidence_bundle"]["engine_outputs"]["proposal_result"]
    codes = {reason["reason_code"] for reason in artifact["gate_decision"]["reasons"]}
    codes |= {rule[name] for rule in result["rule_results"] for name in ("rule_id", "reason_code")} - {"OK"}
    assert [code for code in codes if code in said] == []


def test_a_rule_that_failed_says_what_was_measured_and_what_helps():
    section = rules_section(document(**WORDS, cash_band_max_weight="0.2"))
    row = next(row for row in tables(section)[-1].rows if row[0] == "Share of cash")
    assert row[1:4] == (
        Badge("To review", "doubtful"),
        Figure("50.00 %", "0.5"),
        Range(Figure("0.00 %", "0.00"), Figure("20.00 %", "0.2")),
    )
    assert row[4].startswith("Invest or raise cash")


def test_reasons_of_suitability_are_told_as_the_issue_itself():
    section = rules_section(document(**WORDS, trades=[buy("B", 40)]))
    reasons = [row[0] for row in tables(section)[0].rows]
    assert "New: B is a large part of the portfolio." in reasons


def test_what_changed_between_versions_is_shown_side_by_side():
    first, second = document(**WORDS, trades=[sell("A", 5)]), document(**WORDS, trades=[sell("A", 6), buy("B", 1)])
    section = difference_section(difference(first, second), first=1, second=2)
    assert section.headline == "Version 2 compared with version 1"
    trades = tables(section)[0]
    assert [tuple(map(text_of, row)) for row in trades.rows] == [
        ("Sell A", "Changed", "5", "6"),
        ("Buy B", "New", "\N{EN DASH}", "1"),
    ]


def test_a_change_of_the_gate_is_told_in_words():
    first, second = document(**WORDS), document(**WORDS, flows=[("CHF", -600)])
    section = difference_section(difference(first, second), first=1, second=2)
    facts = next(block for block in section.blocks if isinstance(block, Facts))
    assert ("Status", "Ready → Blocked") in facts.rows


def test_versions_that_agree_say_so():
    same = document(**WORDS)
    section = difference_section(difference(same, same), first=1, second=2)
    assert section.blocks == (Text("Both propose the same."),)
