"""The verdict's level follows from the figures, and its sentences carry them."""

import math

import numpy as np
import pytest

from steelyard.research.cscv import CrossValidation
from steelyard.research.luck import Luck
from steelyard.research.overfitting import DeflatedSharpe
from steelyard.research.verdict import HEADLINES, judge

BEYOND = {"total_return_pct": 12.0, "sharpe_ratio": 0.8, "buy_and_hold_return_pct": 30.0}


def luck(cash=0.99, passive=0.99, pbo=0.05, examined=100):
    parts = [DeflatedSharpe(probability, 0.1, 0.05, 100, 7.4) for probability in (cash, passive)]
    return Luck(parts[0], parts[1], CrossValidation(pbo, 0.1, np.zeros(70)), 100, examined)


def verdict(found, beyond=12.0, thin=False, bars=1000):
    return judge(
        found, bars=bars, annual=16.0, out_of_sample=BEYOND | {"total_return_pct": beyond},
        below_min_trades=thin, min_trades=10,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "beyond", "thin", "level"),
    [
        (luck(), 12.0, False, "holds_up"),
        (luck(cash=0.95, passive=0.95, pbo=0.2), 12.0, False, "holds_up"),
        (luck(cash=0.94), 12.0, False, "inconclusive"),
        (luck(passive=0.94), 12.0, False, "inconclusive"),
        (luck(pbo=0.21), 12.0, False, "inconclusive"),
        (luck(), -0.1, False, "inconclusive"),
        (luck(), 12.0, True, "inconclusive"),
        (luck(passive=0.49), 12.0, False, "likely_luck"),
        (luck(pbo=0.5), 12.0, False, "likely_luck"),
        (luck(pbo=math.nan), math.nan, False, "holds_up"),
        (Luck(None, None, None, 100, 0), 12.0, False, "not_tested"),
    ],
)
def test_the_level_is_as_good_as_the_weakest_figure(found, beyond, thin, level):
    told = verdict(found, beyond, thin)
    assert told.level == level
    assert told.headline == HEADLINES[level]


def test_every_figure_is_told_with_its_number():
    told = str(verdict(luck(cash=0.974, passive=0.961, pbo=0.123)))
    for words in (
        "100 combinations",
        "about 7 independent",
        "1.60",
        "0.80",
        "97.4 %",
        "96.1 %",
        "12.3 %",
        "of 70 ways",
    ):
        assert words in told


def test_what_was_left_out_is_told():
    assert "even sample of 40 of the 100" in str(verdict(luck(examined=40)))
    assert "at least 256 are needed" in str(verdict(Luck(None, None, None, 100, 0), bars=120))
    assert "at least 10 times" in str(verdict(luck(), thin=True))
    assert "too short for a walk-forward" in str(verdict(luck(), beyond=math.nan))


def test_a_probability_is_never_rounded_to_certainty():
    told = str(verdict(luck(cash=0.99999, pbo=0.00001)))
    assert "over 99.9 %" in told
    assert "under 0.1 %" in told
