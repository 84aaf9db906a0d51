"""Target weights by rule."""

from decimal import Decimal

import pytest

from tests.rebalance.desk import run, weights

ALL = dict.fromkeys("ABCDE", 10)


def aim(model, *, shelf=None, holdings=None, cash=1000, **options):
    return run(model=model, shelf=shelf, holdings=holdings, prices=ALL, cash=cash, **options)


def tags(result):
    return {target.instrument_id: target.tags for target in result.target.targets}


def test_a_model_that_breaks_nothing_is_the_target():
    result = aim({"A": "0.5", "B": "0.3"})
    assert (result.status, weights(result)) == ("READY", {"A": Decimal("0.5"), "B": Decimal("0.3")})
    assert tags(result) == {"A": (), "B": ()}


def test_sell_only_weight_goes_to_the_buyable_in_proportion():
    result = aim({"A": "0.4", "B": "0.2", "C": "0.3"}, shelf={"C": "SELL_ONLY"})
    assert weights(result) == {"A": Decimal("0.6"), "B": Decimal("0.3"), "C": 0}
    assert tags(result)["A"] == ("REDISTRIBUTED_RECIPIENT",)
    assert tags(result)["C"] == ("CAPPED_BY_MAX_WEIGHT",)


def test_sell_only_weight_that_nobody_can_take_asks_for_a_review():
    result = aim({"A": "0.4"}, shelf={"A": "SELL_ONLY"})
    assert (result.status, weights(result)) == ("PENDING_REVIEW", {"A": 0})


def test_a_position_cap_pours_the_excess_into_those_below_it_in_order():
    result = aim({"A": "0.5", "B": "0.3", "C": "0.1"}, single_position_max_weight="0.35", fx_buffer_pct="0")
    assert weights(result) == {"A": Decimal("0.35"), "B": Decimal("0.35"), "C": Decimal("0.125")}
    assert result.status == "PENDING_REVIEW"


def test_each_takes_its_share_of_what_is_left_so_something_stays_unplaced():
    result = aim({"A": "0.4", "B": "0.3", "C": "0.2"}, single_position_max_weight="0.35")
    assert weights(result) == {"A": Decimal("0.35"), "B": Decimal("0.33"), "C": Decimal("0.208")}
    assert result.status == "PENDING_REVIEW"


def test_a_position_cap_whose_excess_finds_room_is_ready():
    result = aim({"A": "0.4", "B": "0.3"}, single_position_max_weight="0.35")
    assert (result.status, weights(result)) == ("READY", {"A": Decimal("0.35"), "B": Decimal("0.35")})


def test_a_position_cap_whose_excess_nobody_can_take_asks_for_a_review():
    result = aim({"A": "0.4"}, single_position_max_weight="0.35")
    assert (result.status, weights(result)) == ("PENDING_REVIEW", {"A": Decimal("0.35")})


def test_more_than_one_is_scaled_down_and_asks_for_a_review():
    result = aim({"A": "0.8", "B": "0.4"})
    assert sum(weights(result).values()) == pytest.approx(Decimal(1), abs=Decimal("1E-20"))
    assert weights(result)["A"] == 2 * weights(result)["B"]
    assert result.status == "PENDING_REVIEW"


def test_locked_holdings_leave_less_room():
    result = aim({"A": "0.9"}, holdings={"B": 100}, shelf={"B": "SUSPENDED"}, cash=1000)
    assert weights(result) == {"A": Decimal("0.5"), "B": Decimal("0.5")}
    assert tags(result)["B"] == ("LOCKED_POSITION",)


def test_a_cash_buffer_takes_its_part_first():
    result = aim({"A": "0.6", "B": "0.4"}, min_cash_buffer_pct="0.1")
    assert weights(result) == {"A": Decimal("0.54"), "B": Decimal("0.36")}
    assert result.status == "PENDING_REVIEW"


def test_a_holding_beside_the_model_goes_to_zero():
    result = aim({"A": "0.5"}, holdings={"B": 10})
    assert tags(result)["B"] == ("IMPLICIT_SELL_TO_ZERO",)


def test_a_locked_holding_above_the_position_cap_is_reported_and_not_cut():
    result = aim({"A": "0.1"}, holdings={"B": 100}, shelf={"B": "BANNED"}, cash=1000, single_position_max_weight="0.3")
    assert weights(result)["B"] == Decimal("0.5")
    assert "CAP_UNREACHABLE_LOCKED_B" in result.diagnostics.warnings
    assert result.status == "BLOCKED"  # the rule on the outcome still holds


def test_a_locked_holding_hardly_above_the_position_cap_only_asks_for_a_review():
    result = aim(
        {"A": "0.1"}, holdings={"B": 100}, shelf={"B": "BANNED"}, cash=1000, single_position_max_weight="0.4995"
    )
    assert result.diagnostics.warnings == ["CAP_UNREACHABLE_LOCKED_B"]
    assert result.status == "PENDING_REVIEW"
