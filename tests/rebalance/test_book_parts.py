"""Parts of a book: every account as if it were alone, whoever works on it and beside whom."""

import json
import subprocess
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.core.errors import CancelledError, UnavailableError
from steelyard.rebalance.api import simulate
from steelyard.rebalance.book import SharedBook
from steelyard.rebalance.book_parts import CALCULATION_FAILED, PartDesk, read_pieces
from steelyard.rebalance.book_plan import shared_inputs
from steelyard.rebalance.book_processes import work_on_parts
from steelyard.rebalance.book_wire import read_book
from steelyard.rebalance.policy_packs import PolicyPack, TurnoverPolicy, apply_pack
from steelyard.rebalance.result import SecurityTrade
from steelyard.rebalance.wire import read_request, request_hash
from tests.rebalance.book_desk import account, book_body, packed_book, results_of, single_of, worked_on

NUMBERS = st.lists(st.integers(0, 500), min_size=1, max_size=12, unique=True)


@settings(max_examples=30)
@given(NUMBERS, st.sampled_from([{}, {"max_turnover_pct": "0.1"}, {"target_method": "SOLVER"}]))
def test_an_account_of_a_book_is_its_own_simulation_byte_for_byte(numbers, options):
    body = book_body(numbers, **options)
    _, results = worked_on(body)
    alone = [simulate(single_of(body, one), correlation_id="corr-1").to_bytes() for one in body["portfolios"]]
    assert results == alone


def test_an_account_may_replace_some_of_the_shared_options():
    body = book_body(max_turnover_pct="0.5", cash_band_max_weight="0.9")
    body["portfolios"][1]["options"] = {"max_turnover_pct": "0.05"}
    body["portfolios"][2]["options"] = {"max_turnover_pct": 0.05, "fx_buffer_pct": "0"}
    _, results = worked_on(body)
    for one, result in zip(body["portfolios"], results, strict=True):
        assert simulate(single_of(body, one), correlation_id="corr-1").to_bytes() == result
    assert "PARTIAL_REBALANCE_TURNOVER_LIMIT" in json.loads(results[1])["diagnostics"]["warnings"]


def test_text_beyond_ascii_is_hashed_as_a_simulation_hashes_it():
    body = book_body(range(3))
    body["portfolios"][1]["portfolio_snapshot"]["portfolio_id"] = "Zürich\x7f"
    for models in (body["models"], {"Mü": body["models"]["calm"]}):
        body["models"] = models
        for one in body["portfolios"]:
            one["model"] = next(iter(models))
        _, results = worked_on(body)
        hashes = [json.loads(result)["lineage"]["request_hash"] for result in results]
        assert hashes == [request_hash(read_request(single_of(body, one))) for one in body["portfolios"]]


def test_a_policy_pack_counts_and_is_not_hashed():
    body = book_body(range(4), max_turnover_pct="0.9")
    pack = PolicyPack("slow", turnover_policy=TurnoverPolicy(max_turnover_pct=Decimal("0.01")))
    _, results = worked_on(body, pack=pack)
    for one, result in zip(body["portfolios"], results, strict=True):
        asked = read_request(single_of(body, one))
        governed = simulate(msgspec_with_options(asked, apply_pack(asked.options, pack)), correlation_id="corr-1")
        found = json.loads(result)
        assert found["intents"] == governed.to_dict()["intents"]
        assert found["lineage"]["request_hash"] == request_hash(asked)


def msgspec_with_options(request, options):
    return type(request)(
        request.portfolio_snapshot,
        request.market_data_snapshot,
        request.model_portfolio,
        request.shelf_entries,
        options,
    )


@settings(max_examples=20)
@given(NUMBERS.flatmap(lambda numbers: st.tuples(st.just(numbers), st.permutations(numbers))))
def test_the_order_of_the_portfolios_changes_the_order_of_the_answers_and_nothing_else(orders):
    first, second = (worked_on(book_body(numbers)) for numbers in orders)
    for left, right in zip(*[sorted(one[1]) for one in (first, second)], strict=True):
        assert left == right
    rows = [sorted(row.row for row in one[0].rows) for one in (first, second)]
    assert rows[0] == rows[1]
    blocks = [read_pieces(one[0].pieces) for one in (first, second)]
    for left, right in zip(*blocks, strict=True):
        assert (left.instrument_id, left.side, left.quantity) == (right.instrument_id, right.side, right.quantity)
        assert left.notional == right.notional
        assert sorted(one.portfolio_id for one in left.shares()) == sorted(one.portfolio_id for one in right.shares())


