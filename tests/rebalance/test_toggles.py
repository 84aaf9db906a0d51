"""Switches as deployments set them."""

import pytest

from steelyard.core.errors import NotFoundError
from steelyard.rebalance.toggles import Toggles, require_enabled


@pytest.mark.parametrize(
    ("text", "is_on"), [("1", True), (" TRUE ", True), ("Yes", True), ("on", True), ("", False), ("enabled", False)]
)
def test_a_flag_is_on_for_four_words_only(text, is_on):
    assert Toggles.read({"DPM_WORKFLOW_ENABLED": text}).workflow is is_on


@pytest.mark.parametrize(
    ("text", "size"), [("5", 5), ("0", 1000), ("-3", 1000), ("many", 1000), ("", 1000), ("9" * 40, 2_000_000_000)]
)
def test_a_number_that_is_none_or_too_small_is_the_default(text, size):
    assert Toggles.read({"DPM_IDEMPOTENCY_CACHE_MAX_SIZE": text}).idempotency_cache_size_max == size


def test_retention_may_be_zero():
    assert Toggles.read({"DPM_SUPPORTABILITY_RETENTION_DAYS": "0"}).supportability_retention_days == 0
    assert Toggles.read({"DPM_SUPPORTABILITY_RETENTION_DAYS": "-1"}).supportability_retention_days == 0
    assert Toggles.read({"DPM_SUPPORTABILITY_RETENTION_DAYS": "30"}).supportability_retention_days == 30


def test_the_defaults_are_those_of_the_contract():
    default = Toggles.read({})
    assert default.support_apis
    assert default.artifacts
    assert default.idempotency_replay
    assert default.async_execution_mode == "INLINE"
    assert default.async_operations_ttl_s == 86_400
    assert default.workflow_statuses == {"PENDING_REVIEW"}
    off = (default.workflow, default.lineage_apis, default.idempotency_history_apis, default.policy_packs)
    assert not any(off)


@pytest.mark.parametrize(("text", "mode"), [("accept_only", "ACCEPT_ONLY"), ("later", "INLINE"), ("", "INLINE")])
def test_an_unknown_mode_runs_analyses_inline(text, mode):
    assert Toggles.read({"DPM_ASYNC_EXECUTION_MODE": text}).async_execution_mode == mode


def test_statuses_that_need_review_come_separated_by_commas():
    read = Toggles.read({"DPM_WORKFLOW_REQUIRES_REVIEW_FOR_STATUSES": " READY, BLOCKED ,,"})
    assert read.workflow_statuses == {"READY", "BLOCKED"}


def test_what_is_switched_off_is_not_found_under_its_name():
    with pytest.raises(NotFoundError, match="set DPM_ARTIFACTS_ENABLED to true") as refused:
        require_enabled("DPM_ARTIFACTS", enabled=False)
    assert refused.value.code == "DPM_ARTIFACTS_DISABLED"
