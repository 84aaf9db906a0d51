"""Options beyond the document: each against enumeration, and each explained."""

from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.core.errors import InvalidInputError
from steelyard.models.options import Mode, RebalanceOptions
from steelyard.models.orders import Rebalance, rebalance_portfolios
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

TWO = model(position("A", "0.40", "0.10", "0.10"), position("B", "0.40", "0.10", "0.10"))
TEN = prices(A=10, B=10, S=10, T=10, X=10)


def test_lots_are_traded_whole_from_the_present_holding():
    answer = rebalance(TWO, portfolio(870, A=13), TEN, options=RebalanceOptions(lot_size=10))
    assert orders(answer) == [("BUY", "A", 30), ("BUY", "B", 40)]
    assert after(answer) == {"A": "43", "B": "40"}
    assert (reason(answer, "A"), reason(answer, "B")) == ("LOT", "NEAREST")


def test_a_lot_of_one_security_overrides_the_general_one():
    options = RebalanceOptions(lot_size=10, lot_sizes={security("A"): 1})
    assert after(rebalance(TWO, portfolio(870, A=13), TEN, options=options))["A"] == "40"


def test_a_trade_below_the_minimum_is_not_made():
    answer = rebalance(TWO, portfolio(250, A=37, B=39), TEN, options=RebalanceOptions(minimum_trade=Decimal(25)))
    assert orders(answer) == [("BUY", "A", 3)]
    assert reason(answer, "B") == "LOT"


def test_an_odd_lot_outside_the_model_keeps_its_odd_units():
    answer = rebalance(TWO, portfolio(470, X=53), TEN, options=RebalanceOptions(lot_size=10))
    assert after(answer)["X"] == "3"
    assert reason(answer, "X") == "NOT_ALLOWED"


def test_buy_only_leaves_an_overweight_holding_where_it_is_and_says_so():
    answer = rebalance(TWO, portfolio(400, A=60), TEN, options=RebalanceOptions(mode=Mode.BUY_ONLY))
    assert orders(answer) == [("BUY", "B", 40)]
    assert after(answer)["A"] == "60"
    assert reason(answer, "A") == "NOT_ALLOWED"


def test_buy_only_keeps_what_is_not_in_the_model():
    answer = rebalance(TWO, portfolio(900, X=10), TEN, options=RebalanceOptions(mode=Mode.BUY_ONLY))
    assert after(answer) == {"A": "40", "B": "40", "X": "10"}


def test_sell_only_leaves_an_underweight_holding_where_it_is():
    answer = rebalance(TWO, portfolio(300, A=60, B=10), TEN, options=RebalanceOptions(mode=Mode.SELL_ONLY))
    assert orders(answer) == [("SELL", "A", 20)]


def test_raised_cash_is_there_and_the_windows_hold_for_what_remains():
    options = RebalanceOptions(mode=Mode.RAISE_CASH, raise_cash=Decimal(500))
    answer = rebalance(TWO, portfolio(100, A=45, B=45), TEN, options=options)
    assert orders(answer) == [("SELL", "A", 25), ("SELL", "B", 25)]
    assert answer.cash_after == 600
    assert [str(drift.actual) for drift in answer.drifts] == ["0.4000", "0.4000"]


def test_raising_all_that_there_is_is_refused():
    options = RebalanceOptions(mode=Mode.RAISE_CASH, raise_cash=Decimal(1000))
    answer = refusal(TWO, portfolio(1000), TEN, options=options)
    assert answer.code == "RAISE_CASH_TOO_LARGE"
    assert answer.details["raiseCash"] == "1000"


def test_never_sell_keeps_a_holding_even_outside_the_model_and_its_value_is_not_spent_twice():
    options = RebalanceOptions(never_sell=frozenset({security("X")}))
    answer = rebalance(TWO, portfolio(600, X=40), TEN, options=options)
    assert after(answer) == {"A": "30", "B": "30", "X": "40"}
    assert answer.cash_is_tight


