"""What every route shares: health, documents, limits, bodies of refusals."""

import pytest

from steelyard._version import __version__
from steelyard.core.errors import ConfigurationError
from steelyard.infra.settings import read_settings
from steelyard.server.app import create_app


@pytest.mark.parametrize("path", ["/health", "/health/"])
def test_health_answers_without_redirect_or_key(anonymous, path):
    answer = anonymous.get(path)
    assert answer.status_code == 200
    assert answer.json()["status"] == "healthy"
    assert answer.json()["version"] == __version__
    assert answer.json()["timestamp"].endswith("Z")


def test_readiness_names_each_check(anonymous):
    answer = anonymous.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json()["checks"] == {"database": "ok", "jobs": "ok"}
    assert anonymous.get("/health/live").status_code == 200


def test_the_document_is_openapi_3_1_and_the_page_needs_no_other_host(anonymous):
    assert anonymous.get("/openapi.json").json()["openapi"].startswith("3.1")
    page = anonymous.get("/docs").text
    assert "http://" not in page
    assert "https://" not in page
    assert anonymous.get("/docs-assets/swagger-ui-bundle.js").status_code == 200


def test_a_body_beyond_the_limit_is_refused_with_413(client):
    answer = client.post("/api/v1/strategy/sweep", content=b"x" * 10_000_001)
    assert answer.status_code == 413


def test_a_refusal_has_a_code_and_a_trace_id(anonymous):
    body = anonymous.get("/api/v1/jobs").json()
    assert body["code"] == "CREDENTIAL_MISSING"
    assert body["trace_id"]
    assert anonymous.get("/nosuch").json()["code"] == "NOT_FOUND"


def test_metrics_name_the_routes_not_the_paths(anonymous, client):
    client.get("/api/v1/jobs/nosuch")
    text = anonymous.get("/metrics").text
    assert "/api/v1/jobs/{job_id}" in text
    assert "nosuch" not in text


def test_the_production_profile_refuses_weak_settings_and_names_them(tmp_path, monkeypatch):
    monkeypatch.setenv("APP_PERSISTENCE_PROFILE", "PRODUCTION")
    with pytest.raises(ConfigurationError, match="PERSISTENCE_PROFILE_REQUIRES_DPM_POSTGRES"):
        create_app(read_settings(data_dir=tmp_path))
