"""`steelyard dpm-book` in the terminal, on a store of its own."""

import csv
import io
import json
import sys

import pytest

from steelyard.cli import main
from steelyard.infra.settings import read_settings, use_settings
from steelyard.rebalance.api import simulate
from tests.rebalance.book_desk import book_body, single_of


@pytest.fixture
def steelyard(tmp_path, monkeypatch, capsys):
    """Runs the program on a store of this test; what it printed, and where it fails what it complained of."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    use_settings(read_settings(data_dir=tmp_path / "data"))

    def run(*arguments, status=0, given=""):
        monkeypatch.setattr(sys, "argv", ["steelyard", "dpm-book", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.encode())))
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert ended.value.code == status, printed.err
        return printed.out if status == 0 else printed.out + printed.err

    yield run
    use_settings(None)


def test_a_book_is_run_shown_compared_and_its_blocks_written(steelyard, tmp_path):
    body = book_body(range(5))
    (tmp_path / "book.json").write_text(json.dumps(body))
    book = json.loads(steelyard("run", "book.json", "--correlation-id", "corr-1", "--json"))
    assert (book["status"], book["status_counts"]["READY"], book["pending_count"]) == ("completed", 5, 0)
    assert json.loads(steelyard("status", book["book_id"], "--json")) == book
    assert "5 portfolios: 5 ready, 0 pending review" in steelyard("status")

    result = steelyard("results", "--portfolio", "pf-002")
    assert (
        result.strip().encode() == simulate(single_of(body, body["portfolios"][2]), correlation_id="corr-1").to_bytes()
    )
    rows = json.loads(steelyard("results", "--json"))
    assert [row["portfolio_id"] for row in rows] == [f"pf-{n:03d}" for n in range(5)]
    assert "pf-003" in steelyard("results", "--search", "003")
    steelyard("results", "--format", "csv", "--out", "out/rows.csv")
    assert len(list(csv.DictReader(io.StringIO((tmp_path / "out/rows.csv").read_text())))) == 5

    blocks = json.loads(steelyard("blocks", "--json"))
    assert len(blocks["gross"]) == book["block_count"] > 0
    assert blocks["gross"][0]["quantity"] in steelyard("blocks")
    lines = list(csv.DictReader(io.StringIO(steelyard("blocks", "--format", "csv"))))
    assert len(lines) == sum(one["account_count"] for one in blocks["gross"])


def test_a_book_with_an_account_that_failed_is_a_failure_that_is_said(steelyard):
    body = book_body(range(3))
    body["portfolios"][1]["model"] = "gone"
    printed = steelyard("run", "-", given=json.dumps(body), status=1)
    assert "3 portfolios: 2 ready, 0 pending review, 0 blocked, 1 failed" in printed
    assert "1 portfolios failed" in printed
    assert "the book has no model" in " ".join(steelyard("results", "--status", "FAILED").split())
    assert "MODEL_NOT_FOUND" in steelyard("results", "--portfolio", "pf-001", "--json", status=5)


def test_a_book_that_makes_no_sense_is_refused_in_words(steelyard, tmp_path):
    assert "portfolios: Field required" in steelyard("run", "-", given="{}", status=2)
    assert "cannot be read" in steelyard("run", "missing.json", status=2)
    assert "DPM_BOOK_NOT_FOUND" in steelyard("status", "--json", status=4)