def test_never_buy_spends_nothing_on_a_security():
    options = RebalanceOptions(never_buy=frozenset({security("A")}))
    answer = rebalance(TWO, portfolio(1000), TEN, options=options)
    assert after(answer) == {"A": "0", "B": "40"}
    assert reason(answer, "A") == "NOT_ALLOWED"


def test_a_held_substitute_counts_for_the_target():
    options = RebalanceOptions(equivalents={security("A"): (security("S"),)})
    answer = rebalance(TWO, portfolio(750, S=25), TEN, options=options)
    assert after(answer) == {"A": "15", "B": "40", "S": "25"}
    assert reason(answer, "S") == "SUBSTITUTE"


def test_substitutes_above_the_window_are_sold_by_the_fewest_units_last_listed_first():
    options = RebalanceOptions(equivalents={security("A"): (security("S"), security("T"))})
    answer = rebalance(TWO, portfolio(100, S=45, T=45), TEN, options=options)
    assert after(answer) == {"A": "0", "B": "40", "S": "45", "T": "5"}


def test_substitutes_that_may_not_be_sold_are_no_reason_to_fail():
    options = RebalanceOptions(equivalents={security("A"): (security("S"),)}, never_sell=frozenset({security("S")}))
    assert after(rebalance(TWO, portfolio(400, S=60), TEN, options=options)) == {"A": "0", "B": "40", "S": "60"}
    answer = rebalance(TWO, portfolio(395, A="0.5", S=60), TEN, options=options)
    assert after(answer) == {"A": "0.5", "B": "39", "S": "60"}


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({"lot_size": 0}, "lotSize"),
        ({"lot_sizes": {"A": 2_000_000}}, "2000000"),
        ({"minimum_trade": Decimal(-1)}, "minimumTrade"),
        ({"minimum_trade": Decimal("NaN")}, "NaN"),
        ({"mode": Mode.RAISE_CASH}, "raiseCash"),
        ({"raise_cash": Decimal(5)}, "BUY_AND_SELL"),
    ],
)
def test_options_that_make_no_sense_are_refused_with_their_value(given_, words):
    with pytest.raises(InvalidInputError, match=words):
        RebalanceOptions(**given_)


@pytest.mark.parametrize(
    "equivalents",
    [
        {security("X"): (security("S"),)},
        {security("A"): (security("B"),)},
        {security("A"): (security("S"),), security("B"): (security("S"),)},
    ],
)
def test_equivalents_that_contradict_the_model_are_refused(equivalents):
    options = RebalanceOptions(equivalents=equivalents)
    with pytest.raises(InvalidInputError, match="equivalents"):
        rebalance_portfolios(TWO, [portfolio(1)], TEN, trade_date=TODAY, options=options)


@st.composite
def option_sets(draw):
    mode = draw(st.sampled_from(list(Mode)))
    names = st.frozensets(st.sampled_from([security("A"), security("B"), security("X")]), max_size=2)
    return RebalanceOptions(
        mode=mode,
        raise_cash=Decimal(draw(st.integers(1, 60))) if mode is Mode.RAISE_CASH else Decimal(0),
        lot_size=draw(st.integers(1, 3)),
        lot_sizes=draw(st.dictionaries(st.sampled_from([security("A"), security("X")]), st.integers(1, 3))),
        minimum_trade=Decimal(draw(st.integers(0, 30))),
        never_buy=draw(names),
        never_sell=draw(names),
    )


@settings(max_examples=300)
@given(option_sets(), st.integers(0, 120), st.lists(st.integers(0, 9), min_size=3, max_size=3))
def test_the_objective_is_that_of_trying_every_quantity_the_options_allow(options, cash, held):
    wide = model(position("A", "0.40", "0.2", "0.3"), position("B", "0.35", "0.25", "0.3"))
    by_name = {"A": 11, "B": 7, "X": 5}
    holdings = dict(zip("ABX", held, strict=True))
    value = cash + sum(by_name[name] * holdings[name] for name in "ABX")
    if value <= options.raise_cash:
        return
    answer = rebalance_portfolios(
        wide, [portfolio(cash, **holdings)], prices(**by_name), trade_date=TODAY, options=options
    )[0]
    expected = enumerate_best(wide, options, Decimal(value), by_name, holdings)
    assert (answer.objective if isinstance(answer, Rebalance) else None) == expected


