"""`steelyard sweep` as a person and as a program meet it."""

import json
import subprocess
import sys

import pandas as pd
import pytest

from steelyard import cli

RANGES = ["--fast", "5:20:5", "--slow", "20:60:10"]


def run(arguments, capsys, monkeypatch):
    """Status, standard output and standard error of the program."""
    monkeypatch.setattr(sys, "argv", ["steelyard", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, err = capsys.readouterr()
    return ended.value.code or 0, out, err


@pytest.fixture(autouse=True)
def _own_data(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("STEELYARD_DATA_DIR", str(tmp_path_factory.getbasetemp() / "cli-data"))
    monkeypatch.setenv("COLUMNS", "80")


def test_a_sweep_prints_the_best_the_baselines_and_a_verdict(capsys, monkeypatch):
    status, out, _ = run(["sweep", "KO", *RANGES, "--top", "3"], capsys, monkeypatch)
    assert status == 0
    assert "KO: 20 SMA combinations" in out
    assert "hold" in out
    assert "unseen" in out
    assert "Deflated Sharpe Ratio" in out
    assert "…" not in out


def test_a_program_reads_one_object(capsys, monkeypatch):
    status, out, _ = run(["sweep", "BTC-USD", *RANGES, "--json"], capsys, monkeypatch)
    answer = json.loads(out)
    assert status == 0
    assert answer["metadata"]["data"]["synthetic"] is True
    assert len(answer["results"]) == 10


@pytest.mark.parametrize("name", ["table.parquet", "table.csv"])
def test_the_written_table_is_whole(name, tmp_path, capsys, monkeypatch):
    report = tmp_path / "report.html"
    run(["sweep", "KO", *RANGES, "--out", str(tmp_path / name), "--report", str(report)], capsys, monkeypatch)
    read = pd.read_csv if name.endswith("csv") else pd.read_parquet
    assert len(read(tmp_path / name)) == 20
    assert "<html" in report.read_text()[:2000]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", name]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["NOSUCH"], 4, "steelyard data import"),
        (["KO", "--fast", "20:5"], 2, "`fast` went from 20 to 5"),
        (["KO", "--fast", "50", "--slow", "20"], 2, "smallest fast was 50"),
        (["KO", "--fee", "-1"], 2, "`fee` was -1"),
        (["KO", "--out", "table.xlsx"], 2, "table.xlsx"),
        (["KO", "--strategy", "FOO"], 2, "FOO"),
        (["KO", "--start", "2022-12-01"], 2, "303"),
    ],
)
def test_a_refusal_names_the_value_and_exits_with_its_category(arguments, status, words, capsys, monkeypatch):
    found, out, err = run(["sweep", *arguments], capsys, monkeypatch)
    assert found == status
    assert words in err
    assert out == ""
    _, _, as_json = run(["sweep", *arguments, "--json"], capsys, monkeypatch)
    assert words in json.loads(as_json)["error"]["message"]


def test_help_does_not_wait_for_the_numerics():
    script = "import sys, steelyard.cli; print([m for m in ('numba', 'pandas', 'dbos', 'nicegui') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == "[]"
