"""Bodies of books: read portfolio by portfolio, refused in the words of FastAPI."""

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.rebalance import book_schemas, book_wire, limits
from steelyard.rebalance.book_plan import book_hash
from steelyard.rebalance.book_wire import FAULTS_MAX, read_book
from steelyard.rebalance.wire import MalformedBodyError, read_carefully
from tests.rebalance.book_desk import account, book_body


def faults(body):
    """What is wrong with a body, which is JSON or bytes."""
    with pytest.raises(MalformedBodyError) as refused:
        read_book(body if isinstance(body, bytes) else json.dumps(body).encode())
    return refused.value.errors


def places(body):
    return [(fault["type"], list(fault["loc"])) for fault in faults(body)]


PATHS = [
    ("market_data_snapshot",),
    ("market_data_snapshot", "prices"),
    ("market_data_snapshot", "prices", 0, "price"),
    ("shelf_entries",),
    ("shelf_entries", 1, "status"),
    ("models",),
    ("models", "calm"),
    ("models", "calm", "targets", 0, "weight"),
    ("options",),
    ("options", "max_turnover_pct"),
    ("portfolios",),
    ("portfolios", 0),
    ("portfolios", 1, "model"),
    ("portfolios", 1, "options"),
    ("portfolios", 1, "snapshot_name"),
    ("portfolios", 1, "content_hash"),
    ("portfolios", 2, "portfolio_snapshot"),
    ("portfolios", 2, "portfolio_snapshot", "portfolio_id"),
    ("portfolios", 2, "portfolio_snapshot", "positions", 0, "quantity"),
    ("portfolios", 2, "portfolio_snapshot", "cash_balances", 0),
    ("unknown",),
]
VALUES = [None, 0, -1, "x", "", "NaN", "1e31", "2.5", [], {}, [1], {"a": 1}, True, "x" * 300, "\ud800"]


def changed(body, path, value, *, is_removed):
    """A body with something else at a place, or nothing."""
    body = copy.deepcopy(body)
    place = body
    for step in path[:-1]:
        place = place[step]
    if is_removed:
        if isinstance(place, list):
            place.pop(path[-1])
        else:
            place.pop(path[-1], None)
    else:
        place[path[-1]] = value
    return body


@settings(max_examples=300)
@given(st.sampled_from(PATHS), st.sampled_from(VALUES), st.booleans())
def test_a_body_is_read_or_refused_as_if_it_were_validated_in_one_piece(path, value, is_removed):
    body = json.dumps(changed(book_body(range(3)), path, value, is_removed=is_removed)).encode()
    try:
        read_carefully(body, book_schemas.BookRequest, dict)
    except MalformedBodyError as refused:
        expected = [(fault["type"], fault["loc"], fault["msg"]) for fault in refused.errors]
    else:
        expected = []
    try:
        read_book(body)
    except MalformedBodyError as refused:
        found = [(fault["type"], fault["loc"], fault["msg"]) for fault in refused.errors]
    else:
        found = []
    if found == [("json_invalid", ("body",), "JSON decode error")]:
        assert value == "\ud800", "half a character is what Python alone takes for JSON"
        return
    if any(loc[1] == "portfolios" for _, loc, _ in found) != any(loc[1] == "portfolios" for _, loc, _ in expected):
        # Faults of what is shared come alone: without it, options of portfolios have no meaning.
        expected = [fault for fault in expected if fault[1][1] != "portfolios"]
    assert found == expected


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"portfolios": [}', b'{"a": NaN}', b"\xff", b"[" * 5000])
def test_what_is_no_book_at_all_is_refused_as_elsewhere(body):
    expected = []
    try:
        read_carefully(body, book_schemas.BookRequest, dict)
    except MalformedBodyError as refused:
        expected = [(fault["type"], list(fault["loc"])) for fault in refused.errors]
    assert places(body) == expected


