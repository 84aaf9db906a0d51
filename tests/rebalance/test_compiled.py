"""The compiled way says what the engine in Python says, byte for byte, or leaves the run to it."""

import copy
import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from steelyard.rebalance import columns, compiled, engine
from steelyard.rebalance.columns import Tables
from steelyard.rebalance.compiled import POSITIONS_MIN, run_compiled
from steelyard.rebalance.engine import rebalance
from steelyard.rebalance.result import count_trades
from steelyard.rebalance.warm import warm
from steelyard.rebalance.wire import read_request
from tests.rebalance.desk import IDENTITY, book, lot, money
from tests.rebalance.literal import literal
from tests.rebalance.test_literal import differences, plain, plain_request

NAMES = [f"I{index}" for index in range(POSITIONS_MIN + 4)]


@pytest.fixture(scope="module", autouse=True)
def _compiled_once():
    warm()


def typed(body):
    return read_request(json.dumps(body).encode())


def by_python(request):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "is_ready", lambda: False)
        return rebalance(request, IDENTITY)


def compiled_run(request):
    return run_compiled(request, IDENTITY.run_id, None, None)


def solved(body):
    """The same by projection; nothing is locked, which projections in compiled code cannot do with."""
    body["options"]["target_method"] = "SOLVER"
    for row in body["shelf_entries"]:
        if row["status"] != "SELL_ONLY":
            row["status"] = "APPROVED"
    return body


def wide(**words):
    """A plain book that trades: 20 positions in two currencies, a third of them sold."""
    given = {
        "holdings": {name: 10 + place for place, name in enumerate(NAMES)},
        "prices": {name: (f"{place + 3}.25", ("CHF", "USD")[place % 2]) for place, name in enumerate(NAMES)},
        "fx": {"USD/CHF": "0.9"},
        "cash": 500,
        "model": dict.fromkeys(NAMES[::3], "0.07"),
    }
    return book(**{**given, **words})


@pytest.mark.parametrize("method", ["HEURISTIC", "SOLVER"])
@pytest.mark.parametrize("block", range(4))
def test_the_bytes_are_those_of_python(method, block):
    answered = 0
    for seed in range(block * 60, (block + 1) * 60):
        body = plain_request(seed)
        if method == "SOLVER":
            body = solved(body)
        request = typed(body)
        answered += compiled_run(request) is not None
        assert rebalance(request, IDENTITY).to_bytes() == by_python(request).to_bytes(), f"seed {seed}"
    assert answered > 10


@pytest.mark.parametrize("block", range(2))
def test_a_wide_request_is_answered_as_the_contract_says(block):
    for seed in range(block * 60, (block + 1) * 60):
        body = plain_request(seed)
        actual = plain(json.loads(rebalance(typed(body), IDENTITY).to_bytes()))
        assert differences(literal(body), actual) == [], f"seed {seed}"


def test_what_compiled_code_wrote_reads_as_what_python_made():
    request = typed(wide(group_constraints={"sector:S": {"max_weight": "0.2"}}, shelf=shelf_in("S", NAMES[:6])))
    one, other = rebalance(request, IDENTITY), by_python(request)
    assert compiled_run(request) is not None
    assert one.before == other.before
    assert one.after_simulated.positions == list(other.after_simulated.positions)
    assert list(one.intents) == other.intents
    assert one.target.targets == other.target.targets
    assert one.universe.eligible_for_sell == other.universe.eligible_for_sell
    assert list(one.diagnostics.group_constraint_events) == other.diagnostics.group_constraint_events
    assert len(one.intents) == len(other.intents) > 10
    assert count_trades(one.intents) == count_trades(other.intents) > 5
    assert one.intents[0] == other.intents[0]
    assert "I0" in repr(one.before)
    assert "oi_1" in repr(one.intents)


def shelf_in(sector, names):
    return {name: {"status": "APPROVED", "attributes": {"sector": sector}} for name in names}


