"""`steelyard config`, as typed."""

import json

import pytest

from steelyard.infra.settings import use_settings
from steelyard.rebalance.toggles import Toggles
from tests.infra.test_commands import run

DSN = "postgresql://desk:s3cret@db/steelyard"


@pytest.fixture(autouse=True)
def _environment(monkeypatch, tmp_path):
    monkeypatch.setenv("STEELYARD_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("STEELYARD_WEBHOOK_SECRETS", "whsec_c2VjcmV0")
    monkeypatch.setenv("APP_PERSISTENCE_PROFILE", "PRODUCTION")
    monkeypatch.setenv("DPM_SUPPORTABILITY_POSTGRES_DSN", DSN)
    use_settings(None)
    yield
    use_settings(None)


def test_the_effective_settings_are_shown_without_secrets():
    shown = run("config", "--json")
    assert json.loads(shown)["settings"]["webhook_secrets"] == "***"
    assert json.loads(shown)["problems"][0]["code"] == "PERSISTENCE_PROFILE_REQUIRES_DPM_POSTGRES"
    for output in (shown, run("config")):
        assert "c2VjcmV0" not in output
        assert "s3cret" not in output
        assert "PERSISTENCE_PROFILE_REQUIRES_ADVISORY_POSTGRES" in output


def test_every_switch_is_shown_by_its_variable_with_the_value_in_effect(monkeypatch):
    monkeypatch.setenv("DPM_WORKFLOW_ENABLED", "yes")
    monkeypatch.setenv("DPM_WORKFLOW_REQUIRES_REVIEW_FOR_STATUSES", "READY,BLOCKED")
    monkeypatch.setenv("DPM_IDEMPOTENCY_CACHE_MAX_SIZE", "-5")
    monkeypatch.setenv("PROPOSAL_STORE_BACKEND", "in_memory")
    switches = json.loads(run("config", "--json"))["switches"]
    assert switches["DPM_WORKFLOW_ENABLED"] is True
    assert switches["DPM_WORKFLOW_REQUIRES_REVIEW_FOR_STATUSES"] == ["BLOCKED", "READY"]
    assert switches["DPM_IDEMPOTENCY_CACHE_MAX_SIZE"] == 1000  # not -5: what cannot be is the default
    assert switches["PROPOSAL_FOUR_EYES_REQUIRED"] is False
    assert switches["PROPOSAL_STORE_BACKEND"] == "IN_MEMORY"
    assert switches["DPM_SUPPORTABILITY_POSTGRES_DSN"] == "***"
    assert switches["DPM_POLICY_PACK_POSTGRES_DSN"] is None
    assert len(switches) >= len(Toggles.__dataclass_fields__)
    monkeypatch.setenv("COLUMNS", "200")
    text = run("config")
    assert all(name in text for name in switches)
