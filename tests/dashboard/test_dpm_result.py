"""What a page of a rebalance says of a result: pure parts, on results of the engine itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.dashboard.dpm_diagnostics import changes_of, findings
from steelyard.dashboard.dpm_graph import COLUMNS, NODES_MAX, graph_chart, order_graph
from steelyard.dashboard.dpm_grid import GRID_ROWS_MAX, long_grid
from steelyard.dashboard.dpm_ladder import ladder_chart, ladders_of
from steelyard.dashboard.dpm_result import headline, reasons
from steelyard.dashboard.dpm_rules import gate_reason, measured, outcome
from steelyard.dashboard.dpm_targets import target_rows
from steelyard.dashboard.dpm_trades import (
    moves_of,
    order_name,
    order_rows,
    share_of_portfolio,
    side_of,
    traded_value,
)
from steelyard.dashboard.dpm_weights import (
    CASH,
    ROWS_MAX,
    WeightRow,
    distance,
    has_after,
    largest_changes,
    weight_chart,
    weight_rows,
)
from steelyard.rebalance.api import simulate
from steelyard.rebalance.demo import DEMOS, demo_named
from steelyard.rebalance.wire import read_request
from tests.rebalance import desk

RESULTS = {demo.name: simulate(read_request(demo.request)).to_dict() for demo in DEMOS}


def of(**words):
    return desk.run(**words).to_dict()


@pytest.mark.parametrize("name", RESULTS)
def test_weights_before_and_after_add_up_to_one(name):
    rows = weight_rows(RESULTS[name])
    assert rows[-1].label == CASH
    for shares in ([row.before for row in rows], [row.target for row in rows], [row.after for row in rows]):
        known = [share for share in shares if share is not None]
        assert not known or sum(known) == pytest.approx(1, abs=0.002)


def test_a_blocked_run_has_no_weight_after():
    assert [has_after(RESULTS[name]) for name in ("balanced", "missing-price", "settlement")] == [True, False, False]
    assert {row.after for row in weight_rows(RESULTS["missing-price"])} == {None}
    names = [one["name"] for one in weight_chart(weight_rows(RESULTS["missing-price"]), mode="light")["series"]]
    assert names == ["Before", "Target"]


def test_a_run_that_fails_a_hard_rule_shows_what_it_would_have_come_to():
    result = of(holdings={"A": 10}, prices={"A": 10, "B": 7}, model={"B": "1"}, fx_buffer_pct="0.01", cash="-150")
    assert result["status"] == "BLOCKED"
    assert has_after(result)


def test_trades_bring_the_portfolio_nearer_to_its_targets():
    result = RESULTS["balanced"]
    before, after = distance(result, result["before"]), distance(result, result["after_simulated"])
    assert before is not None
    assert after is not None
    assert after < before / 10


def test_of_many_rows_those_that_change_the_most_are_kept_in_their_order_with_cash():
    rows = [WeightRow(f"I{place:02}", 0.01, 0.01 + place / 1000, None) for place in range(50)]
    kept = largest_changes([*rows, WeightRow(CASH, 0.5, 0.5, None)])
    assert len(kept) == ROWS_MAX
    assert [row.label for row in kept] == [f"I{place}" for place in range(21, 50)] + [CASH]


def test_orders_are_named_and_measured():
    result = RESULTS["currencies"]
    names = [order_name(one) for one in result["intents"]]
    assert {"Sell ROG", "Buy USD", "Buy EUR", "Buy JNJ"} <= set(names)
    assert f"{share_of_portfolio(traded_value(result), result):.4f}" == "0.3544"
    move = moves_of(result)["ROG"]
    assert (move.target, move.tags) == (0, ("IMPLICIT_SELL_TO_ZERO",))


@pytest.mark.parametrize("name", RESULTS)
def test_the_graph_has_every_order_and_every_dependency_from_left_to_right(name):
    intents = RESULTS[name]["intents"]
    graph = order_graph(intents)
    assert {node.intent_id for node in graph.nodes} == {one["intent_id"] for one in intents}
    assert set(graph.edges) == {(first, one["intent_id"]) for one in intents for first in one["dependencies"]}
    columns = {node.intent_id: node.column for node in graph.nodes}
    assert all(columns[first] < columns[then] for first, then in graph.edges)
    assert len({(node.column, node.row) for node in graph.nodes}) == len(graph.nodes)


@given(st.integers(0, 150), st.integers(0, 150))
def test_a_large_graph_keeps_what_is_tied_and_draws_no_edge_into_nothing(sales, purchases):
    intents = [trade(f"s{place}", "SELL") for place in range(sales)]
    intents += [trade(f"b{place}", "BUY", *([f"s{sales - 1}"] if sales else [])) for place in range(purchases)]
    graph = order_graph(intents)
    drawn = {node.intent_id for node in graph.nodes}
    assert len(drawn) == min(NODES_MAX, sales + purchases)
    assert graph.left_out == sales + purchases - len(drawn)
    assert {end for edge in graph.edges for end in edge} <= drawn
    assert bool(graph.edges) == bool(sales and purchases)


def trade(intent_id, side, *dependencies):
    return {
        "intent_type": "SECURITY_TRADE", "intent_id": intent_id, "side": side, "instrument_id": "{A|B}",
        "notional": {"amount": "1", "currency": "CHF"}, "dependencies": list(dependencies),
    }  # fmt: skip


def test_names_mean_themselves_in_the_graph():
    series = graph_chart(order_graph([trade("s", "SELL"), trade("b", "BUY", "s")]), mode="dark")["baseOption"]["series"]
    assert series[2]["data"][0]["label"]["formatter"] == "{name|Sell (A/B)}\n{amount|1.00 CHF}"
    assert len(COLUMNS) == 3


def test_the_ladder_tells_the_breach_first_with_its_floor():
    ladders = ladders_of(RESULTS["settlement"]["diagnostics"])
    assert ladders[0].currency == "USD"
    assert (ladders[0].floor, ladders[0].breached_days) == (-50_000, (1,))
    assert [one.floor for one in ladders[1:]] == [None] * (len(ladders) - 1)
    assert all(len(one.balances) == 6 for one in ladders)
    assert ladder_chart(ladders[0], mode="light")["series"][1]["data"] == [["T+1", ladders[0].balances[1]]]


def test_a_run_without_settlement_has_no_ladder():
    assert ladders_of(RESULTS["balanced"]["diagnostics"]) == []


@pytest.mark.parametrize(
    ("words", "rule", "said", "tone"),
    [
        ({"cash": 100, "cash_band_max_weight": "0.5"}, "CASH_BAND",
         "Cash weighs 100.00 %; allowed 0.00 % to 50.00 %", "doubtful"),
        ({"cash": 100}, "SINGLE_POSITION_MAX", "No limit is set", "good"),
        ({"cash": 100, "model": {"A": "0.5"}}, "DATA_QUALITY", "1 missing; none may be", "bad"),
        ({"cash": -100}, "INSUFFICIENT_CASH", "Lowest balance \N{MINUS SIGN}100.00; at least 0", "bad"),
        ({"holdings": {"A": -5}, "prices": {"A": 10}, "cash": 100, "shelf": {"A": "SUSPENDED"}}, "NO_SHORTING",
         "Lowest holding \N{MINUS SIGN}5; at least 0", "bad"),
    ],
)  # fmt: skip
def test_a_rule_is_said_with_what_was_measured(words, rule, said, tone):
    result = of(**words)
    row = next(one for one in result["rule_results"] if one["rule_id"] == rule)
    assert measured(row, "CHF") == said
    assert outcome(row)[1] == tone


def test_a_rule_that_is_not_known_is_said_with_its_figures():
    rule = {"rule_id": "NEW", "measured": "2", "threshold": {"max": "1"}}
    assert measured(rule, "CHF") == "2.00; at most 1.00"


def test_the_ladder_s_rule_and_the_gate_s_reasons_are_sentences():
    result = RESULTS["settlement"]
    (rule,) = result["rule_results"]
    assert measured(rule, "CHF").startswith("Short by 297,709.30; no balance below")
    said = [gate_reason(one) for one in result["gate_decision"]["reasons"]]
    assert said == ["A hard rule failed: cash until settlement (overdrawn on day 1)"]
    missing = [gate_reason(one) for one in RESULTS["missing-price"]["gate_decision"]["reasons"]]
    assert missing == ["Prices are missing: 1", "A hard rule failed: complete data (data is missing)"]


def test_what_is_told_in_figures_is_not_told_again_as_a_warning():
    assert [one.short for one in findings(RESULTS["tech-cap"])] == ["Group cap: sector TECH"]
    assert "17.00 % went to SWISS-BOND-FUND 7.70 %" in findings(RESULTS["tech-cap"])[0].text
    assert [one.short for one in findings(RESULTS["settlement"])] == ["Overdrawn until settlement", "Overdraft used"]
    assert [one.short for one in findings(RESULTS["missing-price"])] == ["No price"]
    assert findings(RESULTS["balanced"]) == []


def test_a_cap_that_nobody_can_fill_is_grave():
    result = of(
        cash=100, prices={"A": 10}, model={"A": "1"},
        shelf={"A": {"status": "APPROVED", "attributes": {"sector": "TECH"}}},
        group_constraints={"sector:TECH": {"max_weight": "0.4"}},
    )  # fmt: skip
    assert [(one.short, one.tone) for one in findings(result)] == [
        ("Group cap: sector TECH", "bad"),
        ("Nobody takes the excess", "bad"),
    ]
    assert "nobody could take the rest" in findings(result)[0].text


def test_every_trade_left_out_or_cut_is_told_with_what_became_of_it():
    dropped = changes_of(RESULTS["turnover"]["diagnostics"])
    assert {one.done for one in dropped} == {"nothing"}
    (cut,) = changes_of(RESULTS["tax"]["diagnostics"])
    assert (cut.instrument, cut.wanted, cut.done) == ("ROG", "310 units", "305.0227 units")
    suppressed = of(cash=1000, prices={"A": 10}, model={"A": "0.05"}, min_trade_notional=desk.money(100))
    (small,) = changes_of(suppressed["diagnostics"])
    assert (small.wanted, small.done) == ("50.00 CHF", "nothing")


def test_a_stand_in_is_named():
    result = of(
        cash=1000, prices={"A": 10, "B": 10}, model={"A": "0.5"}, shelf={"A": "BANNED"}, equivalents={"A": ["B"]}
    )
    assert [one.done for one in changes_of(result["diagnostics"])] == ["B instead"]


def test_a_position_that_needs_no_trade_was_not_left_out():
    result = of(holdings={"A": 10}, prices={"A": 10}, model={"A": "1"}, min_trade_notional=desk.money(100))
    assert result["diagnostics"]["suppressed_intents"]
    assert changes_of(result["diagnostics"]) == []


@pytest.mark.parametrize(
    ("name", "line", "why"),
    [
        ("balanced", "Ready: 7 trades", ["Every rule holds."]),
        ("currencies", "Ready: 10 trades and 2 exchanges", ["Every rule holds."]),
        ("missing-price", "Blocked: nothing may be traded", ["Missing price: GOLD-ETF."]),
        ("tax", "Ready: 5 trades", ["Every rule holds.", "1 trade left out or cut; why is below."]),
    ],
)
def test_the_outcome_is_said_in_one_line_with_its_reasons(name, line, why):
    assert headline(RESULTS[name]) == line
    assert reasons(RESULTS[name]) == why


def test_a_review_without_a_failed_rule_says_how_the_targets_differ():
    (why,) = reasons(RESULTS["tech-cap"])
    assert why.startswith(
        "The targets are not those of the model. The model adds up to 100.00 %, the targets to 98.00 %"
    )


def test_no_solution_is_said():
    assert demo_named("solver") is not None
    result = of(
        cash=100, prices={"A": 10}, model={"A": "1"}, target_method="SOLVER",
        cash_band_min_weight="0.5", cash_band_max_weight="0.1",
    )  # fmt: skip
    assert "No target weights satisfy all constraints at once." in reasons(result)


@pytest.mark.parametrize("name", RESULTS)
def test_a_long_list_has_what_a_short_one_has(name):
    result = RESULTS[name]
    rows = order_rows(result)
    assert [row["side"] for row in rows] == [side_of(one) for one in result["intents"]]
    assert all(row["share"] is None or row["share"] > 0 for row in rows)
    targets = target_rows(result)
    assert [row["instrument"] for row in targets] == [one["instrument_id"] for one in result["target"]["targets"]]
    assert all((row["after"] is None) == (not has_after(result)) for row in targets)


def test_an_order_s_row_says_why_and_what_it_waits_for():
    row = next(one for one in order_rows(RESULTS["currencies"]) if one["instrument"] == "JNJ")
    assert row["waits"] == "Buy USD, Sell AAPL"
    assert row["why"] == "Drift: 0.00 % held, 6.00 % wanted. Minimum size."
    assert row["amount"] == "84,583.50 USD 74,534.98 CHF"


def test_a_grid_has_no_more_rows_than_its_limit_and_numbers_to_the_right():
    grid = long_grid([("a", "A", 90), ("b", "B", -90)], [{"a": "x", "b": 1.0, "c": 2}] * (GRID_ROWS_MAX + 1))
    assert len(grid["rowData"]) == GRID_ROWS_MAX
    assert grid["rowData"][0] == {"a": "x", "b": 1.0}
    assert grid["columnDefs"][1]["type"] == "rightAligned"
