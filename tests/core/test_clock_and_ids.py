"""The clock that tests turn, and identifiers that sort by time."""

import re
from datetime import UTC, datetime

from steelyard.core import clock
from steelyard.core.ids import new_id


def test_a_turned_clock_moves_only_when_told():
    with clock.frozen_at(datetime(2026, 1, 1, tzinfo=UTC)) as turned:
        assert clock.isoformat_z(clock.now()) == "2026-01-01T00:00:00.000Z"
        turned.advance(hours=2)
        assert clock.now().hour == 2
    assert clock.now().year != 2026 or clock.now().month > 1


def test_ids_name_their_kind_are_unique_and_sort_by_time():
    with clock.frozen_at(datetime(2026, 1, 1, tzinfo=UTC)) as turned:
        first = new_id("run")
        turned.advance(seconds=1)
        later = {new_id("run") for _ in range(1000)}
    assert len(later) == 1000
    assert all(re.fullmatch("run_[0-9a-z]{22}", one) and one > first for one in later)
