"""The operator's commands, as typed."""

import json

import pytest
from typer.testing import CliRunner

from steelyard.cli import app
from steelyard.core.errors import InvalidInputError, NotFoundError
from steelyard.infra.settings import use_settings


@pytest.fixture(autouse=True)
def _data_dir(monkeypatch, tmp_path):
    monkeypatch.setenv("STEELYARD_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("APP_PERSISTENCE_PROFILE", raising=False)
    use_settings(None)
    yield
    use_settings(None)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_key_is_made_listed_and_revoked():
    made = json.loads(run("keys", "create", "desk", "--scope", "sweeps:read", "--scope", "data:read", "--json"))
    assert (len(made["key"]) >= 32, made["scopes"]) == (True, ["data:read", "sweeps:read"])
    listed = run("keys", "list", "--json")
    assert [key["id"] for key in json.loads(listed)] == [made["id"]]
    assert made["key"] not in listed
    assert made["id"][:10] in run("keys", "list")
    assert json.loads(run("keys", "revoke", made["id"], "--json"))["revoked_at"]


def test_a_key_is_shown_once_on_a_line_of_its_own():
    secret = run("keys", "create", "desk", "--scope", "admin").splitlines()[-1]
    assert secret.startswith("sy_")


def test_wrong_scopes_and_unknown_keys_are_refused_by_name():
    with pytest.raises(InvalidInputError, match="everything"):
        run("keys", "create", "desk", "--scope", "everything")
    with pytest.raises(NotFoundError, match="key_nope"):
        run("keys", "revoke", "key_nope")


def test_the_database_is_upgraded_once():
    first = json.loads(run("db", "upgrade", "--json"))
    assert first["before"] is None
    assert json.loads(run("db", "upgrade", "--json"))["before"] == first["after"]
    assert "already" in run("db", "upgrade")
