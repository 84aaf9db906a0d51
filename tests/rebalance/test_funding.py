"""Foreign cash: bought where it is needed, swept where it is left."""

from decimal import Decimal

from tests.rebalance.desk import cash_after, exchanged, run

USD = {"USD/CHF": "0.9"}


def dependencies(result):
    return {intent.intent_id: intent.dependencies for intent in result.intents if intent.dependencies}


def test_a_shortage_is_bought_with_a_buffer():
    result = run(prices={"A": (10, "USD")}, fx=USD, cash=1000, model={"A": "0.45"}, fx_buffer_pct="0.02")
    assert exchanged(result) == [("USD", Decimal(510), "CHF", Decimal(459))]
    assert cash_after(result) == {"CHF": 541, "USD": 10}
    assert dependencies(result) == {"oi_1": ("oi_fx_2",)}


def test_a_surplus_is_swept_to_base_even_if_nothing_trades():
    result = run(cash={"CHF": 0, "USD": 100}, fx=USD)
    assert exchanged(result) == [("CHF", Decimal(90), "USD", Decimal(100))]
    assert [intent.pair for intent in result.intents] == ["USD/CHF"]
    assert [intent.rationale.code for intent in result.intents] == ["SWEEP"]


def test_sales_come_first_then_exchanges_then_purchases():
    result = run(
        holdings={"S": 10},
        prices={"S": (10, "EUR"), "B": (10, "USD")},
        fx={**USD, "EUR/CHF": "1"},
        model={"B": "0.9"},
        fx_buffer_pct="0",
    )
    assert [(intent.intent_id, getattr(intent, "side", "FX")) for intent in result.intents] == [
        ("oi_2", "SELL"),
        ("oi_fx_3", "FX"),
        ("oi_fx_4", "FX"),
        ("oi_1", "BUY"),
    ]
    assert [intent.rationale.code for intent in result.intents[1:3]] == ["FUNDING", "SWEEP"]


def test_a_purchase_waits_for_the_last_sale_in_its_currency():
    words = {
        "holdings": {"S": 10, "T": 10},
        "prices": {"S": 10, "T": 10, "B": 10},
        "model": {"B": "0.5"},
    }
    assert dependencies(run(**words)) == {"oi_1": ("oi_3",)}
    assert dependencies(run(**words, link_buy_to_same_currency_sell_dependency=False)) == {}


def test_a_purchase_waits_for_its_funding_before_the_sale():
    result = run(
        holdings={"S": 1},
        prices={"S": (10, "USD"), "B": (10, "USD")},
        fx=USD,
        cash=1000,
        model={"B": "0.5"},
    )
    assert dependencies(result) == {"oi_1": ("oi_fx_3", "oi_2")}


def test_currencies_are_exchanged_in_the_order_of_the_cash_then_of_their_use():
    result = run(
        cash={"EUR": 10, "CHF": 1000},
        prices={"B": (10, "USD")},
        fx={**USD, "EUR/CHF": "1"},
        model={"B": "0.5"},
    )
    assert [row[:1] + row[2:3] for row in exchanged(result)] == [("CHF", "EUR"), ("USD", "CHF")]


def test_foreign_cash_without_a_rate_stays_where_it_is_unless_that_blocks():
    assert run(cash={"CHF": 10, "JPY": 100}).status == "BLOCKED"
    result = run(cash={"CHF": 10, "JPY": 100}, block_on_missing_fx=False)
    assert (result.intents, cash_after(result)) == ([], {"CHF": 10, "JPY": 100})
