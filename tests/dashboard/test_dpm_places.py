"""Where values stand in a JSON text."""

import json

from hypothesis import given
from hypothesis import strategies as st

from steelyard.dashboard.dpm_places import line_of, offset_of

LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5)


def nested(inner, levels):
    """Lists and objects within each other; ``st.recursive`` has been seen to draw without an end."""
    if not levels:
        return inner
    return nested(
        inner | st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4), levels - 1
    )


VALUES = nested(LEAVES, 3)


@given(VALUES, st.sampled_from([None, 1, 4]), st.data())
def test_the_value_at_a_path_begins_at_its_offset(value, indent, data):
    text = json.dumps(value, indent=indent, ensure_ascii=data.draw(st.booleans()))
    path, found = [], value
    while isinstance(found, list | dict) and found and data.draw(st.booleans()):
        step = data.draw(st.sampled_from(sorted(found) if isinstance(found, dict) else list(range(len(found)))))
        path.append(step)
        found = found[step]
    at = offset_of(text, path)
    assert json.JSONDecoder().raw_decode(text, at)[0] == found


def test_of_what_is_not_there_it_is_the_parent():
    text = '{\n "a": [\n  {"b": 1}\n ]\n}'
    assert line_of(text, offset_of(text, ["a", 0, "c"])) == 3
    assert line_of(text, offset_of(text, ["a", 7])) == 2
    assert line_of(text, offset_of(text, ["a", 0, "b", "deeper"])) == 3
    assert offset_of(text, ["z"]) == 0


def test_of_a_key_that_comes_twice_the_last_counts():
    text = '{"a": 1, "a": 2}'
    assert text[offset_of(text, ["a"])] == "2"
