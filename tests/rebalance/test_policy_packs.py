"""Which pack applies, and what it changes."""

import json
from decimal import Decimal

import pytest

from steelyard.rebalance.policy_packs import PolicyPack, apply_pack, chosen_pack, is_replay_enabled, resolve_pack
from steelyard.rebalance.policy_schemas import DpmPolicyPackUpsertRequest, pack_of, read_catalogue
from steelyard.rebalance.values import EngineOptions, GroupConstraint

CATALOGUE = read_catalogue(
    json.dumps(
        {
            "slow": {"version": "2", "turnover_policy": {"max_turnover_pct": "0.05"}},
            "capped": {
                "constraint_policy": {
                    "single_position_max_weight": "0.3",
                    "group_constraints": {"sector:TECH": {"max_weight": "0.2"}},
                }
            },
            "asked": {"workflow_policy": {"workflow_requires_client_consent": True, "enable_workflow_gates": False}},
            "forgetful": {"idempotency_policy": {"replay_enabled": False}},
            "wrong": {"turnover_policy": {"max_turnover_pct": "2"}},
            "list": [],
        }
    )
)


@pytest.mark.parametrize(
    ("choices", "name", "source"),
    [
        ({"requested": " a ", "tenant_default": "b", "global_default": "c"}, "a", "REQUEST"),
        ({"requested": " ", "tenant_default": "b", "global_default": "c"}, "b", "TENANT_DEFAULT"),
        ({"global_default": "c"}, "c", "GLOBAL_DEFAULT"),
        ({}, None, "NONE"),
    ],
)
def test_the_first_choice_that_is_not_blank_applies(choices, name, source):
    resolution = resolve_pack(enabled=True, **choices)
    assert (resolution.selected_policy_pack_id, resolution.source) == (name, source)


def test_nothing_is_chosen_while_packs_are_off():
    resolution = resolve_pack(enabled=False, requested="a")
    assert (resolution.selected_policy_pack_id, resolution.source) == (None, "DISABLED")


def test_what_a_pack_says_replaces_the_option_and_what_it_leaves_open_does_not():
    options = EngineOptions(max_turnover_pct=Decimal("0.5"), cash_band_min_weight=Decimal("0.1"))
    slow = apply_pack(options, CATALOGUE["slow"])
    assert (slow.max_turnover_pct, slow.cash_band_min_weight) == (Decimal("0.05"), Decimal("0.1"))
    capped = apply_pack(options, CATALOGUE["capped"])
    assert capped.single_position_max_weight == Decimal("0.3")
    assert capped.group_constraints == {"sector:TECH": GroupConstraint(Decimal("0.2"))}
    assert capped.max_turnover_pct == Decimal("0.5")


def test_a_pack_can_say_no():
    asked = apply_pack(EngineOptions(), CATALOGUE["asked"])
    assert (asked.workflow_requires_client_consent, asked.enable_workflow_gates) == (True, False)


def test_a_pack_that_is_not_there_changes_nothing():
    resolution = resolve_pack(enabled=True, requested="unknown")
    assert apply_pack(EngineOptions(), chosen_pack(resolution, CATALOGUE)) == EngineOptions()


def test_replay_is_as_the_pack_says():
    assert is_replay_enabled(CATALOGUE["forgetful"], default=True) is False
    assert is_replay_enabled(CATALOGUE["slow"], default=True) is True
    assert is_replay_enabled(None, default=False) is False


def test_a_catalogue_leaves_out_what_it_cannot_read():
    assert sorted(CATALOGUE) == ["asked", "capped", "forgetful", "slow"]
    assert (CATALOGUE["slow"].version, CATALOGUE["capped"].version) == ("2", "1")
    for text in (None, "", "{", "[]", "null", '{"": {}}'):
        assert read_catalogue(text) == {}


def test_a_body_is_stored_under_the_id_of_its_path():
    assert pack_of("p", DpmPolicyPackUpsertRequest(version="7")) == PolicyPack("p", "7")