LEFT_TO_PYTHON = {
    "few positions": book(holdings={"A": 1}, prices={"A": 1}),
    "custodian's value": wide(holdings={**dict.fromkeys(NAMES, 5), "I1": {"quantity": "5", "market_value": money(9)}}),
    "minimum of an instrument": wide(shelf={"I1": {"status": "APPROVED", "min_notional": money(9)}}),
    "lot size": wide(shelf={"I1": {"status": "APPROVED", "lot_size": "10"}}),
    "minimum of all": wide(min_trade_notional=money(9)),
    "turnover cap": wide(max_turnover_pct="0.1"),
    "tax lots": wide(
        enable_tax_awareness=True,
        holdings={**dict.fromkeys(NAMES, 5), "I1": {"quantity": "5", "lots": [lot("L", 5, 1)]}},
    ),
    "settlement": wide(enable_settlement_awareness=True),
    "comparison": wide(compare_target_methods=True),
    "trusted snapshot": wide(valuation_mode="TRUST_SNAPSHOT"),
    "cash repair": wide(cash_repair=True),
    "buy only": wide(trade_mode="BUY_ONLY"),
    "price missing": wide(holdings={**dict.fromkeys(NAMES, 5), "X": 1}),
    "rate missing": wide(fx={}),
    "rate of cash missing": wide(cash={"CHF": 5, "EUR": 1}),
    "model target on no shelf": wide(shelf={"I0": None}),
    "name to be escaped": wide(
        holdings={**dict.fromkeys(NAMES, 5), 'I"': 1}, prices={**dict.fromkeys(NAMES, 5), 'I"': 1}
    ),
    "name that is not ASCII": wide(prices={**dict.fromkeys(NAMES, 5), "Zürich": 1}),
    "class to be escaped": wide(shelf={"I1": {"status": "APPROVED", "asset_class": "a\\b"}}),
    "29 digits": wide(cash="1.2345678901234567890123456789"),
    "short position that stays": wide(holdings={**dict.fromkeys(NAMES, 5), "I1": -3}, shelf={"I1": "SUSPENDED"}),
    "nothing there": wide(holdings=dict.fromkeys(NAMES, 0), cash=0),
    "projection beside a locked holding": wide(target_method="SOLVER", shelf={"I1": "SUSPENDED"}),
    "no projection": wide(target_method="SOLVER", cash_band_min_weight="0.9", cash_band_max_weight="0.1"),
    "limit broken": wide(
        single_position_max_weight="0.05",
        shelf={"I3": "SUSPENDED"},
        holdings={**dict.fromkeys(NAMES, 5), "I3": 5000},
        model={},
    ),
    "locked above a group cap": wide(
        shelf={"I1": {"status": "BANNED", "attributes": {"s": "S"}}},
        group_constraints={"s:S": {"max_weight": "0.001"}},
    ),
    "nobody to take what a cap releases": wide(
        model={"I0": "0.9"}, shelf=shelf_in("S", ["I0"]), group_constraints={"sector:S": {"max_weight": "0.5"}}
    ),
}


@pytest.mark.parametrize("case", LEFT_TO_PYTHON)
def test_what_is_not_plain_is_left_to_python(case):
    request = typed(LEFT_TO_PYTHON[case])
    assert compiled_run(request) is None
    assert rebalance(request, IDENTITY).to_bytes() == by_python(request).to_bytes()


TWICE = {
    "positions": ("portfolio_snapshot", "positions"),
    "cash": ("portfolio_snapshot", "cash_balances"),
    "targets": ("model_portfolio", "targets"),
}


@pytest.mark.parametrize("rows", TWICE)
def test_rows_that_occur_twice_are_left_to_python(rows):
    body = wide()
    part, field = TWICE[rows]
    body[part][field].append(body[part][field][0])
    request = typed(body)
    assert compiled_run(request) is None
    assert rebalance(request, IDENTITY).to_bytes() == by_python(request).to_bytes()


