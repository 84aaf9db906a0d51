"""No throw: whatever is well-formed is answered, however absurd its numbers."""

import json

from hypothesis import given
from hypothesis import strategies as st

from steelyard.proposals.api import propose
from steelyard.rebalance.api import simulate
from tests.proposals.desk import buy, proposal, sell
from tests.rebalance.desk import book, money

NAMES = "ABC"
POSITIVE = st.sampled_from(["1", "1E-30", "1E+30", "0.0000000000000000000000000001", "7E-18", "9.99E+29", "3", "0.1"])
ANY = POSITIVE | POSITIVE.map("-".__add__) | st.just("0")
CURRENCY = st.sampled_from(["CHF", "USD", "JPY"])
SHARE = st.sampled_from(["0", "1", "0.5", "1E-30"])


@st.composite
def absurd_books(draw):
    return {
        "holdings": {name: draw(ANY) for name in draw(st.sets(st.sampled_from(NAMES)))},
        "prices": {name: (draw(ANY), draw(CURRENCY)) for name in draw(st.sets(st.sampled_from(NAMES)))},
        "cash": {currency: draw(ANY) for currency in draw(st.sets(CURRENCY))},
        "fx": {"USD/CHF": draw(ANY), "CHF/JPY": draw(ANY)},
        "shelf": {name: {"attributes": {"s": "x"}, "status": draw(STATUS)} for name in NAMES},
        **draw(OPTIONS),
    }


STATUS = st.sampled_from(["APPROVED", "APPROVED", "APPROVED", "SELL_ONLY", "BANNED"])
OPTIONS = st.fixed_dictionaries(
    {"block_on_missing_prices": st.booleans(), "block_on_missing_fx": st.booleans()},
    optional={
        "target_method": st.just("SOLVER"),
        "compare_target_methods": st.just(True),
        "single_position_max_weight": ANY,
        "min_cash_buffer_pct": ANY,
        "cash_band_min_weight": ANY,
        "cash_band_max_weight": ANY,
        "fx_buffer_pct": ANY,
        "max_turnover_pct": SHARE,
        "group_constraints": SHARE.map(lambda cap: {"s:x": {"max_weight": cap}}),
        "min_trade_notional": ANY.map(money),
        "enable_settlement_awareness": st.just(True),
        "cash_repair": st.just(True),
    },
)


@given(absurd_books(), st.dictionaries(st.sampled_from(NAMES), ANY))
def test_a_rebalance_of_absurd_numbers_is_answered(words, model):
    result = simulate(json.dumps(book(**words, model=model)).encode())
    assert result.status in {"READY", "PENDING_REVIEW", "BLOCKED"}
    assert json.loads(result.to_bytes())["status"] == result.status


@given(absurd_books(), st.dictionaries(st.sampled_from(NAMES), POSITIVE), st.dictionaries(CURRENCY, ANY))
def test_a_proposal_of_absurd_numbers_is_answered(words, units, flows):
    trades = [(buy if index % 2 else sell)(name, amount) for index, (name, amount) in enumerate(units.items())]
    artifact = propose(proposal(**words, flows=list(flows.items()), trades=trades)).artifact
    assert artifact["status"] in {"READY", "PENDING_REVIEW", "BLOCKED"}
