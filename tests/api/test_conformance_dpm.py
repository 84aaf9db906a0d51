"""The conformance suites of requirement 003 against real servers, each started with what its group needs."""

import gzip
import itertools
import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.api.processes import server_process

SUITES = Path(__file__).parents[1] / "conformance"
GROUPS = (
    "default", "plain", "features", "support_off", "parts_off", "accept_only", "manual_off", "lifecycle_off",
    "review_ready",
)  # fmt: skip


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SUITES / "run.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)


def environment_of(group: str) -> dict[str, str]:
    """What `run.py --print-env` says that the server of a group must be started with."""
    lines = run("--print-env", "dpm_flows").stdout.splitlines()
    after = lines[lines.index(f"# dpm_flows: group {group}") + 1 :]
    section = itertools.takewhile(lambda line: not line.startswith("#"), after)
    return dict(shlex.split(line)[0].split("=", 1) for line in section)


def golden_cases() -> list[str]:
    with gzip.open(SUITES / "dpm.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line)["id"] for line in lines]


def flow_cases(group: str) -> list[str]:
    """The cases of a group."""
    loader = yaml.BaseLoader  # our own reading of texts and numbers does not matter here
    cases = yaml.load((SUITES / "dpm_flows.yaml").read_text(), Loader=loader)["cases"]
    return [case["id"] for case in cases if case.get("group", "default") == group]


def verdict(url: str, suite: str, cases: list[str], *options: str) -> str:
    only = [word for case in cases for word in ("--only", case)]
    done = run("--base-url", url, *only, *options, suite)
    print(done.stdout[-4000:], done.stderr[-2000:])
    return done.stdout.splitlines()[-1]


def test_the_recorded_answers_are_given(tmp_path):
    cases = golden_cases()
    with server_process(tmp_path, {}) as server:
        assert verdict(server.url, "dpm", cases) == f"{len(cases)} passed, 0 failed"


@pytest.mark.parametrize("group", GROUPS)
def test_the_flows_go_as_recorded(group, tmp_path):
    cases = flow_cases(group)
    assert cases
    with server_process(tmp_path, environment_of(group)) as server:
        assert verdict(server.url, "dpm_flows", cases, "--group", group) == f"{len(cases)} passed, 0 failed"