PLAIN: dict[str, dict[str, Any]] = {
    "as it is": {},
    "short position that is bought back": {"holdings": {**dict.fromkeys(NAMES, 5), "I1": -3}},
    "projection": {"target_method": "SOLVER", "single_position_max_weight": "0.1"},
    "every status": {
        "shelf": {
            "I0": "SELL_ONLY",
            "I3": "BANNED",
            "I6": "RESTRICTED",
            "I1": "SUSPENDED",
            "I2": "RESTRICTED",
            "I4": None,
        }
    },
    "restricted allowed": {"allow_restricted": True, "shelf": {"I0": "RESTRICTED", "I1": "RESTRICTED"}},
    "sell only with nobody to buy": {"model": {"I0": "0.5"}, "shelf": {"I0": "SELL_ONLY"}},
    "more than everything": {"model": dict.fromkeys(NAMES, "0.07")},
    "more than everything beside what is locked": {"model": dict.fromkeys(NAMES, "0.07"), "shelf": {"I5": "BANNED"}},
    "position limit": {"single_position_max_weight": "0.1", "model": {"I0": "0.5", "I1": "0.2", "I2": "0.05"}},
    "position limit that nobody can meet": {"single_position_max_weight": "0.1", "model": {"I0": "0.9"}},
    "cash buffer": {"min_cash_buffer_pct": "0.4", "model": dict.fromkeys(NAMES, "0.05")},
    "unknown attribute": {"group_constraints": {"x:y": {"max_weight": "0.1"}}},
    "two caps": {
        "shelf": {**shelf_in("S", NAMES[:9]), **shelf_in("T", NAMES[9:])},
        "model": dict.fromkeys(NAMES, "0.05"),
        "group_constraints": {
            "sector:S": {"max_weight": "0.2"},
            "sector:T": {"max_weight": "0.3"},
            "sector:U": {"max_weight": "0"},
        },
    },
    "foreign cash": {
        "cash": {"CHF": -100, "USD": 5000, "EUR": "0.00", "JPY": 7},
        "fx": {"USD/CHF": "0.9", "CHF/JPY": "160", "EUR/CHF": 1},
    },
    "cash with a settled part": {"cash": {"CHF": {"amount": "500", "settled": "400", "pending": "1"}}},
    "no cash rows": {"cash": {}},
    "no model": {"model": {}},
    "consent": {"workflow_requires_client_consent": True},
    "no gates": {"enable_workflow_gates": False},
    "no links": {"link_buy_to_same_currency_sell_dependency": False},
    "cash band": {"cash_band_max_weight": "0.001"},
    "inverse rates of 28 digits": {"fx": {"CHF/USD": "1.13"}},
    "long numbers": {
        "cash": "1234567.890123456789012345678",
        "model": dict.fromkeys(NAMES[::3], "0.0712345678901234567890123456"),
    },
}


@pytest.mark.parametrize("case", PLAIN)
def test_a_plain_request_is_compiled_and_says_the_same(case):
    request = typed(wide(**PLAIN[case]))
    assert compiled_run(request) is not None
    assert rebalance(request, IDENTITY).to_bytes() == by_python(request).to_bytes()


def test_the_buffer_has_room_for_the_longest_names_and_numbers(monkeypatch):
    asked = []

    def noted(size):
        asked.append(size)
        return columns.buffer(size)

    monkeypatch.setattr(compiled, "buffer", noted)
    long = {name: name + "n" * 300 for name in NAMES}
    shelf = {
        name: {
            "status": "APPROVED",
            "asset_class": f"{place}" + "c" * 300,
            "attributes": {"a" * 200: f"{place}" + "v" * 300},
        }
        for place, name in enumerate(long.values())
    }
    key = "a" * 200 + ":0" + "v" * 300
    body = wide(
        holdings=dict.fromkeys(long.values(), "1234567890.123456789012345678"),
        prices=dict.fromkeys(long.values(), ("0.1234567890123456789012345678", "C" * 300)),
        fx={"C" * 300 + "/CHF": "0.1234567890123456789012345678"},
        model=dict.fromkeys(long.values(), "0.05"),
        shelf=shelf,
        group_constraints={key: {"max_weight": "0.01"}},
    )
    request = typed(body)
    assert compiled_run(request) is not None
    written = rebalance(request, IDENTITY).to_bytes()
    assert written == by_python(request).to_bytes()
    assert len(written) < max(asked)


def test_an_answer_can_be_copied_and_sent_to_another_process():
    result = rebalance(typed(wide()), IDENTITY)
    for other in (copy.copy(result), copy.deepcopy(result), pickle.loads(pickle.dumps(result))):
        assert other == result
        assert other.to_bytes() == result.to_bytes()
    assert not hasattr(result.before, "no_such_part")


def test_tables_are_shared_by_the_runs_of_a_book():
    request = typed(wide())
    tables = Tables.of(request.market_data_snapshot, request.shelf_entries)
    alone = rebalance(request, IDENTITY).to_bytes()
    assert [rebalance(request, IDENTITY, tables=tables).to_bytes() for _ in range(3)] == [alone] * 3


def test_threads_do_not_write_into_each_others_buffers():
    requests = [typed(plain_request(seed)) for seed in range(40)]
    alone = [rebalance(request, IDENTITY).to_bytes() for request in requests]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            together = list(pool.map(lambda request: rebalance(request, IDENTITY).to_bytes(), requests))
            assert together == alone


def test_without_a_compiled_kernel_python_answers(monkeypatch):
    monkeypatch.setattr(engine, "run_compiled", lambda *_: pytest.fail("nobody may wait for a compiler"))
    monkeypatch.setattr(engine, "is_ready", lambda: False)
    assert rebalance(typed(wide()), IDENTITY).status == "READY"
