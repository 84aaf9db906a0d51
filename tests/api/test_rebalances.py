"""The Python API of rebalances and proposals, as a notebook uses it."""

import json

import steelyard as sy
from tests.proposals.desk import buy, proposal
from tests.rebalance.desk import book

BOOK = book(holdings={"A": 10}, prices={"A": 10, "B": 20}, cash=100, model={"A": "0.3", "B": "0.5"})


def test_a_rebalance_needs_no_server_and_no_database():
    result = sy.simulate(BOOK)
    assert (result.status, len(result.intents)) == ("READY", 2)
    assert sy.simulate(json.dumps(BOOK).encode()).to_dict() == result.to_dict()


def test_scenarios_are_run_side_by_side():
    shared = {key: value for key, value in BOOK.items() if key != "options"}
    result = sy.analyze({**shared, "scenarios": {"as_is": {}, "calm": {"options": {"max_turnover_pct": "0.1"}}}})
    assert sorted(result.comparison_metrics) == ["as_is", "calm"]


def test_a_proposal_comes_with_its_document():
    proposed = sy.propose(proposal(prices={"A": 10}, cash=100, trades=[buy("A", 2)]))
    assert proposed.artifact["evidence_bundle"]["engine_outputs"]["proposal_result"] == proposed.result.to_dict()


def test_a_proposal_is_printed_for_the_client_and_its_evidence_checked():
    proposed = sy.propose(json.dumps(proposal(prices={"A": 10}, cash=100, trades=[buy("A", 2)])).encode())
    assert proposed.artifact["artifact_id"] in proposed.to_html()
    assert proposed.to_pdf() == proposed.to_pdf()
    assert proposed.verify().holds
    proposed.artifact["status"] = "forged"
    assert not proposed.verify().holds
