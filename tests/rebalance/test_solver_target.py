"""Targets by projection, and the second opinion."""

from decimal import Decimal

from tests.rebalance.desk import run, weights

ALL = dict.fromkeys("ABCD", 10)


def solve(model, *, shelf=None, holdings=None, cash=1000, **options):
    return run(model=model, shelf=shelf, holdings=holdings, prices=ALL, cash=cash, target_method="SOLVER", **options)


def test_weights_are_the_nearest_within_the_caps():
    result = solve({"A": "0.5", "B": "0.3"}, single_position_max_weight="0.4")
    assert (result.status, weights(result)) == ("READY", {"A": Decimal("0.4"), "B": Decimal("0.3")})


def test_the_cash_band_is_a_hard_bound():
    result = solve({"A": "0.5", "B": "0.5"}, cash_band_min_weight="0.1", cash_band_max_weight="0.2")
    assert weights(result) == {"A": Decimal("0.45"), "B": Decimal("0.45")}
    result = solve({"A": "0.3", "B": "0.3"}, cash_band_max_weight="0.2")
    assert weights(result) == {"A": Decimal("0.4"), "B": Decimal("0.4")}


def test_sell_only_weight_is_not_redistributed():
    result = solve({"A": "0.4", "B": "0.2"}, shelf={"B": "SELL_ONLY"})
    assert weights(result) == {"A": Decimal("0.4"), "B": 0}


def test_a_locked_holding_takes_its_part_of_every_bound():
    result = solve(
        {"A": "0.4", "B": "0.4"},
        holdings={"D": 100},
        shelf={"D": {"status": "BANNED", "attributes": {"r": "X"}}, "A": {"attributes": {"r": "X"}}},
        group_constraints={"r:X": {"max_weight": "0.6"}},
    )
    assert weights(result) == {"A": Decimal("0.1"), "B": Decimal("0.4"), "D": Decimal("0.5")}


def test_contradictions_block_and_say_which_where_it_can_be_seen():
    band = solve({"A": "0.4"}, cash_band_min_weight="0.5", cash_band_max_weight="0.4")
    assert band.diagnostics.warnings == ["INFEASIBLE_INFEASIBLE", "INFEASIBILITY_HINT_CASH_BAND_CONTRADICTION"]
    capacity = solve({"A": "0.4"}, cash_band_max_weight="0.5", single_position_max_weight="0.3")
    assert capacity.diagnostics.warnings == ["INFEASIBLE_INFEASIBLE", "INFEASIBILITY_HINT_SINGLE_POSITION_CAPACITY"]
    locked = solve(
        {"A": "0.4"},
        holdings={"D": 100},
        shelf={"D": {"status": "BANNED", "attributes": {"r": "X"}}},
        group_constraints={"r:X": {"max_weight": "0.2"}},
    )
    assert locked.diagnostics.warnings == ["INFEASIBLE_INFEASIBLE", "INFEASIBILITY_HINT_LOCKED_GROUP_WEIGHT_r:X"]
    assert {result.status for result in (band, capacity, locked)} == {"BLOCKED"}
    assert band.target.targets == []


def test_an_unknown_attribute_is_a_warning():
    result = solve({"A": "0.4"}, group_constraints={"colour:BLUE": {"max_weight": "0.1"}})
    assert (result.status, result.diagnostics.warnings) == ("READY", ["UNKNOWN_CONSTRAINT_ATTRIBUTE_colour"])


def test_with_nothing_to_buy_there_is_nothing_to_solve():
    assert solve({}, holdings={"A": 10}, cash_band_max_weight="0.1").target.targets[0].final_weight == 0


def test_holdings_that_are_all_locked_leave_room_for_nothing_but_are_no_contradiction():
    result = solve({"A": "0.4"}, holdings={"B": 1, "C": 1, "D": 1}, shelf=dict.fromkeys("BCD", "BANNED"), cash=0)
    assert (result.status, weights(result)["A"]) == ("READY", 0)


def test_a_second_opinion_names_what_differs_and_changes_nothing():
    words = {"model": {"A": "0.5", "B": "0.3"}, "prices": ALL, "cash": 1000, "single_position_max_weight": "0.4"}
    alone, compared = run(**words), run(**words, compare_target_methods=True)
    opinion = compared.explanation.target_method_comparison
    assert (opinion.primary_method, opinion.alternate_method) == ("HEURISTIC", "SOLVER")
    assert opinion.differing_instruments == ["B"]
    assert compared.diagnostics.warnings == ["TARGET_METHOD_WEIGHT_DIVERGENCE"]
    assert (compared.intents, compared.status) == (alone.intents, alone.status)
    assert alone.explanation.target_method_comparison is None


def test_a_second_opinion_may_differ_in_its_status_and_keeps_its_warnings_to_itself():
    result = run(
        model={"A": "0.5"},
        prices=ALL,
        cash=1000,
        compare_target_methods=True,
        cash_band_max_weight="0.1",
        single_position_max_weight="0.6",
    )
    opinion = result.explanation.target_method_comparison
    assert (opinion.primary_status, opinion.alternate_status) == ("READY", "BLOCKED")
    assert opinion.alternate_warnings == ["INFEASIBILITY_HINT_SINGLE_POSITION_CAPACITY", "INFEASIBLE_INFEASIBLE"]
    assert result.diagnostics.warnings == ["TARGET_METHOD_STATUS_DIVERGENCE", "TARGET_METHOD_WEIGHT_DIVERGENCE"]


def test_a_projection_that_cannot_be_proven_blocks_and_says_so(monkeypatch):
    for method in ("active_set", "least_distance"):
        monkeypatch.setattr(f"steelyard.rebalance.projection._Floats.{method}", lambda _: None)
    result = solve({"A": "0.8", "B": "0.6"})
    assert (result.status, result.target.targets, result.intents) == ("BLOCKED", [], [])
    assert result.diagnostics.warnings == ["SOLVER_ERROR"]
