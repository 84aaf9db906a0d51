"""Canonical JSON: equal values, equal bytes."""

import hashlib
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.core.canonical import canonical_hash, canonical_json, file_hash


def test_keys_are_sorted_without_spaces_and_everything_outside_ascii_is_escaped():
    assert canonical_json({"b": [1, Decimal("1.00")], "a": "é"}) == b'{"a":"\\u00e9","b":[1,"1.00"]}'


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=6))
def test_the_order_of_keys_never_shows(value):
    assert canonical_hash(value) == canonical_hash(dict(reversed(value.items())))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), datetime(2026, 1, 1), object()])  # noqa: DTZ001
def test_what_has_no_json_form_is_refused(value):
    with pytest.raises((ValueError, TypeError)):
        canonical_json({"x": value})


def test_times_keep_their_offset():
    assert canonical_json(datetime(2026, 1, 2, tzinfo=UTC)) == b'"2026-01-02T00:00:00+00:00"'


def test_a_file_hashes_like_its_bytes(tmp_path):
    path = tmp_path / "data.bin"
    path.write_bytes(b"steelyard" * 300_000)
    assert file_hash(path) == "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
