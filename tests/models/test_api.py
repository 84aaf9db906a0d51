"""`sy.whole_shares`: one portfolio in words, many in arrays."""

from decimal import Decimal

import numpy as np
import pytest

import steelyard as sy
from steelyard.core.errors import InvalidInputError
from steelyard.models.explain import Reason

ONE = ("100000", {"A": "0.30", "B": "0.25"}, {"A": "0.02", "B": "0.02"}, "0.05", {"B": "101.5", "A": "33.37"})


def test_keyed_numbers_give_keyed_answers():
    answer = sy.whole_shares(*ONE)
    assert answer.quantities == {"A": 899, "B": 246}
    assert (answer.status, answer.objective) == ("OPTIMAL", Decimal("31.37"))
    assert answer.reasons == {"A": Reason.NEAREST.text, "B": Reason.NEAREST.text}


@pytest.mark.parametrize("kind", [Decimal, str, float])
def test_aligned_numbers_of_any_kind_give_aligned_answers(kind):
    rows = ([kind("0.30"), kind("0.25")], [kind("0.02")] * 2, kind("0.05"), [kind("33.37"), kind("101.5")])
    assert sy.whole_shares(100_000, *rows).quantities == (899, 246)


def test_a_float_means_its_shortest_text():
    # 0.105 of 1000 is 105 exactly: in binary it lies just below, and a window of no width would miss it.
    assert sy.whole_shares(1000, [0.105], [0.0], [0.0], [1.05]).quantities == (100,)
    assert sy.whole_shares(np.float64(1000), np.array([0.105]), [0], [0], [np.int64(105)]).quantities == (1,)


def test_the_cvxpy_way_agrees():
    assert sy.whole_shares(*ONE, solver="cvxpy").quantities == {"A": 899, "B": 246}


@pytest.mark.parametrize(
    ("arguments", "status", "reasons"),
    [
        (
            (5000, ["0.3", "0.2"], ["0.01", "0.1"], ["0.01", "0.1"], ["1234.56", 10]),
            "NO_WHOLE_QUANTITY",
            (Reason.NO_WHOLE_QUANTITY, Reason.NO_ANSWER),
        ),
        ((1000, ["0.45", "0.45"], "0.1", "0.5", [600, 550]), "NOT_ENOUGH_CASH", (Reason.NO_ANSWER, Reason.NO_ANSWER)),
    ],
)
def test_without_an_answer_there_are_no_quantities_but_reasons(arguments, status, reasons):
    answer = sy.whole_shares(*arguments)
    assert (answer.quantities, answer.status, answer.objective) == (None, status, None)
    assert answer.reasons == tuple(reason.text for reason in reasons)


def test_reasons_tell_the_nearest_the_window_and_the_cash_apart():
    window = sy.whole_shares(1000, ["0.16"], ["0.01"], ["0.05"], [100])
    assert window.quantities == (2,)
    assert sy.whole_shares(1000, ["0.16"], ["0.07"], ["0.03"], [100]).reasons == (Reason.WINDOW.text,)
    assert sy.whole_shares(1000, ["0.16"], ["0.1"], ["0.1"], [100], budget=150).reasons == (Reason.CASH.text,)


def test_a_batch_gives_arrays_and_the_same_answers():
    value = np.array([10_000_000, 500_000])
    rows = (np.array([300, 250]), np.array([20, 20]), np.array([50, 50]), np.array([3337, 10_150]))
    batch = sy.whole_shares(value, *rows, scale=1000)
    assert batch.quantities.tolist() == [[899, 246], [45, 12]]
    assert batch.status.tolist() == [0, 0]
    assert batch.objective.tolist() == [3_137_000, 3_365_000]
    assert batch.reasons().tolist() == [[0, 0], [0, 0]]


