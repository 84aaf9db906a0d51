"""Group caps."""

from decimal import Decimal

from tests.rebalance.desk import run, traded, weights


def aim(model, groups, caps):
    """``groups``: attributes by instrument, such as {"A": {"region": "X"}}."""
    return run(
        model=model,
        shelf={name: {"attributes": attributes} for name, attributes in groups.items()},
        prices=dict.fromkeys("ABCD", 10),
        cash=1000,
        group_constraints={key: {"max_weight": cap} for key, cap in caps.items()},
    )


def test_what_a_cap_releases_goes_to_the_others_and_later_caps_see_the_result():
    groups = {"A": {"r": "X", "s": "T"}, "B": {"r": "X"}, "C": {}}
    result = aim({"A": "0.5", "B": "0.3", "C": "0.2"}, groups, {"s:T": "0.2", "r:X": "0.4"})
    rounded = {name: round(weight, 20) for name, weight in weights(result).items()}
    assert rounded == {"A": Decimal("0.2"), "B": Decimal("0.16"), "C": Decimal("0.64")}
    assert [event.constraint_key for event in result.diagnostics.group_constraint_events] == ["r:X", "s:T"]
    assert result.diagnostics.warnings == ["CAPPED_BY_GROUP_LIMIT_r:X", "CAPPED_BY_GROUP_LIMIT_s:T"]


def test_an_event_says_what_was_released_and_to_whom():
    result = aim({"A": "0.5", "B": "0.3", "C": "0.1"}, {"A": {"r": "X"}}, {"r:X": "0.3"})
    (event,) = result.diagnostics.group_constraint_events
    assert (event.group_weight_before, event.max_weight, event.released_weight) == (
        Decimal("0.5"),
        Decimal("0.3"),
        Decimal("0.2"),
    )
    assert event.recipients == {"B": Decimal("0.15"), "C": Decimal("0.05")}
    assert event.status == "CAPPED"


def test_a_ten_thousandth_above_the_cap_is_let_be():
    assert not aim({"A": "0.3001"}, {"A": {"r": "X"}}, {"r:X": "0.3"}).diagnostics.group_constraint_events


def test_a_release_that_nobody_can_take_blocks_with_an_empty_trace():
    result = aim({"A": "0.5"}, {"A": {"r": "X"}}, {"r:X": "0.3"})
    assert (result.status, result.target.targets) == ("BLOCKED", [])
    assert "NO_ELIGIBLE_REDISTRIBUTION_DESTINATION" in result.diagnostics.warnings
    assert result.diagnostics.group_constraint_events[0].status == "BLOCKED"


def test_an_attribute_that_no_instrument_has_is_a_warning():
    result = aim({"A": "0.5"}, {"A": {"r": "X"}}, {"colour:BLUE": "0.3"})
    assert (result.status, result.diagnostics.warnings) == ("READY", ["UNKNOWN_CONSTRAINT_ATTRIBUTE_colour"])


def test_locked_members_are_never_scaled_only_their_room_is_taken_away():
    result = locked_in_group(cap="0.55")
    assert weights(result) == {"A": Decimal("0.05"), "B": Decimal("0.25"), "D": Decimal("0.5")}
    assert (result.status, traded(result).get("D")) == ("READY", None)


def test_a_cap_that_locked_holdings_alone_exceed_is_reported():
    result = locked_in_group(cap="0.4")
    assert weights(result) == {"A": 0, "B": Decimal("0.3"), "D": Decimal("0.5")}
    assert result.diagnostics.warnings == ["CAP_UNREACHABLE_LOCKED_r:X", "CAPPED_BY_GROUP_LIMIT_r:X"]
    assert (result.status, traded(result).get("D")) == ("PENDING_REVIEW", None)


def locked_in_group(*, cap):
    """A (wanted) and D (suspended, half of the portfolio) share a capped region; B does not."""
    return run(
        model={"A": "0.2", "B": "0.1"},
        holdings={"D": 100},
        cash=1000,
        prices=dict.fromkeys("ABD", 10),
        shelf={
            "A": {"attributes": {"r": "X"}},
            "D": {"status": "SUSPENDED", "attributes": {"r": "X"}},
        },
        group_constraints={"r:X": {"max_weight": cap}},
    )
