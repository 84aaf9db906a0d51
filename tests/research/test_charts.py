"""Charts show the numbers of the result."""

import numpy as np
import pytest

import steelyard as sy
from steelyard.core.errors import InvalidInputError
from steelyard.research import charts


def noise(bars=900, seed=0):
    return 100 * np.exp(np.random.default_rng(seed).normal(0.0002, 0.012, bars).cumsum())


@pytest.fixture(scope="module")
def swept():
    return sy.sweep(noise(), fast=range(3, 30, 3), slow=range(20, 101, 10))


@pytest.mark.parametrize("metric", sorted(charts.NAMES))
def test_every_cell_of_the_heatmap_is_its_row_of_the_table(swept, metric):
    cells, best = swept.plot_heatmap(metric).data
    for row in swept.table.to_dict("records"):
        at = list(cells.y).index(row["slow_period"]), list(cells.x).index(row["fast_period"])
        expected = row[metric] if np.isfinite(row[metric]) else np.nan
        assert cells.z[at] == pytest.approx(expected, nan_ok=True)
    assert np.isnan(cells.z).sum() >= cells.z.size - len(swept.table)
    assert (best.x[0], best.y[0]) == (swept.best["fast_period"], swept.best["slow_period"])


def test_a_heatmap_of_macd_shows_the_highest_over_signal_windows():
    r = sy.sweep(noise(), "MACD", fast=[4, 8], slow=[20, 30], signal=[5, 9])
    cells = r.plot_heatmap("total_return_pct").data[0]
    highest = r.table.groupby(["slow_period", "fast_period"])["total_return_pct"].max().to_numpy()
    assert cells.z.ravel() == pytest.approx(highest)


def test_the_level_rule_of_rsi_has_one_window_and_is_drawn_as_a_line():
    r = sy.sweep(noise(), "RSI", fast=range(5, 20), slow=None)
    line = r.plot_heatmap("exposure_pct").data[0]
    assert list(line.x) == list(range(5, 20))
    assert sorted(line.y) == pytest.approx(sorted(r.table["exposure_pct"]))


def test_an_unknown_metric_is_refused_with_the_known_ones(swept):
    with pytest.raises(InvalidInputError, match="'beauty'; it is one of score, sharpe_ratio"):
        swept.plot_heatmap("beauty")


def test_the_equity_chart_ends_at_the_figures_of_the_table(swept):
    lines = {trace.name: trace for trace in swept.plot_equity().data if trace.name}
    held, best, walked = lines.values()
    assert held.y[-1] - 1 == pytest.approx(swept.buy_and_hold["total_return_pct"] / 100)
    assert best.y[-1] - 1 == pytest.approx(swept.best["total_return_pct"] / 100)
    first = int(swept.walk_forward["test_start"].iloc[0])
    start = swept.series.close[first - 1] / swept.series.close[0]
    assert walked.y[-1] / start - 1 == pytest.approx(swept.out_of_sample["total_return_pct"] / 100)


def test_a_thinned_path_keeps_its_ends_and_its_worst_drawdown(swept, monkeypatch):
    monkeypatch.setattr(charts, "POINTS_MAX", 50)
    figure = swept.plot_equity()
    best, drawdown = figure.data[2], figure.data[3]
    assert len(best.x) == len(drawdown.x) == 50
    assert (best.x[0], best.x[-1]) == (0, len(swept.series) - 1)
    assert best.y[-1] - 1 == pytest.approx(swept.best["total_return_pct"] / 100)
    assert drawdown.y.min() * 100 == pytest.approx(swept.best["max_drawdown_pct"])


def test_the_luck_chart_splits_the_histogram_at_the_probability_of_overfitting(swept):
    figure = swept.plot_luck()
    shown, expected, histogram = figure.data
    annual = np.sqrt(252)
    assert list(shown.y) == pytest.approx([p.sharpe * annual for p in (swept.luck.over_cash, swept.luck.over_passive)])
    assert expected.y[0] == pytest.approx(swept.luck.over_cash.luck_sharpe * annual)
    assert histogram.y.sum() == pytest.approx(1)
    below = histogram.y[np.array(histogram.marker.color) == charts.RED].sum()
    assert below == pytest.approx(swept.pbo, abs=0.05)  # one bin may lie across zero


def test_a_sweep_that_was_not_tested_still_draws():
    r = sy.sweep(noise(120), fast=[3, 5], slow=[10, 20])
    assert len(r.plot_equity().data) == 4
    assert "not tested" in r.plot_luck().layout.title.text
