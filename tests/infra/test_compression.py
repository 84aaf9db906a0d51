"""Squeezed bytes."""

import pytest

from steelyard.infra.compression import expanded, squeezed

RESULT = b'{"instrument_id":"EQ_1","quantity":"100"}' * 1_000


def test_a_frame_that_lost_a_byte_or_has_another_one_is_refused():
    frame = squeezed(RESULT)
    for damaged in (frame[:-1], b"\x00" + frame[1:], b"no frame at all"):
        with pytest.raises(OSError, match=r"\w"):
            expanded(damaged)


def test_no_frame_is_nothing_and_two_frames_are_one_after_the_other():
    assert expanded(b"") == b""
    assert expanded(squeezed(b"a") + squeezed(b"b")) == b"ab"