def test_a_batch_too_fine_for_64_bits_is_as_exact():
    value = np.array([10_000_000 * 10**15], dtype=object)
    prices = np.array([3337, 10_150], dtype=object) * 10**15
    batch = sy.whole_shares(value, np.array([300, 250]), np.array([20, 20]), np.array([50, 50]), prices, scale=1000)
    assert batch.quantities.tolist() == [[899, 246]]
    assert batch.objective.tolist() == [3_137_000 * 10**15]
    assert batch.reasons().tolist() == [[0, 0]]


@pytest.mark.parametrize(
    ("changed", "code", "named"),
    [
        ({0: "nan"}, "NOT_A_DECIMAL", "market_value"),
        ({0: True}, "NOT_A_DECIMAL", "True"),
        ({0: 0}, "OUT_OF_RANGE", "market_value"),
        ({1: {"A": "1.1", "B": 0}}, "OUT_OF_RANGE", "1.1"),
        ({1: ["0.1", "0.2"]}, "KEYS_DIFFER", "A"),
        ({2: {"A": "0.1"}}, "KEYS_DIFFER", "B"),
        ({2: ["0.1"]}, "SHAPE_MISMATCH", "low_drift"),
        ({3: "-0.1"}, "OUT_OF_RANGE", "-0.1"),
        ({4: {"A": 0, "B": 1}}, "OUT_OF_RANGE", "price"),
        ({4: "5"}, "SHAPE_MISMATCH", "price"),
        ({1: "0.5"}, "SHAPE_MISMATCH", "target"),
        ({0: "1E+24"}, "OUT_OF_RANGE", "market_value"),
        ({0: "1e-999999999"}, "OUT_OF_RANGE", "40 after"),
        ({1: ["0.1"] * 10_001}, "TOO_MANY_POSITIONS", "10001"),
    ],
)
def test_bad_input_is_refused_with_its_value(changed, code, named):
    arguments = [changed.get(place, given) for place, given in enumerate(ONE)]
    with pytest.raises(InvalidInputError, match=named) as caught:
        sy.whole_shares(*arguments)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("changed", "code", "named"),
    [
        ({"scale": None}, "SCALE_INVALID", "None"),
        ({"scale": 0}, "SCALE_INVALID", "0"),
        ({"target": np.array([0.3, 0.25])}, "NOT_INTEGERS", "float64"),
        ({"target": np.array([300, 250, 1])}, "SHAPE_MISMATCH", r"\(2,\)"),
        ({"price": np.array([[3337, 10_150]] * 3)}, "SHAPE_MISMATCH", r"\(3, 2\)"),
        ({"price": np.array([3337, 0])}, "OUT_OF_RANGE", "price"),
        ({"target": np.array([300, 1001])}, "OUT_OF_RANGE", "1.001"),
        ({"budget": np.array([1])}, "SHAPE_MISMATCH", "budget"),
        ({"market_value": np.ones(1_000_001, dtype=int)}, "SHAPE_MISMATCH", "1000001"),
        ({"market_value": np.zeros((2, 2), dtype=int)}, "SHAPE_MISMATCH", "market_value"),
    ],
)
def test_a_bad_batch_is_refused_with_its_value(changed, code, named):
    arguments = {
        "market_value": np.array([10_000_000, 500_000]),
        "target": np.array([300, 250]),
        "low_drift": np.array([20, 20]),
        "high_drift": np.array([50, 50]),
        "price": np.array([3337, 10_150]),
        "scale": 1000,
    }
    with pytest.raises(InvalidInputError, match=named) as caught:
        sy.whole_shares(**{**arguments, **changed})
    assert caught.value.code == code


def test_nothing_to_choose_is_an_answer_too():
    assert sy.whole_shares(1000, [], [], [], []).quantities == ()
    nothing = np.zeros(0, dtype=np.int64)
    assert sy.whole_shares(np.array([1000]), nothing, nothing, nothing, nothing, scale=1000).status.tolist() == [0]


def test_a_scale_without_a_batch_is_refused():
    with pytest.raises(InvalidInputError, match="1000"):
        sy.whole_shares(*ONE, scale=1000)  # type: ignore[call-overload]
