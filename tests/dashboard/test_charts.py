"""What a chart shows is what it was given: every combination, in order, and nothing where nothing is known."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.dashboard import charts
from steelyard.dashboard.theme import PALETTES, css_variables, mode_of

MODES = st.sampled_from(["light", "dark"])
NUMBERS = st.floats(-1e6, 1e6)


@st.composite
def swept(draw):
    """Cells of a sweep: pairs with fast < slow, in any order, some figures undefined."""
    pairs = draw(st.sets(st.tuples(st.integers(1, 500), st.integers(1, 500)).filter(lambda p: p[0] < p[1]), min_size=1))
    return [
        {"fast_period": fast, "slow_period": slow, "sharpe_ratio": draw(st.none() | NUMBERS)}
        for fast, slow in draw(st.permutations(sorted(pairs)))
    ]


@given(swept(), MODES)
def test_a_heatmap_holds_every_combination_once_at_its_windows(cells, mode):
    options = charts.heatmap(cells, "sharpe_ratio", mode=mode)
    slows, fasts = options["xAxis"]["data"], options["yAxis"]["data"]
    defined, undefined = options["series"][0]["data"], options["series"][1]["data"]
    found = {(int(fasts[y]), int(slows[x])): value for x, y, _, value in defined}
    found |= {(int(fasts[y]), int(slows[x])): None for x, y in undefined}
    expected = {(cell["fast_period"], cell["slow_period"]): cell["sharpe_ratio"] for cell in cells}
    assert len(defined) + len(undefined) == len(cells)
    assert found.keys() == expected.keys()
    for pair, value in expected.items():
        assert found[pair] is None if value is None else math.isclose(found[pair], value, rel_tol=1e-5)


@given(swept(), MODES)
def test_the_axes_of_a_heatmap_ascend_and_its_shades_lie_within_the_scale(cells, mode):
    options = charts.heatmap(cells, "sharpe_ratio", mode=mode)
    for axis in ("xAxis", "yAxis"):
        windows = [int(label) for label in options[axis]["data"]]
        assert windows == sorted(set(windows))
    low, high = options["visualMap"]["min"], options["visualMap"]["max"]
    assert low < high
    assert all(low <= shade <= high for _, _, shade, _ in options["series"][0]["data"])


@given(swept())
def test_a_scale_with_both_signs_has_its_middle_at_zero(cells):
    values = [cell["sharpe_ratio"] for cell in cells if cell["sharpe_ratio"] is not None]
    visual = charts.heatmap(cells, "sharpe_ratio", mode="light")["visualMap"]
    is_diverging = len(visual["inRange"]["color"]) == 3
    if is_diverging:
        assert visual["min"] == -visual["max"]
        assert min(values) < 0 < max(values)
    elif len(values) <= 50:  # of so few, the scale leaves none out
        assert not values or min(values) >= 0 or max(values) <= 0


@given(swept(), st.randoms())
def test_the_order_of_the_rows_does_not_change_a_heatmap(cells, random):
    shuffled = random.sample(cells, len(cells))
    one, other = (charts.heatmap(part, "sharpe_ratio", mode="light") for part in (cells, shuffled))
    for place in (0, 1):
        assert sorted(one["series"][place]["data"]) == sorted(other["series"][place]["data"])
    assert one["xAxis"] == other["xAxis"]
    assert one["visualMap"] == other["visualMap"]


def test_the_best_and_the_shown_cell_are_ringed_where_they_are_and_left_out_where_they_are_not():
    cells = [{"fast_period": 5, "slow_period": slow, "score": 1.0} for slow in (20, 30)]
    rings = charts.heatmap(cells, "score", mode="dark", best=(5, 30), shown=(7, 30))["series"][2:]
    assert [ring["data"] for ring in rings] == [[[1, 0]], []]


@given(swept(), MODES)
def test_every_chart_is_plain_json(cells, mode):
    json.dumps(charts.heatmap(cells, "sharpe_ratio", mode=mode), allow_nan=False)
    json.dumps(charts.profile([{**cell, "slow_period": None} for cell in cells], "sharpe_ratio", mode=mode))
    json.dumps(charts.logit_bars([-1.0, 0.0, 1.0], [3, 4], mode=mode), allow_nan=False)


@given(st.lists(st.tuples(st.none() | NUMBERS, st.none() | NUMBERS), min_size=1, max_size=20), MODES)
def test_fold_bars_keep_the_order_and_leave_gaps_for_what_is_undefined(returns, mode):
    folds = [
        {"fold": number, "out_of_sample_return_pct": own, "buy_and_hold_return_pct": held}
        for number, (own, held) in enumerate(returns, start=1)
    ]
    own, held = (series["data"] for series in charts.fold_bars(folds, mode=mode)["series"])
    for shown, given_values in ((own, [own for own, _ in returns]), (held, [held for _, held in returns])):
        assert [value is None for value in shown] == [value is None for value in given_values]
        assert [v for v in shown if v is not None] == pytest.approx(
            [v for v in given_values if v is not None], rel=1e-5
        )


def test_bars_of_the_worse_half_have_the_colour_of_low():
    bars = charts.logit_bars([-2.0, -1.0, 0.0, 1.0], [1, 2, 3], mode="light")["series"][0]["data"]
    palette = PALETTES["light"]
    assert [(bar["value"], bar["itemStyle"]["color"]) for bar in bars] == [
        (1, palette.low), (2, palette.low), (3, palette.high),
    ]  # fmt: skip


def curve(equity, **changes):
    points = len(equity)
    return {
        "x": list(range(points)), "is_time": False, "equity": equity, "buy_and_hold": [1.0] * points,
        "drawdown_pct": [0.0] * points, "buy_and_hold_drawdown_pct": [0.0] * points,
        "entries": [], "exits": [], "out_of_sample": [], **changes,
    }  # fmt: skip


@pytest.mark.parametrize(("last", "kind"), [(7.9, "value"), (8.1, "log")])
def test_equity_over_a_wide_span_is_drawn_on_a_logarithmic_axis(last, kind):
    assert charts.equity(curve([1.0, last]), mode="light")["yAxis"][0]["type"] == kind


def test_equity_that_reaches_zero_is_never_drawn_on_a_logarithmic_axis():
    assert charts.equity(curve([1.0, 100.0, 0.0]), mode="light")["yAxis"][0]["type"] == "value"


def test_an_equity_chart_shows_every_point_trade_and_out_of_sample_span():
    options = charts.equity(
        curve([1.0, 1.5, 1.2], entries=[[0, 1.0]], exits=[[2, 1.2]], out_of_sample=[[1, 2]]), mode="dark"
    )
    strategy, _held, bought, sold, *_ = options["series"]
    assert strategy["data"] == [[0, 1.0], [1, 1.5], [2, 1.2]]
    assert (bought["data"], sold["data"]) == ([[0, 1.0]], [[2, 1.2]])
    assert [[start["xAxis"], end["xAxis"]] for start, end in strategy["markArea"]["data"]] == [[1, 2]]


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_tooltips_are_never_html(mode):
    for options in (
        charts.equity(curve([1.0]), mode=mode),
        charts.heatmap([{"fast_period": 1, "slow_period": 2, "score": None}], "score", mode=mode),
    ):
        assert options["tooltip"]["renderMode"] == "richText"


def test_the_mode_is_light_unless_the_cookie_says_dark():
    assert [mode_of({}), mode_of({"steelyard_mode": "dark"}), mode_of({"steelyard_mode": "<x>"})] == [
        "light", "dark", "light",
    ]  # fmt: skip
    assert "--good-wash:#16322a;" in css_variables("dark")


def _luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [("ink", "surface"), ("soft", "surface"), ("faint", "surface"), ("soft", "ground"), ("steel", "surface"),
     ("good", "good_wash"), ("doubtful", "doubtful_wash"), ("bad", "bad_wash")],
)  # fmt: skip
def test_text_stands_out_from_its_ground_as_wcag_asks(mode, text, ground):
    palette = PALETTES[mode]
    bright, dim = sorted((_luminance(getattr(palette, name)) for name in (text, ground)), reverse=True)
    assert (bright + 0.05) / (dim + 0.05) >= 4.5
