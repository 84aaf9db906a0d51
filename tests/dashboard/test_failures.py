"""What is told of a portfolio without orders."""

from steelyard.dashboard.failures import FACTS_MAX, failure_facts

SECURITY = "A" * 24


def test_facts_are_named_in_words_and_securities_by_their_tickers():
    details = {
        "portfolioId": "p1",
        "solverStatus": "INFEASIBLE",
        "securities": [SECURITY],
        "nearest": {
            SECURITY: {"targetValue": "50", "price": "80", "quantities": [{"quantity": 0, "weight": "0.0000"},
                                                                         {"quantity": 1, "weight": "0.8000"}]}
        },
    }  # fmt: skip
    assert failure_facts(details, {SECURITY: "XYZ"}) == [
        ("Solver status", "INFEASIBLE"),
        ("Securities", "XYZ"),
        ("XYZ", "target worth 50, one unit 80; 0 would weigh 0.0000; 1 would weigh 0.8000"),
    ]


def test_a_failure_with_many_facts_says_how_many_it_leaves_out():
    found = failure_facts({f"fact{number}": number for number in range(FACTS_MAX + 5)}, {})
    assert len(found) == FACTS_MAX + 1
    assert found[-1] == ("and more", "5 in the API's answer")


def test_facts_within_facts_are_told_too():
    assert failure_facts({"quantities": {SECURITY: "-3"}}, {SECURITY: "XYZ"}) == [("Quantities", "XYZ: -3")]
    assert failure_facts({"modelIds": ["a", "b"], "attempts": 3}, {}) == [("Model ids", "a, b"), ("Attempts", "3")]
