"""What the lists of rebalances say in words, and what their addresses ask for."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from steelyard.core.clock import frozen_at
from steelyard.dashboard.dpm_decision import CHOICES, REASONS
from steelyard.dashboard.dpm_history_page import Search
from steelyard.dashboard.dpm_outline import outline, why
from steelyard.dashboard.dpm_review import reason_words, review_words, waited
from steelyard.rebalance.api import simulate
from steelyard.rebalance.demo import DEMOS, demo_named
from steelyard.rebalance.run_schemas import DpmRunWorkflowActionRequest
from steelyard.rebalance.tables import DecisionRow, RunRow
from steelyard.rebalance.toggles import Toggles

NOON = datetime(2026, 2, 3, 12, tzinfo=UTC)
ON = Toggles.read({"DPM_WORKFLOW_ENABLED": "1"})


@pytest.mark.parametrize("demo", DEMOS, ids=lambda demo: demo.name)
def test_why_says_every_failed_rule_and_is_never_silent(demo):
    result = simulate(demo.request)
    said = why(outline(result.to_bytes()))
    failed = {rule.rule_id for rule in result.rule_results if rule.status == "FAIL"}
    assert len(said) >= max(len(failed), 1)
    assert all(sentence[0].isupper() and sentence.endswith(".") for sentence in said)
    assert len(set(said)) == len(said)
    assert not any("_" in sentence for sentence in said), "codes are no words"


def test_an_outline_has_the_parts_of_the_result_as_they_are():
    whole = msgspec.json.decode(simulate(DEMOS[0].request).to_bytes())
    part = outline(msgspec.json.encode(whole))
    assert part["rule_results"] == whole["rule_results"]
    assert part["diagnostics"] == {name: whole["diagnostics"][name] for name in ("warnings", "data_quality")}


def test_what_is_missing_is_named():
    demo = demo_named("missing-price")
    assert demo is not None
    result = simulate(demo.request)
    (missing,) = set(result.diagnostics.data_quality.price_missing)
    assert f"Missing price: {missing}." in why(outline(result.to_bytes()))


def test_a_search_covers_its_days_from_beginning_to_end():
    period = Search(since="2026-02-03", until="2026-02-04").period
    assert (period.start, period.end) == (
        datetime(2026, 2, 3, tzinfo=UTC),
        datetime(2026, 2, 4, 23, 59, 59, 999_999, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("search", "problem"),
    [
        (Search(), None),
        (Search(since="2026-02-03", until="2026-02-03"), None),
        (Search(since="2026-02-04", until="2026-02-03"), "2026-02-04 is after 2026-02-03."),
        (Search(until="yesterday"), "“yesterday” is no day; write it like 2026-02-03."),
    ],
)
def test_what_is_no_day_is_said(search, problem):
    assert search.problem() == problem


def test_an_address_holds_what_is_asked_and_nothing_else():
    assert Search().address() == "/rebalances"
    address = Search("a&b", "READY").address("rr_1")
    assert address == "/rebalances?find=a%26b&status=READY&cursor=rr_1"


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.action)
def test_every_reason_that_is_offered_is_one_that_the_api_takes(choice):
    for code in choice.reasons:
        asked = {"action": choice.action, "reason_code": code, "actor_id": "a"}
        assert DpmRunWorkflowActionRequest.model_validate(asked).reason_code == code
    assert all(reason_words(code) == text for code, text in REASONS.items())
    assert reason_words("FX_LIMIT") == "Fx limit"


@pytest.mark.parametrize(
    ("status", "action", "said"),
    [
        ("READY", None, "Not needed"),
        ("PENDING_REVIEW", None, "Waits"),
        ("PENDING_REVIEW", "REQUEST_CHANGES", "Changes requested"),
        ("PENDING_REVIEW", "APPROVE", "Approved"),
        ("PENDING_REVIEW", "REJECT", "Rejected"),
    ],
)
def test_where_a_review_stands_is_said_in_two_words(status, action, said):
    latest = None if action is None else DecisionRow(action=action)
    assert review_words(ON, RunRow(status=status), latest)[0] == said


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(seconds=-5), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=89), "89 minutes ago"),
        (timedelta(hours=2), "2 hours ago"),
        (timedelta(days=3), "3 days ago"),
    ],
)
def test_an_age_is_said_in_the_unit_that_suits_it(ago, said):
    with frozen_at(NOON):
        assert waited(RunRow(created_at=NOON - ago)) == said
