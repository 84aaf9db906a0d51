"""Settings: read once, wrong ones named, weak ones refused in production, secrets never shown."""

import json
from pathlib import Path

import pytest

from steelyard.core.errors import ConfigurationError
from steelyard.infra import settings as subject
from steelyard.infra.settings import Settings, masked, production_problems, read_settings, require_production_ready

STRONG = {
    "profile": "PRODUCTION",
    "database_url": "postgresql://app:hunter2@db.example/steelyard",
    "webhook_secrets": "whsec_c2VjcmV0",
}


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    monkeypatch.delenv("APP_PERSISTENCE_PROFILE", raising=False)
    yield
    subject.use_settings(None)


def test_the_default_is_embedded_on_loopback():
    settings = Settings()
    assert (settings.host, settings.port, settings.role, settings.profile) == ("127.0.0.1", 8000, "all", "LOCAL")
    assert settings.database_url == "sqlite+aiosqlite:///data/steelyard.db"
    assert settings.on_loopback
    assert settings.development_key_enabled


def test_the_database_file_follows_the_data_directory(tmp_path: Path):
    assert Settings(data_dir=tmp_path).database_url == f"sqlite+aiosqlite:///{tmp_path}/steelyard.db"


def test_settings_are_read_once_and_again_after_a_reset(monkeypatch):
    assert subject.get_settings() is subject.get_settings()
    monkeypatch.setenv("STEELYARD_PORT", "9001")
    assert subject.get_settings().port == 8000
    subject.use_settings(None)
    assert subject.get_settings().port == 9001


@pytest.mark.parametrize("given", ["postgres://u@h/d", "postgresql://u@h/d", "postgresql+psycopg://u@h/d"])
def test_every_spelling_of_a_postgresql_address_gets_our_driver(given):
    assert Settings(database_url=given).database_url == "postgresql+psycopg://u@h/d"


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("PORT", "80000", "'80000'"),
        ("DATABASE_URL", "mysql://u@h/d", "mysql is not supported"),
        ("ROLE", "boss", "boss"),
    ],
)
def test_a_wrong_value_is_named_with_its_variable(monkeypatch, variable, value, said):
    monkeypatch.setenv("STEELYARD_" + variable, value)
    with pytest.raises(ConfigurationError, match=f"`STEELYARD_{variable}`") as refused:
        read_settings()
    assert said in refused.value.message


def test_a_wrong_secret_is_refused_without_being_shown(monkeypatch):
    monkeypatch.setenv("STEELYARD_DATABASE_URL", "mysql://root:hunter2@h/d")
    with pytest.raises(ConfigurationError) as refused:
        read_settings()
    assert "hunter2" not in refused.value.message


@pytest.mark.parametrize("spelling", ["LOCAL", "", "staging"])
def test_any_profile_but_production_is_local(monkeypatch, spelling):
    monkeypatch.setenv("APP_PERSISTENCE_PROFILE", spelling)
    assert Settings().profile == "LOCAL"


def test_production_on_defaults_is_refused_with_every_reason():
    weak = Settings(profile="PRODUCTION", development_key_enabled=True, open_routes_enabled=True)
    with pytest.raises(ConfigurationError) as refused:
        require_production_ready(weak)
    assert refused.value.details["reason_codes"] == [
        "PERSISTENCE_PROFILE_REQUIRES_DPM_POSTGRES",
        "PERSISTENCE_PROFILE_REQUIRES_ADVISORY_POSTGRES",
        "PERSISTENCE_PROFILE_FORBIDS_DEVELOPMENT_KEY",
        "PERSISTENCE_PROFILE_FORBIDS_OPEN_ROUTES",
        "PERSISTENCE_PROFILE_REQUIRES_WEBHOOK_SECRET",
    ]


def test_strong_production_settings_start_and_local_ones_are_never_asked():
    assert production_problems(Settings.model_validate(STRONG)) == []
    assert production_problems(Settings()) == []


def test_no_secret_is_ever_shown():
    settings = Settings.model_validate({**STRONG, "jwt_secret": "jwt-secret-of-ours"})
    shown = json.dumps(masked(settings))
    assert "db.example" in shown
    assert not any(secret in shown for secret in ("hunter2", "c2VjcmV0", "jwt-secret-of-ours"))


@pytest.mark.parametrize(("host", "loopback"), [("localhost", True), ("::1", True), ("0.0.0.0", False), ("me", False)])
def test_loopback_is_told_from_the_bound_address(host, loopback):
    assert Settings(host=host).on_loopback is loopback
