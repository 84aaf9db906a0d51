"""The composite score against the contract's text written out branch by branch."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.research.score import composite_score


def contract_score(strategy):
    """The formula of the contract, one strategy, in its own words."""
    wr, n, s, p, x, tr, bh = strategy
    if any(math.isnan(value) for value in (wr, n, p, x)):
        return 0.0
    parts = (
        2.5 * win(wr, n) + 1.5 * count(n) + 1.2 * sortino(s) + 1.2 * factor(p) + expectancy(x) + 0.6 * beside(tr, bh)
    )
    return parts / 8 * confidence(n)


def win(wr, n):
    if wr <= 0:
        return 0.1
    if wr >= 100 and n >= 100:
        return 2.618
    share, z = wr / 100, 1.96
    lower = (share + z * z / (2 * n) - z * math.sqrt((share * (1 - share) + z * z / (4 * n)) / n)) / (1 + z * z / n)
    lower = max(lower, 0.0)
    cw = 1 - math.exp(-3 / math.sqrt(n))
    if wr < 40:
        cw = min(0.95, cw * (1 + (40 - wr) / 40))
    eff = lower * 100 * cw + wr * (1 - cw)
    if eff > 50:
        return 1 + 1.618 * (1 - math.exp(-2.5 * (eff - 50) / 50))
    part = 0.1 + 0.9 * (eff / 50) ** (1.8 + 0.13 * (50 - eff))
    return part / math.exp((40 - eff) / 25) if eff < 40 else part


def count(n):
    if n == 0:
        return 0.05
    if n < 20:
        return 0.05 + 0.1 * (n / 20) ** 4
    if n < 40:
        return 0.15 + 0.35 * ((n - 20) / 20) ** 3
    if n <= 49:
        return 0.5 + 0.5 * ((n - 40) / 9) ** 2
    if n <= 100:
        q = (n - 50) / 50
        return 1 + 1.2 * (0.7 * q + 1.2 * q * (1 - q))
    if n <= 200:
        return 2.2 - 0.4 * (n - 100) / 100
    return 1.8 - 0.3 * (1 - math.exp(-(n - 200) / 100))


def sortino(s):
    return 0.1 if math.isnan(s) or s <= 0 else 2.618 / (1 + math.exp(-0.9 * (s - 1.5)))


def factor(p):
    if p < 0.8:
        return 0.1
    if p < 1:
        return 0.1 + 2 * (p - 0.8)
    if p < 2:
        return p - 0.5
    return 1.5 + 1.118 * math.sqrt((p - 2) / 2) if p < 4 else 2.618


def expectancy(x):
    if x <= 0:
        return 0.1
    u = (x / 5) ** 1.2
    return 2.618 * u / (1 + u)


def beside(tr, bh):
    edge = 0.0 if bh == 0 else (tr - bh) / abs(bh)
    return 1.0 if math.isnan(edge) else min(2.0, max(0.25, 1 + edge / 2.5))


def confidence(n):
    if n < 20:
        return 0.1 + 0.4 * (n / 20) ** 3
    if n < 40:
        return 0.5 + 0.3 * ((n - 20) / 20) ** 2
    return 0.8 + 0.2 * (n - 40) / 10 if n < 50 else 1.0


USUAL = {"wr": 55.0, "n": 80, "s": 1.2, "p": 1.6, "x": 0.9, "tr": 80.0, "bh": 50.0}


def score(strategy=(), **changed):
    wr, n, s, p, x, tr, bh = strategy or {**USUAL, **changed}.values()
    return float(
        composite_score(
            win_rate_pct=wr, trades=n, sortino=s, profit_factor=p, expectancy_pct=x,
            total_return_pct=tr, buy_and_hold_return_pct=bh,
        )[0]
    )  # fmt: skip


percent = st.floats(-200, 5000)
strategies = st.tuples(
    st.one_of(st.floats(0, 100), st.sampled_from([0.0, 39.999, 40.0, 50.0, 100.0])),
    st.one_of(st.integers(1, 400), st.sampled_from([19, 20, 39, 40, 49, 50, 99, 100, 101, 200, 201])),
    st.one_of(st.floats(-5, 10), st.just(math.nan)),
    st.one_of(st.floats(0, 6), st.sampled_from([0.8, 1.0, 2.0, 4.0, math.inf])),
    st.floats(-20, 50),
    percent,
    st.one_of(percent, st.sampled_from([0.0, math.nan])),
)


@given(strategies)
def test_the_vectorised_score_is_the_contract_s_formula(strategy):
    assert score(strategy) == pytest.approx(contract_score(strategy), rel=1e-12, abs=1e-15)


@given(st.lists(strategies, min_size=2, max_size=20))
def test_a_strategy_s_score_does_not_depend_on_its_neighbours(rows):
    columns = np.array(rows, dtype=float).T
    together = composite_score(
        win_rate_pct=columns[0], trades=columns[1], sortino=columns[2], profit_factor=columns[3],
        expectancy_pct=columns[4], total_return_pct=columns[5], buy_and_hold_return_pct=columns[6],
    )  # fmt: skip
    assert together.tolist() == [score(row) for row in rows]


@pytest.mark.parametrize("missing", ["wr", "n", "p", "x"])
def test_a_missing_input_scores_zero(missing):
    assert score(**{missing: math.nan}) == 0.0


def test_the_greatest_score_is_about_2_49():
    best = max(score((100.0, n, 20.0, math.inf, 1e9, 500.0, 1.0)) for n in range(100, 201))
    assert best == pytest.approx(2.49, abs=0.005)


def test_no_sortino_counts_as_a_bad_one_and_no_benchmark_as_a_level_one():
    assert score(s=math.nan) == score(s=-1.0)
    assert score(bh=math.nan) == score(tr=50.0, bh=50.0)


def test_a_strategy_that_never_traded_but_has_its_figures_scores_the_floor_of_each_part():
    floor = (2.5 * 0.1 + 1.5 * 0.05 + 1.2 * 0.1 + 1.2 * 0.1 + 0.1 + 0.6 * 1.0) / 8 * 0.1
    assert score((0.0, 0, math.nan, 0.0, 0.0, 0.0, 0.0)) == pytest.approx(floor)
