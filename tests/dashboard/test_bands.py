"""A band in the chart is the band of the rule, and marks stand where the weights are."""

import json

from hypothesis import given
from hypothesis import strategies as st

from steelyard.dashboard.bands import Band, band_chart, chart_height

SHARES = st.floats(0, 1)
BANDS = st.lists(
    st.builds(Band, st.text(max_size=12), SHARES, SHARES, SHARES, before=st.none() | SHARES, after=st.none() | SHARES),
    max_size=12,
)
MODES = st.sampled_from(["light", "dark"])


def close(one, other):
    return abs(one - other) <= 1e-4 * max(1.0, abs(one))


@given(BANDS, MODES)
def test_a_band_reaches_from_the_target_less_the_low_drift_to_the_target_and_the_high_one(bands, mode):
    options = band_chart(bands, mode=mode)
    unseen, seen = options["series"][:2]
    assert unseen["stack"] == seen["stack"]
    for band, bottom, bar in zip(bands, unseen["data"], seen["data"], strict=True):
        assert close(bottom, max(100 * (band.target - band.low), 0))
        assert close(bottom + bar["value"], 100 * (band.target + band.high))
        assert bar["value"] >= 0
        assert bar["ends"][0] == bottom


@given(BANDS, MODES)
def test_marks_stand_at_their_weight_in_their_row_and_nowhere_without_one(bands, mode):
    options = band_chart(bands, mode=mode)
    marks = {series["name"]: series["data"] for series in options["series"] if series["type"] == "scatter"}
    for name, weights in (("Before", [one.before for one in bands]), ("After", [one.after for one in bands])):
        expected = [(row, 100 * weight) for row, weight in enumerate(weights) if weight is not None]
        shown = marks.get(name, [])
        assert [row for _, row in shown] == [row for row, _ in expected]
        assert all(close(percent, weight) for (percent, _), (_, weight) in zip(shown, expected, strict=True))
    assert set(options["legend"]["data"]) == {"Band", *marks}


@given(BANDS)
def test_labels_are_data_and_the_tooltip_is_no_html(bands):
    options = band_chart(bands, mode="light")
    assert options["yAxis"]["data"] == [band.label for band in bands]
    assert options["tooltip"]["renderMode"] == "richText"
    json.dumps(options, allow_nan=False)


def test_every_security_gets_its_own_height():
    assert chart_height(20) - chart_height(10) == chart_height(30) - chart_height(20) > 0
    assert chart_height(0) == chart_height(1)
