"""Scenarios side by side, on an analysis of the engine itself."""

import pytest

from steelyard.dashboard.dpm_compare import (
    ROWS_MAX,
    SERIES_MAX,
    comparison_chart,
    differences,
    failure_words,
    weight_table,
)
from steelyard.dashboard.dpm_weights import CASH
from steelyard.rebalance.api import analyze
from steelyard.rebalance.demo import SCENARIO_BASE, SCENARIOS
from steelyard.rebalance.wire import read_batch
from tests.rebalance import desk


def batch_of(request, scenarios):
    return analyze(read_batch({**request, "scenarios": scenarios})).to_dict()


@pytest.fixture(scope="module")
def results():
    answer = batch_of(SCENARIO_BASE.request, SCENARIOS)["results"]
    return {name: answer[name] for name in SCENARIOS}


def test_a_column_of_weights_adds_up_to_one(results):
    table = weight_table(results)
    assert table.scenarios == tuple(SCENARIOS)
    for place in range(len(SCENARIOS)):
        assert sum(row[place] or 0.0 for row in table.rows.values()) == pytest.approx(1, abs=0.002)
    assert sum(table.before.values()) == pytest.approx(1, abs=0.002)
    assert list(table.rows)[-1] == CASH


def test_the_rows_that_are_furthest_apart_come_first(results):
    table = weight_table(results)
    weights = [
        [table.before.get(name, 0.0), *(share for share in row if share is not None)]
        for name, row in table.rows.items()
        if name != CASH
    ]
    spreads = [max(row) - min(row) for row in weights]
    assert spreads == sorted(spreads, reverse=True)


def test_differences_are_those_from_the_first_scenario_largest_first(results):
    found = differences(results, "tech-at-30")
    assert [name for name, _ in found] == ["SWISS-BOND-FUND", "MSFT", "AAPL"]
    assert differences(results, "as-modelled") == []


def test_a_blocked_scenario_has_no_weights():
    request = desk.book(cash=1000, prices={"A": 10}, model={"A": "0.5"})
    scenarios = {"free": {}, "never": {"options": {"single_position_max_weight": "0.1", "target_method": "SOLVER",
                                                   "cash_band_max_weight": "0.2"}}}  # fmt: skip
    answer = batch_of(request, scenarios)
    table = weight_table(answer["results"])
    assert table.rows["A"] == (0.5, None)
    assert differences(answer["results"], "never") == []
    chart = comparison_chart(table, mode="light")
    assert [one["data"] for one in chart["series"]] == [[0, 100], [50, 50], [None, None]]


def test_the_chart_has_few_scenarios_and_the_table_few_rows_of_many():
    names = [f"I{place:02}" for place in range(ROWS_MAX + 20)]
    request = desk.book(cash=100_000, prices=dict.fromkeys(names, 1), model=dict.fromkeys(names, "0.01"))
    table = weight_table(batch_of(request, {f"s{place}": {} for place in range(SERIES_MAX + 3)})["results"])
    assert len(table.rows) == ROWS_MAX + 1
    assert len(comparison_chart(table, mode="dark")["series"]) == SERIES_MAX + 1


def test_why_a_scenario_failed_is_said_in_words():
    answer = batch_of(desk.book(cash=1), {"bad": {"options": {"max_turnover_pct": 7}}, "good": {}})
    assert failure_words(answer["failed_scenarios"]["bad"]) == (
        "Its options are refused: max_turnover_pct was 7; it is a share between 0 and 1"
    )
    assert "the log says more" in failure_words("SCENARIO_EXECUTION_ERROR: ZeroDivisionError")
    assert failure_words("OTHER") == "OTHER"