def test_a_portfolio_is_inline_or_stored_and_its_hash_goes_with_its_name():
    body = book_body(range(1))
    body["portfolios"] += [{"model": "calm"}, {**account(7), "snapshot_name": "x"}, {**account(8), "content_hash": "h"}]
    found = faults(body)
    assert [fault["loc"] for fault in found] == [("body", "portfolios", place) for place in (1, 2, 3)]
    assert ["either portfolio_snapshot or snapshot_name" in fault["msg"] for fault in found] == [True, True, False]


def test_own_options_are_refused_below_their_portfolio():
    body = book_body(range(3))
    body["portfolios"][1]["options"] = {"max_turnover_pct": "2"}
    body["portfolios"][2]["options"] = {"settlement_horizon_days": 99, "as_of": "soon"}
    assert places(body) == [
        ("value_error", ["body", "portfolios", 1, "options", "max_turnover_pct"]),
        ("less_than_equal", ["body", "portfolios", 2, "options", "settlement_horizon_days"]),
    ]


def test_own_options_are_checked_together_with_the_shared_ones():
    body = book_body(range(2), enable_tax_awareness=True, as_of="2026-02-03", block_short_term_gains=True)
    body["portfolios"][1]["options"] = {"enable_tax_awareness": False}
    (fault,) = faults(body)
    assert fault["loc"] == ("body", "portfolios", 1, "options")
    assert "needs enable_tax_awareness" in fault["msg"]


def test_a_portfolio_is_in_a_book_once():
    body = book_body([3, 4, 3])
    (fault,) = faults(body)
    assert (fault["loc"], fault["input"]) == (("body", "portfolios", 2), "pf-003")


def test_limits_of_number_are_those_of_the_names(monkeypatch):
    body = book_body(range(1))
    body["portfolios"] = [{"model": "m", "snapshot_name": str(n)} for n in range(limits.BOOK_ACCOUNTS_MAX + 1)]
    assert places(body) == [("too_long", ["body", "portfolios"])]
    body["portfolios"].pop()
    assert len(read_book(json.dumps(body).encode()).portfolios) == limits.BOOK_ACCOUNTS_MAX
    body = book_body(range(1))
    body["models"] = {str(n): {"targets": []} for n in range(limits.BOOK_MODELS_MAX + 1)}
    assert places(body) == [("too_long", ["body", "models"])]
    body = book_body(range(1))
    body["portfolios"] = [{"model": "m" * 201, "snapshot_name": "x"}]
    assert places(body) == [("string_too_long", ["body", "portfolios", 0, "model"])]


def test_there_are_only_so_many_different_options_and_so_many_faults(monkeypatch):
    monkeypatch.setattr(limits, "BOOK_OPTION_SETS_MAX", 3)
    body = book_body(range(5))
    for number, one in enumerate(body["portfolios"]):
        one["options"] = {"max_turnover_pct": f"0.{number + 1}"}
    found = faults(body)
    assert [fault["loc"] for fault in found] == [("body", "portfolios", place, "options") for place in (2, 3, 4)]
    assert "at most 3 different sets of options" in found[0]["msg"]
    body["portfolios"] = [None] * (FAULTS_MAX + 5)
    assert len(faults(body)) == FAULTS_MAX


def test_the_hash_of_a_book_is_that_of_what_it_says():
    def hashed(body, pack=None):
        return book_hash(read_book(json.dumps(body).encode()), pack)

    body = book_body(range(3))
    spaced = json.dumps(body, indent=3).encode()
    assert book_hash(read_book(spaced), None) == hashed(body)
    others = [
        book_body(range(4)),
        book_body([1, 0, 2]),
        changed(body, ("portfolios", 0, "model"), "other", is_removed=False),
        changed(body, ("portfolios", 0, "options"), {"fx_buffer_pct": "0"}, is_removed=False),
        changed(body, ("models", "calm", "targets", 0, "weight"), "0.51", is_removed=False),
        changed(body, ("portfolios", 0), {"model": "calm", "snapshot_name": "x"}, is_removed=False),
    ]
    assert len({hashed(body), hashed(body, "pack"), *map(hashed, others)}) == 2 + len(others)
    assert book_wire.read_book(spaced).portfolios[0].portfolio_id == "pf-000"
