"""Which decision leads where, as the contract's table says."""

import pytest

from steelyard.core.errors import ConflictError
from steelyard.rebalance.workflow import decide, workflow_status

TABLE = {
    ("PENDING_REVIEW", "APPROVE"): "APPROVED",
    ("PENDING_REVIEW", "REJECT"): "REJECTED",
    ("PENDING_REVIEW", "REQUEST_CHANGES"): "PENDING_REVIEW",
    ("APPROVED", "REJECT"): "REJECTED",
    ("APPROVED", "REQUEST_CHANGES"): "PENDING_REVIEW",
    ("REJECTED", "REQUEST_CHANGES"): "PENDING_REVIEW",
}


@pytest.mark.parametrize("status", ["PENDING_REVIEW", "APPROVED", "REJECTED"])
@pytest.mark.parametrize("action", ["APPROVE", "REJECT", "REQUEST_CHANGES"])
def test_a_decision_leads_where_the_table_says_or_nowhere(status, action):
    if (leads_to := TABLE.get((status, action))) is not None:
        assert decide(status, action) == leads_to
        assert workflow_status(requires_review=True, latest_action=action) == leads_to
    else:
        with pytest.raises(ConflictError) as refused:
            decide(status, action)
        assert refused.value.code == "DPM_WORKFLOW_INVALID_TRANSITION"


def test_a_run_that_needs_no_review_takes_no_decision():
    assert workflow_status(requires_review=False, latest_action="APPROVE") == "NOT_REQUIRED"
    with pytest.raises(ConflictError) as refused:
        decide("NOT_REQUIRED", "APPROVE")
    assert refused.value.code == "DPM_WORKFLOW_NOT_REQUIRED_FOR_RUN_STATUS"


def test_a_run_without_decision_waits_for_one():
    assert workflow_status(requires_review=True, latest_action=None) == "PENDING_REVIEW"
