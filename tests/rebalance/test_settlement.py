"""The cash ladder."""

from decimal import Decimal

from tests.rebalance.desk import rule, run


def ladder(result, currency="CHF"):
    return [point.projected_balance for point in result.diagnostics.cash_ladder if point.currency == currency]


def switch(*, cash=0, sell_days=2, buy_days=2, **options):
    """Sell 10 S for 100, buy 5 B for 100."""
    return run(
        holdings={"S": 10},
        prices={"S": 10, "B": 20},
        cash=cash,
        model={"B": "1"},
        shelf={"S": {"settlement_days": sell_days}, "B": {"settlement_days": buy_days}},
        enable_settlement_awareness=True,
        **options,
    )


def test_cash_by_day_until_everything_has_settled():
    result = switch(cash=10, sell_days=1, buy_days=3, settlement_horizon_days=3)
    assert ladder(result) == [10, 110, 110, 10]
    assert result.status == "READY"


def test_the_ladder_reaches_to_the_last_settlement():
    assert len(ladder(switch(sell_days=7, buy_days=7, settlement_horizon_days=3))) == 8
    assert len(ladder(switch(settlement_horizon_days=0, fx_settlement_days=4))) == 5


def test_a_purchase_that_settles_before_its_sale_is_a_breach_and_blocks():
    result = switch(sell_days=3, buy_days=1)
    assert result.status == "BLOCKED"
    assert [(breach.date_offset, breach.projected_balance) for breach in result.diagnostics.cash_ladder_breaches] == [
        (1, -100),
        (2, -100),
    ]
    assert result.diagnostics.warnings == ["OVERDRAFT_ON_T_PLUS_1"]


def test_a_breach_reports_one_rule_keeps_the_orders_and_the_portfolio_as_it_was():
    result = switch(sell_days=3, buy_days=1)
    (row,) = result.rule_results
    assert (row.rule_id, row.measured, row.reason_code) == ("SETTLEMENT_CASH_LADDER", 100, "OVERDRAFT_ON_T_PLUS_1")
    assert len(result.intents) == 2
    assert result.after_simulated == result.before
    assert result.reconciliation is None
    assert result.gate_decision.gate == "BLOCKED"


def test_an_allowed_overdraft_is_a_warning():
    result = switch(sell_days=3, buy_days=1, max_overdraft_by_ccy={"CHF": "100"})
    assert result.status == "READY"
    assert result.diagnostics.warnings == ["SETTLEMENT_OVERDRAFT_UTILIZED"]


def test_an_overdraft_beyond_the_allowed_one_is_measured_from_its_floor():
    result = switch(sell_days=3, buy_days=1, max_overdraft_by_ccy={"CHF": "99.5"})
    assert rule(result, "SETTLEMENT_CASH_LADDER").measured == Decimal("0.5")
    assert result.diagnostics.warnings == ["SETTLEMENT_OVERDRAFT_UTILIZED", "OVERDRAFT_ON_T_PLUS_1"]


def test_day_zero_begins_with_what_is_settled():
    result = run(
        cash={"CHF": {"amount": "100", "settled": "40"}},
        enable_settlement_awareness=True,
        settlement_horizon_days=0,
        fx_settlement_days=0,
    )
    assert ladder(result) == [40]


def test_exchanges_settle_on_their_own_day():
    result = run(
        prices={"A": (10, "USD")},
        fx={"USD/CHF": "1"},
        cash=100,
        model={"A": "1"},
        fx_buffer_pct="0",
        shelf={"A": {"settlement_days": 3}},
        enable_settlement_awareness=True,
        fx_settlement_days=1,
        settlement_horizon_days=3,
    )
    assert ladder(result, "CHF") == [100, 0, 0, 0]
    assert ladder(result, "USD") == [0, 100, 100, 0]
