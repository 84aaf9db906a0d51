"""Orders from models: the desk's examples, the laws, and what is never done."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.core.errors import InvalidInputError
from steelyard.models import orders as module
from steelyard.models.options import RebalanceOptions
from steelyard.models.orders import Rebalance, rebalance_portfolios
from steelyard.models.solution import ShareSolution, Status
from steelyard.models.valuation import share_of
from tests.models.domain import (
    TODAY,
    after,
    model,
    orders,
    portfolio,
    position,
    prices,
    reason,
    rebalance,
    refusal,
    security,
)

TWO = model(position("A", "0.30"), position("B", "0.25"))
PRICES = prices(A="33.37", B="101.5", C="7.77")


def test_cash_buys_the_nearest_whole_quantities():
    answer = rebalance(TWO, portfolio("100000"), PRICES)
    assert orders(answer) == [("BUY", "A", 899), ("BUY", "B", 246)]
    assert answer.cash_after == Decimal("45031.37")
    assert [order.trade_date for order in answer.transactions] == [TODAY, TODAY]


def test_sells_come_first_and_what_is_not_in_the_model_is_sold():
    answer = rebalance(TWO, portfolio("1000.55", A=100, B=200, C=50), PRICES)
    assert orders(answer) == [("SELL", "B", 138), ("SELL", "C", 50), ("BUY", "A", 125)]
    assert (answer.market_value, answer.cash_before, answer.cash_after) == tuple(
        map(Decimal, ("25026.05", "1000.55", "11224.80"))
    )
    assert reason(answer, "C") == "NOT_IN_MODEL"


def test_prices_far_apart_are_exact_side_by_side():
    both = model(position("A", "0.10", "0.02", "0.03"), position("B", "0.80", "0.02", "0.03"))
    answer = rebalance(both, portfolio("4500", A=10_000, B=8), prices(A="0.05", B=10_000))
    assert after(answer) == {"A": "170000", "B": "7"}


def test_a_fraction_stays_as_it_is_and_counts_for_the_target():
    one = model(position("A", "0.5"))
    answer = rebalance(one, portfolio("5000", A="10.7", C="2.5"), PRICES)
    assert after(answer) == {"A": "80.7", "C": "0.5"}
    assert orders(answer) == [("SELL", "C", 2), ("BUY", "A", 70)]
    assert reason(answer, "C") == "FRACTION_KEPT"


def test_cash_decides_when_rounding_up_would_overspend():
    answer = rebalance(model(position("A", "0.95", "0.4", "0.4")), portfolio("1000"), prices(A=600))
    assert orders(answer) == [("BUY", "A", 1)]
    assert answer.cash_is_tight
    assert reason(answer, "A") == "CASH"


def test_a_portfolio_at_its_optimum_has_no_orders():
    two = model(position("A", "0.5", "0.1", "0.2"), position("B", "0.4", "0.1", "0.2"))
    assert orders(rebalance(two, portfolio(10, A=1, B=1), prices(A=50, B=40))) == []


@pytest.mark.parametrize(
    ("value", "whole", "share"), [("201000", "20000000", "0.0100"), ("1", "3", "0.3333"), ("0", "7", "0.0000")]
)
def test_actual_is_rounded_once_half_even_to_four_decimals(value, whole, share):
    assert str(share_of(Decimal(value), Decimal(whole))) == share


def test_drifts_list_the_model_in_its_order_and_then_the_other_holdings():
    backwards = model(position("B", "0.25"), position("A", "0.30"))
    answer = rebalance(backwards, portfolio("1000", Z=1, C=1), prices(A=10, B=10, C=1, Z=1))
    assert [drift.security_id.rstrip("0") for drift in answer.drifts] == ["B", "A", "C", "Z"]


@pytest.mark.parametrize("solver", ["exact", "cvxpy"])
def test_every_security_without_a_whole_quantity_is_named_with_what_is_near(solver):
    tight = model(position("A", "0.30", "0.01", "0.01"), position("B", "0.30", "0.01", "0.01"), position("C", "0.20"))
    answer = refusal(tight, portfolio(5000), prices(A="1234.56", B=3000, C=100), solver=solver)
    assert answer.code == "OPTIMIZATION_FAILED"
    assert answer.details["solverStatus"] == "INFEASIBLE"
    assert answer.details["portfolioId"] == "p1"
    assert answer.details["securities"] == [security("A"), security("B")]
    assert answer.details["nearest"][security("A")] == {
        "targetValue": "1500",
        "price": "1234.56",
        "quantities": [{"quantity": 1, "weight": "0.2469"}, {"quantity": 2, "weight": "0.4938"}],
    }
    assert security("A") in answer.message


def test_a_fraction_alone_above_the_window_is_infeasible_and_named():
    answer = refusal(TWO, portfolio(5, B="0.5"), PRICES)
    assert answer.details["securities"] == [security("A"), security("B")]
    assert answer.details["nearest"][security("B")] == {
        "targetValue": "13.9375",
        "keptValue": "50.75",
        "price": "101.5",
        "quantities": [{"quantity": 0, "weight": "0.9103"}],
    }


def test_windows_that_cost_more_than_the_portfolio_are_infeasible_and_say_by_how_much():
    two = model(position("A", "0.45", "0.1", "0.5"), position("B", "0.45", "0.1", "0.5"))
    answer = refusal(two, portfolio(1000), prices(A=600, B=550))
    assert answer.details["solverStatus"] == "INFEASIBLE"
    assert (answer.details["needed"], answer.details["available"]) == ("1150", "1000")
    assert answer.details["securities"] == [security("A"), security("B")]


@pytest.mark.parametrize(
    ("held", "by_security", "code", "named"),
    [
        (portfolio(-500, A=100), PRICES, "NEGATIVE_CASH", "-500"),
        (portfolio(500, A=-1), PRICES, "SHORT_POSITION", security("A")),
        (portfolio(500, Z=1), PRICES, "MISSING_PRICE", security("Z")),
        (portfolio(500), prices(A=1, B=None), "MISSING_PRICE", security("B")),
        (portfolio(500), prices(A=1, B=0), "PRICE_INVALID", security("B")),
        (portfolio(500, C=1), prices(A=1, B=1, C=-2), "PRICE_INVALID", security("C")),
        (portfolio("NaN"), PRICES, "NUMBER_OUT_OF_RANGE", "NaN"),
        (portfolio("1E+24"), PRICES, "NUMBER_OUT_OF_RANGE", "cash"),
        (portfolio(5, A="1E-41"), PRICES, "NUMBER_OUT_OF_RANGE", security("A")),
        (portfolio(5), prices(A="Infinity", B=1), "PRICE_INVALID", security("A")),
        (portfolio(5), prices(A="1E+999999", B=1), "PRICE_INVALID", security("A")),
        (portfolio(0), PRICES, "MARKET_VALUE_NOT_POSITIVE", "0"),
    ],
)
def test_what_cannot_be_rebalanced_says_why_and_names_the_value(held, by_security, code, named):
    answer = refusal(TWO, held, by_security)
    assert answer.code == code
    assert named in answer.message
    assert answer.details["portfolioId"] == "p1"


def test_a_holding_of_nothing_needs_no_price():
    assert orders(rebalance(TWO, portfolio(100_000, Z=0), PRICES)) == [("BUY", "A", 899), ("BUY", "B", 246)]


def test_a_search_at_its_limit_is_a_timeout_that_says_so():
    tight = model(position("A", "0.95", "0.4", "0.4"))
    answer = refusal(tight, portfolio("1000"), prices(A=600), seconds_max=0)
    assert (answer.code, answer.details["solverStatus"]) == ("SOLVER_TIMEOUT", "TIMEOUT")


def test_an_answer_that_fails_the_check_is_not_used(monkeypatch):
    def unchecked(problem, *, threads, seconds_max):
        minus = np.full(problem.shape, -1)
        return ShareSolution(minus, np.full(1, Status.NOT_VERIFIED, np.int8), np.full(1, -1), np.zeros(1, np.bool_))

    monkeypatch.setattr(module, "solve_shares", unchecked)
    assert refusal(TWO, portfolio("1000"), PRICES).code == "SOLVER_INACCURATE"


@pytest.mark.parametrize("options", [None, RebalanceOptions(lot_size=5)])
def test_a_model_without_positions_sells_everything(options):
    answer = rebalance(model(), portfolio(10, A=5), prices(A=10), options=options)
    assert orders(answer) == [("SELL", "A", 5)]
    assert answer.cash_after == 60


def test_the_numbers_of_the_largest_size_are_exact_together():
    most, least = "9" * 24 + "." + "9" * 16, "0." + "0" * 39 + "1"
    two, odd = model(position("A", "0.30", "0.3", "0.3"), position("B", "0.25", "0.25", "0.3")), prices(A=most, B=least)
    answer = rebalance(two, portfolio(most, A=least), odd)
    invested = sum(Fraction(one.adjusted_quantity) * Fraction(one.price) for one in answer.drifts)
    assert Fraction(answer.cash_after) + invested == Fraction(answer.market_value)


def test_a_solver_that_is_not_known_is_refused():
    with pytest.raises(InvalidInputError, match="guess"):
        rebalance(TWO, portfolio(1000), PRICES, solver="guess")


def test_one_refused_portfolio_does_not_stop_the_others_and_the_order_stays():
    given_ = [portfolio(-1, "bad"), portfolio(100_000, "good"), portfolio(100_000, "split", A="0.5")]
    answers = rebalance_portfolios(TWO, given_, PRICES, trade_date=TODAY)
    assert [answer.portfolio_id for answer in answers] == ["bad", "good", "split"]
    assert [isinstance(answer, Rebalance) for answer in answers] == [False, True, True]


def test_orders_that_overspend_are_caught_even_behind_the_kernel(monkeypatch):
    def too_much(problem, *, threads, seconds_max):
        quantity = np.full(problem.shape, 10**6)
        return ShareSolution(quantity, np.zeros(1, np.int8), np.zeros(1, np.int64), np.zeros(1, np.bool_))

    monkeypatch.setattr(module, "solve_shares", too_much)
    answer = refusal(TWO, portfolio(1000), PRICES)
    assert (answer.code, answer.details["solverStatus"]) == ("SOLVER_INACCURATE", "NOT_VERIFIED")


quantities = st.decimals(min_value=0, max_value=500, places=2) | st.integers(0, 500).map(Decimal)


@given(st.decimals(min_value=1000, max_value=10**6, places=2), st.lists(quantities, min_size=3, max_size=3))
def test_value_is_conserved_and_only_whole_units_trade(cash, held):
    wide = model(position("A", "0.30", "0.3", "0.3"), position("B", "0.25", "0.25", "0.3"))
    answer = rebalance(wide, portfolio(cash, **dict(zip("ABC", held, strict=True))), PRICES)
    by_id = {drift.security_id: drift for drift in answer.drifts}
    assert answer.cash_after + sum(one.adjusted_quantity * one.price for one in by_id.values()) == answer.market_value
    assert answer.cash_after >= 0
    traded = {
        order.security_id: order.quantity if order.side == "BUY" else -order.quantity for order in answer.transactions
    }
    for security_id, drift in by_id.items():
        assert drift.adjusted_quantity - drift.original_quantity == traded.get(security_id, 0)
        assert drift.adjusted_quantity >= 0
    assert 0 not in traded.values()


@given(st.permutations(["A", "B", "C"]), st.integers(100, 5_000))
def test_the_order_of_the_model_changes_only_the_order_of_the_drifts(names, cash):
    targets = {"A": "0.30", "B": "0.30", "C": "0.35"}
    dear = prices(A=170, B=170, C=90)
    plain = model(*(position(name, targets[name], "0.35", "0.35") for name in "ABC"))
    shuffled = model(*(position(name, targets[name], "0.35", "0.35") for name in names))
    one, other = (rebalance(which, portfolio(cash), dear) for which in (plain, shuffled))
    assert one.transactions == other.transactions
    assert after(one) == after(other)


def test_rebalancing_twice_trades_once():
    first = rebalance(TWO, portfolio("1000.55", A=100, B=200, C=50), PRICES)
    held = {name: Decimal(quantity) for name, quantity in after(first).items()}
    assert orders(rebalance(TWO, portfolio(first.cash_after, **held), PRICES)) == []


def test_numbers_wider_than_64_bits_are_as_exact():
    tiny = prices(A="33.370000000000000001", B="101.500000000000000001")
    answer = rebalance(TWO, portfolio("100000.000000000000000007"), tiny)
    assert orders(answer) == [("BUY", "A", 899), ("BUY", "B", 246)]
    spent = 899 * Decimal("33.370000000000000001") + 246 * Decimal("101.500000000000000001")
    assert answer.cash_after == Decimal("100000.000000000000000007") - spent