@settings(max_examples=20)
@given(NUMBERS)
def test_blocks_are_the_intents_of_the_ready_accounts_added_up(numbers):
    body = book_body(numbers, single_position_max_weight="0.6")
    result, _ = worked_on(body)
    sums: dict[tuple[str, str], tuple[Any, Any, int]] = {}
    for one in body["portfolios"]:
        alone = simulate(single_of(body, one))
        trades = [intent for intent in alone.intents if isinstance(intent, SecurityTrade)]
        for trade in trades if alone.status == "READY" else ():
            quantity, notional, count = sums.get((trade.instrument_id, trade.side), (0, 0, 0))
            at = (trade.instrument_id, trade.side)
            sums[at] = (quantity + trade.quantity, notional + trade.notional.amount, count + 1)
    blocks = read_pieces(result.pieces)
    assert {
        (one.instrument_id, one.side): (one.quantity, one.notional.amount, one.account_count) for one in blocks
    } == sums


def test_any_number_of_processes_gives_the_same_bytes():
    body = book_body(range(23))
    shared, parts = packed_book(body, size=3)
    expected = list(work_on_parts(shared, parts, processes=0))
    assert [len(results_of(one)[1]) for one in expected] == [3] * 7 + [2]
    for processes in (1, 2, 4):
        assert list(work_on_parts(shared, parts, processes=processes)) == expected


def test_an_account_with_an_unknown_model_or_a_defect_fails_alone(monkeypatch):
    body = book_body(range(3))
    body["portfolios"][1]["model"] = "gone"
    result, results = worked_on(body)
    assert [row.status == "FAILED" for row in result.rows] == [False, True, False]
    assert results[1] == b""
    assert json.loads(result.rows[1].row)["error"]["code"] == "MODEL_NOT_FOUND"

    shared, (part,) = packed_book(book_body(range(3)))
    desk = PartDesk(shared)
    run = desk._shared.run

    def fragile(one, identity):
        if one.portfolio_snapshot.portfolio_id == "pf-001":
            raise ArithmeticError
        return run(one, identity)

    monkeypatch.setattr(SharedBook, "run", lambda _, *given: fragile(*given))
    result, _ = results_of(desk.work(part))
    assert [row.status == "FAILED" for row in result.rows] == [False, True, False]
    assert json.loads(result.rows[1].row)["error"]["code"] == CALCULATION_FAILED


@pytest.fixture
def started(monkeypatch):
    """The processes that were started."""
    found: list[subprocess.Popen[bytes]] = []

    class Watched(subprocess.Popen[bytes]):
        def __init__(self, *words, **named):
            super().__init__(*words, **named)
            found.append(self)

    monkeypatch.setattr("steelyard.rebalance.book_processes.subprocess.Popen", Watched)
    return found


def test_a_process_that_dies_is_said_so_and_none_outlives_the_book(started):
    shared, parts = packed_book(book_body(range(12)), size=1)
    results = work_on_parts(shared, parts, processes=2)
    next(results)
    for process in started:
        process.kill()
    with pytest.raises(UnavailableError, match="ended before its time"):
        list(results)
    assert [process.poll() for process in started] == [-9, -9]


def test_a_book_that_is_stopped_leaves_no_process(started):
    shared, parts = packed_book(book_body(range(12)), size=1)
    looks = iter([None] * 3)

    def keep_going():
        if next(looks, "stop"):
            raise CancelledError("stopped")

    with pytest.raises(CancelledError):
        list(work_on_parts(shared, parts, processes=2, keep_going=keep_going))
    assert len(started) == 2
    assert all(process.poll() is not None for process in started)


def test_a_process_ends_when_whoever_started_it_is_gone(started):
    shared, parts = packed_book(book_body(range(4)), size=1)
    results = work_on_parts(shared, parts, processes=1)
    next(results)
    (process,) = started
    process.stdin.close()  # what the kernel does when its owner is killed
    assert process.wait(timeout=30) == 0
    results.close()


def test_results_are_grouped_by_number_and_by_size(monkeypatch):
    body = book_body(range(10))
    result, results = worked_on(body)
    assert [first for first, _ in result.groups] == [0, 8]
    monkeypatch.setattr("steelyard.rebalance.book_parts.GROUP_BYTES", len(results[0]) + 1)
    result, again = worked_on(body)
    assert [first for first, _ in result.groups] == [0, 2, 4, 6, 8]
    assert again == results


def test_different_options_are_kept_once():
    body = book_body(range(4))
    for one, share in zip(body["portfolios"], ("0.1", "0.1", "0.10", "0.2"), strict=True):
        one["options"] = {"max_turnover_pct": share}
    given_book = read_book(json.dumps(body).encode())
    assert len(given_book.option_sets) == 4  # 0.10 is another text, and so another request
    assert [one.options for one in given_book.portfolios] == [1, 1, 2, 3]
    assert shared_inputs(given_book, None, "c")
    assert account(1) == account(1)
