"""Combinations: which are valid, in which order, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.core.errors import InvalidInputError
from steelyard.research.strategies import Combinations, Strategy, enumerate_combinations, level_rules

windows = st.lists(st.integers(1, 60), min_size=1, max_size=8)


@given(windows, windows, windows)
def test_every_valid_combination_is_there_once_by_fast_then_slow_then_signal(fast, slow, signal):
    expected = sorted({(f, s, n) for f in fast for s in slow for n in signal if f < s})
    if not expected:
        with pytest.raises(InvalidInputError, match="no combination has fast < slow"):
            enumerate_combinations(fast, slow, signal)
        return
    found = enumerate_combinations(fast, slow, signal)
    assert list(zip(found.fast, found.slow, found.signal, strict=True)) == expected


def test_the_benchmark_grid_has_4775_combinations():
    assert len(enumerate_combinations(range(5, 101), range(20, 301, 5))) == 4_775


@pytest.mark.parametrize(
    ("strategy", "bar"), [(Strategy.SMA, 19), (Strategy.EMA, 19), (Strategy.MACD, 27), (Strategy.RSI, 20)]
)
def test_a_state_is_defined_once_its_longest_window_is_full(strategy, bar):
    assert enumerate_combinations([5], [20]).first_defined_bar(strategy).tolist() == [bar]


def test_a_level_rule_is_defined_after_its_period_of_changes():
    rules = level_rules([14, 2])
    assert rules.is_level_rule
    assert rules.first_defined_bar(Strategy.RSI).tolist() == [2, 14]


@pytest.mark.parametrize(
    ("build", "code", "words"),
    [
        (lambda: enumerate_combinations([], [5]), "NO_VALID_COMBINATION", "`fast` was empty"),
        (lambda: enumerate_combinations([0], [5]), "OUT_OF_RANGE", "`fast` was 0"),
        (lambda: enumerate_combinations([5], [100_001]), "OUT_OF_RANGE", "`slow` was 100001"),
        (lambda: enumerate_combinations([5], [9], [-3]), "OUT_OF_RANGE", "`signal` was -3"),
        (lambda: enumerate_combinations([50], [20]), "NO_VALID_COMBINATION", "smallest fast was 50"),
        (lambda: level_rules([14], lower=70, upper=30), "OUT_OF_RANGE", "`lower` was 70"),
        (lambda: level_rules([14], upper=100), "OUT_OF_RANGE", "`upper` 100"),
        (
            lambda: Combinations(np.array([9]), np.array([5]), np.array([9])),
            "OUT_OF_RANGE",
            "`fast` was 9 and `slow` 5",
        ),
        (lambda: Combinations(np.array([1, 2]), np.array([3]), np.array([9])), "NO_VALID_COMBINATION", "2, 1 and 1"),
    ],
)
def test_what_compiled_code_could_not_survive_is_refused_with_the_value(build, code, words):
    with pytest.raises(InvalidInputError) as refusal:
        build()
    assert refusal.value.code == code
    assert words in refusal.value.message