def enumerate_best(wide, options, value, by_name, holdings):
    base = value - options.raise_cash
    left = min(
        units for units in range(10) if may_end_at("X", units, options, by_name, holdings) and units <= holdings["X"]
    )
    budget = base - left * by_name["X"]
    missed = []
    for units in product(range(60), repeat=2):
        chosen = dict(zip("AB", units, strict=True))
        cost = sum(chosen[name] * by_name[name] for name in chosen)
        fine = all(
            may_end_at(name, chosen[name], options, by_name, holdings)
            and inside(one, chosen[name], options, base, by_name, holdings)
            for name, one in zip("AB", wide.positions, strict=True)
        )
        if fine and cost <= budget:
            missed.append(
                sum(
                    abs(base * one.target - chosen[name] * by_name[name])
                    for name, one in zip("AB", wide.positions, strict=True)
                )
            )
    return min(missed, default=None)


def may_end_at(name, units, options, by_name, holdings):
    trade = units - holdings[name]
    if not trade:
        return True
    if trade > 0 and (options.mode in {Mode.SELL_ONLY, Mode.RAISE_CASH} or security(name) in options.never_buy):
        return False
    if trade < 0 and (options.mode is Mode.BUY_ONLY or security(name) in options.never_sell):
        return False
    lot = options.lot_sizes.get(security(name), options.lot_size)
    return trade % lot == 0 and abs(trade) * by_name[name] >= options.minimum_trade


def inside(one, units, options, base, by_name, holdings):
    name = one.security_id.rstrip("0")
    worth = units * by_name[name]
    least, most = base * (one.target - one.low_drift), base * (one.target + one.high_drift)
    if units == holdings[name]:
        barred_up = options.mode in {Mode.SELL_ONLY, Mode.RAISE_CASH} or one.security_id in options.never_buy
        barred_down = options.mode is Mode.BUY_ONLY or one.security_id in options.never_sell
        return (worth >= least or barred_up) and (worth <= most or barred_down)
    return least <= worth <= most


@settings(max_examples=200)
@given(st.integers(0, 80), st.lists(st.integers(0, 9), min_size=4, max_size=4), st.integers(1, 3), st.booleans())
def test_substitutes_are_sold_only_above_the_window_and_the_target_is_best_served_around_them(cash, held, lot, locked):
    wide = model(position("A", "0.40", "0.4", "0.4"), position("B", "0.35", "0.35", "0.4"))
    by_name = {"A": 11, "B": 7, "S": 5, "T": 6}
    holdings = dict(zip("ABST", held, strict=True))
    value = cash + sum(by_name[name] * holdings[name] for name in by_name)
    if not value:
        return
    options = RebalanceOptions(
        lot_size=lot,
        never_sell=frozenset({security("S")} if locked else ()),
        equivalents={security("A"): (security("S"), security("T"))},
    )
    answer = rebalance_portfolios(
        wide, [portfolio(cash, **holdings)], prices(**by_name), trade_date=TODAY, options=options
    )[0]
    if not isinstance(answer, Rebalance):
        return
    left = {name: int(after(answer).get(name, "0")) for name in "ST"}
    worth, most = sum(by_name[name] * left[name] for name in "ST"), value * Decimal("0.8")
    if sum(by_name[name] * holdings[name] for name in "ST") <= most:
        assert left == {name: holdings[name] for name in "ST"}
    if left["S"] < holdings["S"]:
        assert left["T"] < lot
    if worth > most:
        assert left["T"] < lot
        assert locked or left["S"] < lot
    counted = min(worth, most)
    sets = [[units for units in range(60) if (units - holdings[name]) % lot == 0] for name in "AB"]
    missed = min(
        abs(value * Decimal("0.40") - counted - a * 11) + abs(value * Decimal("0.35") - b * 7)
        for a, b in product(*sets)
        if a * 11 + b * 7 + worth <= value and counted + a * 11 <= most and b * 7 <= value * Decimal("0.75")
    )
    assert answer.objective == missed
