"""Synthetic bars: from the seed alone, on whole ticks, moving as their recipe says."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.core.errors import InvalidInputError
from steelyard.market import providers
from steelyard.market.calendars import find_gaps
from steelyard.market.providers import SPACINGS_S, Synthetic
from steelyard.market.quality import find_defects
from steelyard.market.synthetic import Recipe, generate_bars

PRICES = ["open", "high", "low", "close"]
DIGEST = """
import hashlib, numpy as np
from steelyard.market.providers import Synthetic
frame = Synthetic(seed=5, first_day="2020-01-01").fetch("ACME")
print(hashlib.sha256(np.ascontiguousarray(frame[["open", "high", "low", "close"]].to_numpy())).hexdigest())
"""


def minutes(count):
    return np.arange(count).astype("datetime64[m]").astype("datetime64[ns]")


def test_every_process_makes_the_same_bars_whatever_its_hash_seed():
    digests = {
        subprocess.run(
            [sys.executable, "-c", DIGEST], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("0", "1")
    }
    assert len(digests) == 1
    assert len(digests.pop().strip()) == 64


def test_another_seed_or_symbol_is_another_series_and_the_same_is_the_same():
    def close(symbol, seed):
        return Synthetic(seed, first_day="2022-01-01").fetch(symbol)["close"].tolist()

    assert close("A", 1) == close("A", 1)
    assert close("A", 1) != close("A", 2)
    assert close("A", 1) != close("B", 1)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    tick=st.sampled_from([0.0001, 0.01, 0.05, 0.25, 1.0, 5.0]),
    first=st.floats(0.5, 1e5),
    volatility=st.floats(0.01, 3.0),
)
def test_prices_are_whole_ticks_and_highs_and_lows_enclose_the_bar(seed, tick, first, volatility):
    recipe = Recipe(first, volatility=volatility, tick=tick)
    bars = generate_bars("X", minutes(300), seed=seed, periods_per_year=252 * 390, recipe=recipe)[PRICES]
    ticks = np.rint(bars.to_numpy() / tick)
    decimals = max(0, round(-np.log10(tick)) + 1)
    assert (np.abs(ticks * tick - bars.to_numpy()) <= np.spacing(bars.to_numpy())).all()
    assert (np.round(bars.to_numpy(), decimals) == bars.to_numpy()).all()  # the float nearest to the decimal
    assert (ticks >= 1).all()
    assert (bars["high"] >= bars[PRICES].max(axis=1)).all()
    assert (bars["low"] <= bars[PRICES].min(axis=1)).all()


def test_the_volatility_of_the_year_is_about_the_recipes_and_changes_over_time():
    bars = generate_bars("X", minutes(200_000), seed=1, periods_per_year=252, recipe=Recipe(1e6, 0.0, 0.2, 1e-4))
    returns = np.diff(np.log(bars["close"].to_numpy()[:4_000]))
    usual = np.sqrt(np.median(returns**2) / 0.4549 * 252)  # the median of a squared standard normal is 0.4549
    assert usual == pytest.approx(0.2, rel=0.2)
    size = pd.Series(np.abs(returns))
    assert size.autocorr(1) > 0.05  # wild days follow wild days


@pytest.mark.parametrize("calendar", ["XNYS", "24/7"])
@pytest.mark.parametrize(
    ("every", "last_day"), [("day", "2022-12-31"), ("hour", "2022-03-31"), ("minute", "2022-01-10")]
)
def test_bars_follow_the_calendar_without_gap_or_defect(calendar, every, last_day):
    provider = Synthetic(7, calendar, SPACINGS_S[every], "2022-01-01", last_day)
    frame = provider.fetch("X")
    assert [d for d in find_defects(frame, calendar=calendar) if d.code != "SPLIT_LIKE_JUMP"] == []
    assert list(find_gaps(frame["ts"].to_numpy("datetime64[ns]"), calendar)) == []


def test_a_year_of_minutes_of_an_exchange_has_those_of_its_sessions():
    frame = Synthetic(7, spacing_s=60, first_day="2022-01-01", last_day="2022-12-31").fetch("X")
    assert len(frame) == 251 * 390 - 180  # one short session, the day after Thanksgiving


def test_a_shorter_window_has_the_bars_of_the_longer_one():
    provider = Synthetic(7, first_day="2022-01-01", last_day="2022-12-31")
    whole, part = provider.fetch("X"), provider.fetch("X", "2022-06-01", "2022-06-30")
    assert part["close"].tolist() == whole.loc[whole["ts"].between("2022-06-01", "2022-06-30"), "close"].tolist()


def test_the_source_says_that_it_is_made_up_and_from_which_seed():
    source = Synthetic(42).source
    assert source.synthetic
    assert "seed=42" in source.uri
    assert "synthetic" in source.description


@pytest.mark.parametrize(
    ("provider", "words"),
    [
        (Synthetic(-1), "`seed` was -1"),
        (Synthetic(1, first_day="1800-01-01", spacing_s=1.0), "at most 5000000 are made"),
    ],
)
def test_what_cannot_be_made_is_refused(provider, words):
    with pytest.raises(InvalidInputError, match=words):
        provider.fetch("X")


def test_more_bars_than_the_limit_are_not_made(monkeypatch):
    monkeypatch.setattr(providers, "SYNTHETIC_BARS_MAX", 250)
    with pytest.raises(InvalidInputError, match="would be 251 bars; at most 250") as refusal:
        Synthetic(1, first_day="2022-01-01").fetch("X")
    assert refusal.value.code == "TOO_MANY_BARS"
