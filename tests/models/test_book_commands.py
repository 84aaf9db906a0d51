"""`steelyard book` in the terminal, on a store of its own."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.models.domain import security

ROOT = Path(__file__).parents[2]


@pytest.fixture
def steelyard(tmp_path):
    """Runs the program on a store of this test."""

    def run(*arguments, status=0):
        environment = {**os.environ, "STEELYARD_DATA_DIR": str(tmp_path / "data"), "PYTHONPATH": str(ROOT / "src")}
        command = [sys.executable, "-m", "steelyard.cli", *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stderr
        return done.stdout if status == 0 else done.stderr

    return run


@pytest.fixture
def stocked(steelyard, tmp_path):
    """A model with three portfolios, of which one has an overdraft."""
    holdings = [("p1", "CASH", "10000"), ("p2", "CASH", "5000.50"), ("p2", security("A"), "7"), ("p3", "CASH", "-5")]
    rows = "".join(f"{portfolio},{what},{units}\n" for portfolio, what, units in holdings)
    (tmp_path / "holdings.csv").write_text(f"portfolioId,securityId,quantity\n{rows}")
    (tmp_path / "securities.csv").write_text(f"securityId,ticker,price\n{security('A')},A,33.37\n")
    position = {"securityId": security("A"), "target": "0.5", "highDrift": "0.05", "lowDrift": "0.05"}
    model = {"name": "growth", "positions": [position], "portfolios": ["p1", "p2", "p3"]}
    (tmp_path / "model.json").write_text(json.dumps(model))
    steelyard("models", "import", "--holdings", "holdings.csv", "--securities", "securities.csv")
    return json.loads(steelyard("models", "create", "model.json", "--json"))[0]["modelId"]


def test_a_book_is_rebalanced_shown_and_its_blocks_written(steelyard, stocked, tmp_path):
    batch = json.loads(steelyard("book", "rebalance", "--model", stocked, "--trade-date", "2026-03-02", "--json"))
    assert (batch["status"], batch["tradeDate"]) == ("completed", "2026-03-02")
    assert batch["portfolios"] == {"total": 3, "rebalanced": 2, "failed": 1, "pending": 0}

    shown = steelyard("book", "show")
    assert "2 rebalanced, 1 failed, 0 pending" in shown
    assert "portfolio p3: its cash was -5" in shown
    assert json.loads(steelyard("book", "show", batch["batchId"], "--json")) == batch

    (block,) = json.loads(steelyard("book", "blocks", "--json"))
    assert (block["side"], block["securityId"], block["numberOfPortfolios"]) == ("BUY", security("A"), 2)
    assert f"{block['quantity']:,}" in steelyard("book", "blocks")
    steelyard("book", "blocks", "--format", "csv", "--out", "out/blocks.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out/blocks.csv").read_text())))
    assert [row["portfolioId"] for row in rows] == ["p1", "p2"]
    assert sum(int(row["quantity"]) for row in rows) == block["quantity"]
    assert f"\x0138={block['quantity']}\x01" in steelyard("book", "blocks", batch["batchId"], "--format", "fix")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["blocks.csv"]


def test_a_book_that_makes_no_sense_is_refused_in_words(steelyard):
    assert "either --all or --model" in steelyard("book", "rebalance", status=2)
    assert "`--options` is no JSON" in steelyard("book", "rebalance", "--all", "--options", "{", status=2)
    assert "BATCH_NOT_FOUND" in steelyard("book", "show", status=4)
    assert "choose one of table, csv, fix" in steelyard("book", "blocks", "--format", "xml", status=2)
