"""Four eyes and overrides, as rules on plain values."""

import pytest

from steelyard.core.errors import ConflictError, InvalidInputError
from steelyard.proposals.review import count_eyes, override_of, require_approval

AUTHORS = {"adviser"}
BREACHES = ["SOFT_RULE_FAIL:CASH_BAND"]


@pytest.mark.parametrize(("kind", "needed"), [("RISK", 2), ("COMPLIANCE", 2), ("CLIENT_CONSENT", 1)])
def test_a_review_needs_two_and_the_client_one(kind, needed):
    first = count_eyes(kind, "ann", authors=AUTHORS, approvers=[])
    assert (first.given, first.needed, first.is_complete) == (1, needed, needed == 1)
    assert count_eyes(kind, "bob", authors=AUTHORS, approvers=["ann"]).is_complete


@pytest.mark.parametrize("name", ["adviser", "ADVISER", " Adviser "])
def test_nobody_approves_what_they_made_however_they_write_their_name(name):
    with pytest.raises(InvalidInputError, match="made this proposal") as refused:
        count_eyes("RISK", name, authors=AUTHORS, approvers=[])
    assert refused.value.code == "FOUR_EYES_AUTHOR"
    assert repr(name) in refused.value.message


@pytest.mark.parametrize("name", ["ann", "Ann", "ann\t"])
def test_one_person_is_two_eyes_only(name):
    with pytest.raises(ConflictError, match="somebody else has to") as refused:
        count_eyes("RISK", name, authors=AUTHORS, approvers=["ann"])
    assert refused.value.code == "FOUR_EYES_SAME_APPROVER"


@pytest.mark.parametrize("event", ["RISK_APPROVED", "COMPLIANCE_APPROVED", "CLIENT_CONSENT_RECORDED"])
def test_an_approving_event_is_given_as_an_approval(event):
    with pytest.raises(InvalidInputError, match="as an approval of type") as refused:
        require_approval(event)
    assert refused.value.code == "FOUR_EYES_APPROVAL_REQUIRED"


@pytest.mark.parametrize("event", ["SUBMITTED_FOR_RISK_REVIEW", "REJECTED", "CANCELLED", "EXECUTED"])
def test_other_events_need_no_eyes(event):
    require_approval(event)


def test_a_note_is_kept_with_what_it_overrides():
    said = override_of("RISK_APPROVED", "agreed by phone", BREACHES, version_no=3, is_required=True)
    assert said == {"note": "agreed by phone", "version_no": 3, "overridden": BREACHES}


@pytest.mark.parametrize(("event", "breaches", "why"), [
    ("RISK_APPROVED", [], "version 3 has no soft breach"),
    ("REJECTED", BREACHES, "REJECTED approves nothing"),
    ("SUBMITTED_FOR_RISK_REVIEW", BREACHES, "approves nothing"),
])  # fmt: skip
def test_a_note_where_there_is_nothing_to_override_is_refused(event, breaches, why):
    with pytest.raises(InvalidInputError, match=why) as refused:
        override_of(event, "because", breaches, version_no=3, is_required=False)
    assert refused.value.code == "OVERRIDE_NOT_POSSIBLE"


@pytest.mark.parametrize("event", ["RISK_APPROVED", "COMPLIANCE_APPROVED"])
def test_where_the_note_is_required_a_review_says_why(event):
    with pytest.raises(InvalidInputError, match="SOFT_RULE_FAIL:CASH_BAND") as refused:
        override_of(event, None, BREACHES, version_no=1, is_required=True)
    assert refused.value.code == "OVERRIDE_NOTE_REQUIRED"
    assert override_of(event, None, [], version_no=1, is_required=True) is None
    assert override_of(event, None, BREACHES, version_no=1, is_required=False) is None


@pytest.mark.parametrize("event", ["REJECTED", "CANCELLED", "CLIENT_CONSENT_RECORDED", "EXECUTED"])
def test_only_a_review_must_say_why(event):
    assert override_of(event, None, BREACHES, version_no=1, is_required=True) is None
