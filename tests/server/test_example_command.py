"""`steelyard example`: every example is a body that its command takes."""

import json

import pytest

from steelyard.core.errors import NotFoundError
from steelyard.infra.settings import use_settings
from steelyard.rebalance.demo import DEMOS
from tests.infra.test_commands import run


@pytest.fixture(autouse=True)
def _store(monkeypatch, tmp_path):
    monkeypatch.setenv("STEELYARD_DATA_DIR", str(tmp_path / "data"))
    use_settings(None)
    yield
    use_settings(None)


@pytest.fixture
def body(tmp_path):
    """The file of an example."""

    def write(name):
        path = tmp_path / f"{name}.json"
        path.write_text(run("example", name))
        return str(path)

    return write


@pytest.mark.parametrize("demo", DEMOS, ids=lambda demo: demo.name)
def test_a_rebalance_comes_out_as_promised(demo, body):
    assert json.loads(run("simulate", body(demo.name), "--json"))["status"] == demo.status


def test_the_what_ifs_run(body):
    answer = json.loads(run("analyze", body("what-if"), "--json"))
    assert len(answer["results"]) == 4
    assert answer["failed_scenarios"] == {}


def test_the_book_runs(body):
    answer = json.loads(run("dpm-book", "run", body("book"), "--json"))
    assert answer["status"] == "completed"
    assert answer["status_counts"] == {"READY": 6, "PENDING_REVIEW": 1, "BLOCKED": 1, "FAILED": 0}


def test_the_proposal_is_simulated_and_kept(body):
    assert json.loads(run("proposals", "simulate", body("proposal"), "--json"))["status"] == "READY"
    assert (
        json.loads(run("proposals", "create", body("proposal-draft"), "--json"))["proposal"]["current_state"] == "DRAFT"
    )


def test_examples_are_listed_and_an_unknown_one_is_refused_by_its_name():
    assert all(demo.name in run("example") for demo in DEMOS)
    with pytest.raises(NotFoundError, match="no example 'love'"):
        run("example", "love")
