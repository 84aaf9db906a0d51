"""The suite `models` against a real server, with the environment that the suite asks for."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.conftest import serving

SUITE = Path(__file__).parents[1] / "conformance" / "run.py"
SERVICES = ("accounting", "pricing", "security", "portfolio")
CASES = 63


def run_suite(*arguments):
    return subprocess.run(
        [sys.executable, str(SUITE), *arguments, "models"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.postgres),
        pytest.param("mongodb", marks=pytest.mark.mongodb),
    ]
)
def storage(request, monkeypatch):
    """Where the server keeps models; pauses as the contract says on SQLite, shorter ones elsewhere to save time."""
    if request.param == "sqlite":
        return {}
    monkeypatch.setenv("STEELYARD_UPSTREAM_PAUSE_S", "0.05")
    if request.param == "postgresql":
        return {"database_url": request.getfixturevalue("postgres_url")}
    monkeypatch.setenv("MONGODB_URL", request.getfixturevalue("mongodb_url"))
    return {"model_store": "mongodb", "mongodb_database": request.getfixturevalue("mongodb_database")}


def test_every_case_passes(storage, tmp_path, monkeypatch):
    ports = [
        argument
        for service, port in zip(SERVICES, free_ports(len(SERVICES)), strict=True)
        for argument in (f"--{service}-port", str(port))
    ]
    for line in run_suite(*ports, "--print-env").stdout.splitlines():
        if not line.startswith("#"):
            monkeypatch.setenv(*line.split("=", 1))
    with serving(data_dir=tmp_path, **storage) as address:
        outcome = run_suite(*ports, "--base-url", address)
    last = outcome.stdout.strip().splitlines()[-1]
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    passed = re.fullmatch(r"(\d+) passed, 0 failed", last)
    assert passed is not None, outcome.stdout
    assert int(passed[1]) >= CASES
