"""What may be bought, what may be sold, and what stays."""

import pytest

from tests.rebalance.desk import run, traded, weights

PRICES = {"A": 10, "B": 10}


def universe(status, *, held, wanted, **options):
    result = run(
        holdings={"A": 10} if held else {},
        prices=PRICES,
        cash=100,
        model={"A": "0.3"} if wanted else {},
        shelf={"A": status},
        **options,
    )
    data = result.universe
    return data.eligible_for_buy, data.eligible_for_sell, [row.reason_code for row in data.excluded]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("APPROVED", (["A"], ["A"], [])),
        ("SELL_ONLY", ([], ["A"], ["SHELF_STATUS_SELL_ONLY"])),
        ("BANNED", ([], [], ["SHELF_STATUS_BANNED"])),
        ("SUSPENDED", ([], [], ["SHELF_STATUS_SUSPENDED"])),
        ("RESTRICTED", ([], [], ["SHELF_STATUS_RESTRICTED"])),
        (None, ([], [], [])),
    ],
)
def test_a_model_target_is_judged_by_its_shelf_row(status, expected):
    assert universe(status, held=False, wanted=True) == expected


def test_restricted_names_may_be_bought_when_the_options_allow_it():
    assert universe("RESTRICTED", held=False, wanted=True, allow_restricted=True) == (["A"], ["A"], [])


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("APPROVED", ([], ["A"], [])),
        ("SELL_ONLY", ([], ["A"], [])),
        ("BANNED", ([], [], ["LOCKED_DUE_TO_BANNED"])),
        ("SUSPENDED", ([], [], ["LOCKED_DUE_TO_SUSPENDED"])),
        ("RESTRICTED", ([], [], ["LOCKED_DUE_TO_RESTRICTED"])),
        (None, ([], [], ["LOCKED_DUE_TO_MISSING_SHELF"])),
    ],
)
def test_a_holding_beside_the_model_is_sold_or_locked(status, expected):
    assert universe(status, held=True, wanted=False) == expected


def test_a_restricted_holding_is_locked_even_where_buying_is_allowed():
    assert universe("RESTRICTED", held=True, wanted=False, allow_restricted=True)[2] == ["LOCKED_DUE_TO_RESTRICTED"]


def test_a_banned_target_that_is_held_is_excluded_twice():
    reasons = universe("BANNED", held=True, wanted=True)[2]
    assert reasons == ["SHELF_STATUS_BANNED", "LOCKED_DUE_TO_BANNED"]


def test_a_target_that_is_on_no_shelf_row_blocks_but_a_holding_does_not():
    wanted = run(prices=PRICES, cash=100, model={"A": "0.3"}, shelf={"A": None})
    held = run(holdings={"A": 10}, prices=PRICES, cash=100, shelf={"A": None})
    assert (wanted.status, wanted.diagnostics.data_quality.shelf_missing) == ("BLOCKED", ["A"])
    assert (held.status, held.diagnostics.data_quality.shelf_missing) == ("READY", [])


def test_a_locked_holding_keeps_its_weight_and_an_empty_position_plays_no_part():
    result = run(
        holdings={"A": 10, "B": 0}, prices=PRICES, cash=100, shelf={"A": "SUSPENDED", "B": "SUSPENDED"}, model={}
    )
    assert weights(result) == {"A": result.before.positions[0].weight}
    assert traded(result) == {}
