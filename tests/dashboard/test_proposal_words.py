"""What may be done to a proposal on its page is what its lifecycle allows, and every code has its words."""

from typing import get_args

import pytest

from steelyard.core.errors import InvalidInputError
from steelyard.dashboard.proposal_history import reason_lines
from steelyard.dashboard.proposal_new import FAULTS_SHOWN, body_of, faults_of
from steelyard.dashboard.proposal_words import EVENTS, MOVES, STANDING, STATE_TONES, STATES
from steelyard.proposals.lifecycle import APPROVING, OPEN, RULES, Event, State, event_of_approval, next_state
from steelyard.rebalance.wire import MalformedBodyError


def event_of(state, move):
    if move.event is not None:
        return move.event
    return event_of_approval(state, move.approval, approved=move.approved)


@pytest.mark.parametrize("state", sorted(OPEN))
def test_a_state_offers_exactly_the_moves_of_its_lifecycle(state):
    offered = {event_of(state, move) for move in MOVES[state]}
    assert offered == {rule.event for rule in RULES if state in rule.sources}
    assert all(next_state(state, event) for event in offered)
    assert [move.kind for move in MOVES[state]].count("primary") == 1


def test_what_says_yes_is_always_an_approval_that_counts():
    direct = {move.event for moves in MOVES.values() for move in moves if move.event is not None}
    assert not direct & APPROVING


def test_states_that_have_ended_offer_nothing():
    assert set(MOVES) == set(OPEN)


def test_every_state_and_event_has_words():
    states = set(get_args(State))
    assert set(STATES) == set(STANDING) == set(STATE_TONES) == states
    assert set(get_args(Event)) - set(EVENTS) <= {"EXECUTION_REQUESTED"}  # nothing leads to it


def test_a_reason_is_told_line_by_line():
    reason = {
        "comment": "fine",
        "override": {"note": "agreed", "version_no": 1, "overridden": []},
        "four_eyes": {"given": 1, "needed": 2},
        "correlation_id": "corr",
        "ticket_no": 7,
    }
    assert reason_lines(reason) == [
        "fine", "Accepted although it asked for a review: agreed", "1 of 2 approvals", "ticket no: 7",
    ]  # fmt: skip


def test_a_request_may_come_bare_or_in_the_body_of_the_api():
    bare = body_of('{"options": {}}', created_by="anna", title="T")
    assert bare == {"created_by": "anna", "simulate_request": {"options": {}}, "metadata": {"title": "T"}}
    whole = '{"created_by": "ben", "simulate_request": {"options": {}}, "metadata": {"title": "U", "mandate_id": "m"}}'
    assert body_of(whole, created_by="anna", title="") == {
        "created_by": "anna", "simulate_request": {"options": {}}, "metadata": {"title": "U", "mandate_id": "m"},
    }  # fmt: skip


@pytest.mark.parametrize("text", ["", "{", "[]", "1", "[" * 100_000, b"\xff", '{"a": 1'])
def test_what_is_no_object_of_json_is_refused(text):
    with pytest.raises(InvalidInputError) as refusal:
        body_of(text, created_by="anna", title="")
    assert refusal.value.code == "INVALID_JSON"


def test_only_the_first_faults_are_told_each_with_its_place():
    fault = {"type": "missing", "loc": ("body", "simulate_request", "options", 3), "msg": "wrong", "input": None}
    told = faults_of(MalformedBodyError([fault] * (FAULTS_SHOWN + 2)))
    assert (told[0], told[-1], len(told)) == ("options.3: wrong", "and 2 more", FAULTS_SHOWN + 1)
