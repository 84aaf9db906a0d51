"""`steelyard models` and `steelyard rebalance`, as processes of their own and in this one."""

import json

import pytest
from typer.testing import CliRunner

from steelyard.cli import app
from steelyard.core.errors import ConflictError, InvalidInputError, NotFoundError
from steelyard.infra.settings import use_settings
from tests.models.domain import security

A, B, C = map(security, "ABC")
MODEL = {
    "name": "growth",
    "positions": [
        {"securityId": A, "target": 0.30, "highDrift": "0.05", "lowDrift": "0.02"},
        {"securityId": B, "target": "0.25", "highDrift": "0.05", "lowDrift": "0.02"},
    ],
    "portfolios": ["p1", "p2", "p3"],
}
HOLDINGS = f"portfolioId,securityId,quantity\np1,CASH,100000\np2,CASH,1000.55\np2,{A},100\np2,{B},200\np2,{C},50\n"
SECURITIES = f"securityId,ticker,price\n{A},A,33.37\n{B},B,101.5\n{C},C,7.77\n"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs the program on files of its own; what it printed, or what it raised."""
    monkeypatch.setenv("STEELYARD_DATA_DIR", str(tmp_path / "data"))
    use_settings(None)
    files = {"model.json": json.dumps(MODEL), "holdings.csv": HOLDINGS, "securities.csv": SECURITIES}
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    def go(*arguments):
        given = [str(tmp_path / argument) if argument in files else argument for argument in arguments]
        outcome = CliRunner().invoke(app, given, env={"COLUMNS": "200"})
        if outcome.exception is not None:
            raise outcome.exception
        return json.loads(outcome.stdout) if "--json" in arguments else outcome.stdout

    yield go
    use_settings(None)


def test_from_files_to_orders_without_a_server(run):
    imported = run("models", "import", "--holdings", "holdings.csv", "--securities", "securities.csv", "--json")
    assert imported == {"portfolios": 2, "securities": 3}
    (made,) = run("models", "create", "model.json", "--json")
    assert [position["target"] for position in made["positions"]] == ["0.3", "0.25"]
    assert run("models", "list", "--json") == [made]
    assert run("models", "show", made["modelId"], "--json") == made
    first, second, failed = run("rebalance", "growth", "--json")
    assert [(one["securityId"], one["quantity"]) for one in first["transactions"]] == [(A, 899), (B, 246)]
    assert len(second["transactions"]) == 3
    assert failed["error"]["code"] == "PORTFOLIO_NOT_FOUND"
    text = run("rebalance", "growth", "--portfolio", "p2")
    assert C in text
    assert "1 portfolios, 3 orders, 0 failed" in text
    assert "growth" in run("models", "list")
    assert "3 portfolios: p1, p2, p3" in run("models", "show", "growth")


def test_options_are_those_of_the_api(run):
    run("models", "import", "--holdings", "holdings.csv", "--securities", "securities.csv")
    run("models", "create", "model.json")
    options = json.dumps({"mode": "SELL_ONLY"})
    (sold,) = run("rebalance", "growth", "--portfolio", "p2", "--options", options, "--json")[0:1]
    assert {one["transactionType"] for one in sold["transactions"]} == {"SELL"}
    with pytest.raises(InvalidInputError, match="lotsize"):
        run("rebalance", "growth", "--options", '{"lotsize": 10}')


def test_refusals_are_those_of_the_api(run):
    run("models", "create", "model.json")
    with pytest.raises(ConflictError, match="growth") as refused:
        run("models", "create", "model.json")
    assert refused.value.code == "MODEL_NAME_TAKEN"
    with pytest.raises(ConflictError, match="has version 1"):
        run("models", "delete", "growth", "--version", "2")
    assert "growth is deleted" in run("models", "delete", "growth", "--version", "1")
    with pytest.raises(NotFoundError, match="models list"):
        run("models", "show", "growth")
    with pytest.raises(InvalidInputError, match="nothing to import"):
        run("models", "import")


def test_both_files_are_imported_or_neither(run, tmp_path):
    (tmp_path / "bad.csv").write_text("securityId,price\nshort,1\n")
    with pytest.raises(InvalidInputError, match="row 1"):
        run("models", "import", "--holdings", "holdings.csv", "--securities", str(tmp_path / "bad.csv"))
    run("models", "create", "model.json")
    with pytest.raises(NotFoundError):
        run("rebalance", "growth", "--portfolio", "p1")
