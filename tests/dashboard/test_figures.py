"""Figures as text."""

from datetime import UTC, datetime

import pytest

from steelyard.dashboard import figures

DASH, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, DASH), (float("nan"), DASH), (0, "0.0 %"), (-0.01, "0.0 %"), (-3.25, f"{MINUS}3.2 %"), (999.94, "999.9 %"),
     (9499.75, "9,500 %"), (float("inf"), "∞ %")],
)  # fmt: skip
def test_percent(value, shown):
    assert figures.percent(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, DASH), (0.0, "0.0 %"), (1.0, "100.0 %"), (0.0004, "< 0.1 %"), (0.9999, "> 99.9 %"), (0.061, "6.1 %")],
)
def test_a_share_is_never_rounded_to_a_certainty(value, shown):
    assert figures.share(value) == shown


def test_windows_leave_out_what_a_strategy_does_not_have():
    assert figures.windows({"fast_period": 12, "slow_period": 26, "signal_period": 9}) == "12 / 26 / 9"
    assert figures.windows({"fast_period": 14, "slow_period": None}) == "14"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.0421, "42 ms"), (8.195, "8.2 s"), (61, "1 min 1 s"), (7260, "2 h 1 min")]
)
def test_durations_have_the_unit_that_suits_them(seconds, shown):
    assert figures.duration(seconds) == shown


def test_counts_ratios_and_moments():
    assert [figures.count(None), figures.count(4775.2), figures.ratio(-1.234)] == [DASH, "4,775", f"{MINUS}1.23"]
    assert [figures.counted(1, "file"), figures.counted(2000, "file")] == ["1 file", "2,000 files"]
    assert figures.moment(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) == "2026-01-02 03:04"
    assert figures.moment(None) == DASH
