"""`steelyard simulate` and `steelyard analyze`."""

import json

import pytest
from typer.testing import CliRunner

from steelyard.cli import app
from steelyard.core.errors import InvalidInputError
from steelyard.rebalance.api import simulate
from tests.api.test_rebalance import batch_of, request_of

runner = CliRunner()


@pytest.fixture
def file(tmp_path):
    def write(content):
        path = tmp_path / "request.json"
        path.write_text(json.dumps(content))
        return str(path)

    return write


def test_simulate_prints_the_answer_of_the_api(file):
    done = runner.invoke(app, ["simulate", file(request_of()), "--json"], catch_exceptions=False)
    assert done.exit_code == 0
    assert json.loads(done.stdout) == simulate(request_of()).to_dict()


def test_simulate_tells_people_weights_orders_and_rules(file):
    done = runner.invoke(app, ["simulate", file(request_of())], catch_exceptions=False)
    for said in ("READY", "EXECUTION_READY", "SELL EQ_A", "BUY FI_B", "50.00 %", "INSUFFICIENT_CASH"):
        assert said in done.stdout


def test_a_name_that_looks_like_markup_is_printed_as_it_is(file):
    body = json.loads(json.dumps(request_of()).replace("FI_B", "[bold]FI"))
    done = runner.invoke(app, ["simulate", file(body)], catch_exceptions=False)
    assert "BUY [bold]FI" in done.stdout


def test_simulate_reads_standard_input():
    done = runner.invoke(app, ["simulate", "-", "--json"], input=json.dumps(request_of()), catch_exceptions=False)
    assert json.loads(done.stdout)["status"] == "READY"


def test_analyze_shows_scenarios_side_by_side_and_why_one_failed(file):
    body = batch_of("pf", base={}, slow={"max_turnover_pct": "0.1"}, wrong={"fx_settlement_days": 99})
    done = runner.invoke(app, ["analyze", file(body)], catch_exceptions=False)
    for said in ("base", "10,000 USD", "PARTIAL_REBALANCE_TURNOVER_LIMIT", "failed", "INVALID_OPTIONS"):
        assert said in done.stdout


def test_a_malformed_request_names_its_faults(file):
    body = request_of()
    del body["options"]
    body["shelf_entries"][0]["status"] = "LOVED"
    with pytest.raises(InvalidInputError, match=r"shelf_entries\.0\.status: .*; options: Field required"):
        runner.invoke(app, ["simulate", file(body)], catch_exceptions=False)


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(InvalidInputError, match=r"`missing\.json` cannot be read"):
        runner.invoke(app, ["simulate", "missing.json"], catch_exceptions=False)
