"""Recorded answers of the advisory calculations, replayed in process."""

import json

import pytest

from steelyard.core.errors import InvalidInputError
from steelyard.proposals.api import propose
from steelyard.proposals.wire import read_proposal
from steelyard.rebalance.wire import MalformedBodyError
from tests.conformance.compare import VOLATILE, Comparison
from tests.rebalance.test_golden import recorded

CASES = [
    case
    for case in recorded()
    if case["path"].startswith("/rebalance/proposals/") and "Idempotency-Key" in case["headers"]
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_a_recorded_proposal_is_answered_as_recorded(case):
    status, body = post(case)
    assert status == case["status"]
    assert Comparison(ignored=VOLATILE, digits=24).difference(case["expect"], body) is None


def post(case):
    """What the route would answer: status and JSON."""
    try:
        request = read_proposal(json.dumps(case["body"]).encode())
        proposal = propose(request, correlation_id=case["headers"]["X-Correlation-Id"])
    except MalformedBodyError as error:
        return 422, json.loads(json.dumps({"detail": error.errors}))
    except InvalidInputError as error:
        return 422, {"detail": error.code}
    return 200, proposal.artifact if case["path"].endswith("artifact") else proposal.result.to_dict()


def test_the_suite_is_the_one_expected():
    assert len(CASES) == 123
