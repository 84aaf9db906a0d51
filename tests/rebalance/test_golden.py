"""Recorded answers of the contract, replayed in process: results and refusals."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from steelyard.rebalance.api import analyze, simulate
from steelyard.rebalance.wire import MalformedBodyError, read_batch, read_request
from tests.conformance.compare import VOLATILE, Comparison

SUITE = Path(__file__).parents[1] / "conformance" / "dpm.jsonl.gz"
ROUTES: dict[str, Any] = {"/rebalance/simulate": (read_request, simulate), "/rebalance/analyze": (read_batch, analyze)}


def recorded() -> list[dict[str, Any]]:
    """All recorded cases."""
    with gzip.open(SUITE) as lines:
        return [json.loads(line) for line in lines]


CASES = [case for case in recorded() if case["path"] in ROUTES]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
@pytest.mark.parametrize("form", ["bytes", "plain values"])
def test_a_recorded_request_is_answered_as_recorded(case, form):
    status, body = post(case, form)
    assert status == case["status"]
    assert Comparison(ignored=VOLATILE, digits=24).difference(case["expect"], body) is None


def post(case, form):
    """What the route would answer: status and JSON."""
    read, compute = ROUTES[case["path"]]
    body = json.dumps(case["body"]).encode() if "body" in case else case["raw"].encode()
    try:
        request = read(case["body"] if form == "plain values" and "body" in case else body)
    except MalformedBodyError as error:
        return 422, json.loads(json.dumps({"detail": error.errors}))
    result = compute(request, correlation_id=case["headers"].get("X-Correlation-Id"))
    return 200, json.loads(result.to_bytes())


def test_the_suite_is_the_one_expected():
    assert len(CASES) == 243
