"""What a portfolio is worth."""

from decimal import Decimal

from tests.rebalance.desk import money, run


def before(**words):
    return run(**words).before


def test_quantity_times_price_in_base_currency():
    state = before(holdings={"A": 10}, prices={"A": ("20.50", "USD")}, fx={"USD/CHF": "0.9"}, cash=100)
    assert state.positions[0].value_in_instrument_ccy.amount == Decimal(205)
    assert state.positions[0].value_in_base_ccy.amount == Decimal("184.5")
    assert state.total_value.amount == Decimal("284.5")


def test_a_rate_may_be_quoted_the_other_way_round_but_its_own_pair_wins():
    holdings, prices = {"A": 10}, {"A": (20, "USD")}
    assert before(holdings=holdings, prices=prices, fx={"CHF/USD": "1.25"}).total_value.amount == 160
    both = {"CHF/USD": "1.25", "USD/CHF": "0.9"}
    assert before(holdings=holdings, prices=prices, fx=both).total_value.amount == 180


def test_a_rate_of_zero_is_no_rate():
    result = run(holdings={"A": 10}, prices={"A": (20, "USD")}, fx={"USD/CHF": 0})
    assert result.diagnostics.data_quality.fx_missing == ["USD/CHF"]
    assert result.status == "BLOCKED"


def test_no_triangle_through_a_third_currency():
    result = run(holdings={"A": 1}, prices={"A": (20, "USD")}, fx={"USD/EUR": "0.9", "EUR/CHF": "0.95"})
    assert result.diagnostics.data_quality.fx_missing == ["USD/CHF"]


def test_the_first_price_of_an_instrument_counts_and_one_not_above_zero_is_none():
    assert before(holdings={"A": 1}, prices={"A": 7}).total_value.amount == 7
    for worthless in ("0", "-1"):
        result = run(holdings={"A": 1}, prices={"A": worthless})
        assert result.status == "BLOCKED"
        assert result.diagnostics.data_quality.price_missing == ["A"]


def test_a_trusted_snapshot_is_valued_by_the_custodian():
    held = {"A": {"quantity": "10", "market_value": money("333")}}
    assert before(holdings=held, prices={"A": 20}).total_value.amount == 200
    assert before(holdings=held, prices={"A": 20}, valuation_mode="TRUST_SNAPSHOT").total_value.amount == 333


def test_weights_are_shown_at_four_decimals_half_even():
    state = before(holdings={"A": 1, "B": 2}, prices={"A": 1, "B": 1})
    assert [str(position.weight) for position in state.positions] == ["0.3333", "0.6667"]


def test_allocation_by_class_ends_with_all_cash_and_by_attribute_has_what_the_shelf_knows():
    state = before(
        holdings={"A": 1, "B": 2},
        prices={"A": 10, "B": 10},
        cash={"CHF": 50, "USD": 100},
        fx={"USD/CHF": "0.2"},
        shelf={"A": {"asset_class": "EQUITY", "attributes": {"sector": "TECH"}}},
    )
    classes = [(row.key, row.value.amount) for row in state.allocation_by_asset_class]
    assert classes == [("EQUITY", 10), ("UNKNOWN", 20), ("CASH", 70)]
    assert {name: [row.key for row in rows] for name, rows in state.allocation_by_attribute.items()} == {
        "sector": ["TECH"]
    }


def test_an_empty_portfolio_weighs_nothing():
    state = before()
    assert state.total_value.amount == 0
    assert [(row.key, row.weight) for row in state.allocation_by_asset_class] == [("CASH", 0)]


def test_a_total_that_is_only_rounding_residue_counts_as_zero():
    state = before(holdings={"A": 1}, prices={"A": 1}, cash="-0.9999999999999999999999")
    assert state.total_value.amount == 0
    assert state.positions[0].weight == 1


def test_a_weight_beside_a_tiny_total_is_shown_in_full():
    state = before(holdings={"A": 1}, prices={"A": "1E+20"}, cash="-99999999999999999999.9999999")
    assert state.positions[0].weight == Decimal("1E+27")
