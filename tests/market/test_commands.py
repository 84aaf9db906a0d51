"""``steelyard data``: tables for people, JSON for programs, exit codes that mean something."""

import json
import sys

import numpy as np
import pytest
import typer

from steelyard import cli
from steelyard.market.commands import data_commands
from steelyard.market.store import PriceStore
from tests.market.domain import contents


@pytest.fixture
def steelyard(tmp_path, monkeypatch, capsys):
    """Runs the program in this process; gives its exit code, output and errors."""

    program = typer.Typer()
    program.add_typer(data_commands, name="data")
    monkeypatch.setattr(cli, "app", program)
    monkeypatch.setenv("COLUMNS", "200")
    folder = ("--data-dir", str(tmp_path / "data"))

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["steelyard", "data", *map(str, arguments), *folder])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def acme(tmp_path):
    path = tmp_path / "ACME.csv"
    path.write_text("date,close\n2024-01-02,10\n2024-01-03,11\n2024-01-05,12\n")
    return path


def test_an_import_tells_what_is_there_now(steelyard, acme):
    code, out, _ = steelyard("import", acme, "--licence", "CC0-1.0", "--json")
    assert code == 0
    (dataset,) = json.loads(out)["datasets"]
    assert (dataset["dataset"], dataset["version"], dataset["synthetic"]) == ("acme", "1.0.0", False)
    assert (dataset["licence"], dataset["calendar"]) == ("CC0-1.0", "XNYS")
    assert dataset["manifest_hash"].startswith("sha256:")
    (row,) = dataset["symbols"]
    assert (row["symbol"], row["rows"], row["first"], row["last"]) == ("ACME", 3, "2024-01-02", "2024-01-05")
    assert (row["notes"], row["tick"], row["periods_per_year"]) == ({"GAP": 1}, 1.0, 252.0)


def test_options_reach_the_import(steelyard, acme, tmp_path):
    acme.write_text("time,close\n2024-01-02 10:00,1\n2024-01-02 09:00,2\n2024-01-02 08:00,\n")
    reading = ("--calendar", "24/7", "--timezone", "Europe/Berlin", "--repair", "sort", "--repair", "drop-bad-rows")
    steelyard("import", acme, "--symbol", "X", "--dataset", "d", *reading)
    series = PriceStore(tmp_path / "data").load("X", dataset="d")
    assert (series.calendar, series.close.tolist()) == ("24/7", [2, 1])
    assert str(np.asarray(series.timestamps)[0])[:16] == "2024-01-02T08:00"


@pytest.mark.parametrize("arguments", [("list",), ("show", "acme"), ("verify",)])
def test_every_command_has_a_table_and_json(steelyard, acme, arguments):
    steelyard("import", acme)
    code, out, _ = steelyard(*arguments)
    assert code == 0
    assert "acme" in out or "1 files checked" in out
    code, out, _ = steelyard(*arguments, "--json")
    assert code == 0
    assert isinstance(json.loads(out), dict)


def test_show_tells_versions_notes_and_repairs(steelyard, acme):
    steelyard("import", acme)
    acme.write_text("date,close\n2024-01-02,10\n2024-01-02,11\n")
    steelyard("import", acme, "--repair", "drop-duplicates")
    shown = json.loads(steelyard("show", "acme", "--json")[1])
    assert (shown["version"], shown["versions"]) == ("2.0.0", ["1.0.0", "2.0.0"])
    assert "the earlier bar was dropped" in shown["symbols"][0]["repairs"][0]
    assert json.loads(steelyard("show", "acme@1.0.0", "--json")[1])["symbols"][0]["notes"] == {"GAP": 1}
    assert "GAP x 1" in steelyard("show", "acme@1.0.0")[1]


def test_the_demo_is_imported_by_name(steelyard):
    code, out, _ = steelyard("import", "--from", "demo", "--json")
    assert code == 0
    assert [len(dataset["symbols"]) for dataset in json.loads(out)["datasets"]] == [20, 5, 1, 1]


def test_synthetic_bars_are_made_and_labelled(steelyard):
    arguments = (
        "--from",
        "synthetic",
        "--every",
        "hour",
        "--seed",
        "3",
        "--start",
        "2022-01-03",
        "--end",
        "2022-01-07",
    )
    code, out, _ = steelyard("import", "ES", *arguments, "--json")
    (dataset,) = json.loads(out)["datasets"]
    assert (code, dataset["dataset"], dataset["synthetic"]) == (0, "synthetic-es", True)
    assert (dataset["symbols"][0]["rows"], dataset["symbols"][0]["periods_per_year"]) == (35, 1764)
    assert "yes" in steelyard("list")[1]


def test_a_changed_file_makes_verify_fail_with_its_name_and_status_6(steelyard, acme, tmp_path):
    steelyard("import", acme)
    (path,) = (tmp_path / "data/prices").rglob("*.parquet")
    path.write_bytes(b"changed")
    code, out, _ = steelyard("verify")
    assert code == 6
    assert "1 files checked, 1 not as their manifests promise" in out
    code, out, _ = steelyard("verify", "acme", "--json")
    report = json.loads(out)
    assert (code, report["ok"]) == (6, False)
    assert report["files"][0]["path"] == path.relative_to(tmp_path / "data").as_posix()
    assert report["files"][0]["expected"] != report["files"][0]["found"]


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (("import", "none.csv"), 4, "FILE_NOT_FOUND"),
        (("import",), 2, "INVALID_INPUT"),
        (("show", "nope"), 4, "UNKNOWN_DATASET"),
        (("verify", "../x"), 2, "INVALID_DATASET"),
        (("import", "../X", "--from", "synthetic"), 2, "INVALID_SYMBOL"),
        (("import", "X", "--from", "synthetic", "--calendar", "MARS"), 2, "UNKNOWN_CALENDAR"),
        (("import", "X", "--from", "synthetic", "--start", "soon"), 2, "INVALID_TIME"),
    ],
)
def test_a_refusal_has_its_code_and_exit_status_and_writes_nothing(steelyard, tmp_path, arguments, status, code):
    found, out, err = steelyard(*arguments)
    assert (found, out) == (status, "")
    assert err.startswith(f"error [{code}]: ")
    assert contents(tmp_path) == {}


def test_bad_bars_are_refused_with_the_bar_and_the_remedy(steelyard, acme):
    acme.write_text("date,close\n2024-01-02,10\n2024-01-03,-1\n")
    code, _, err = steelyard("import", acme)
    assert code == 2
    assert "error [NOT_POSITIVE]: ACME: close of bar 1 (2024-01-03) was -1.0" in err
    assert "--repair" in err


def test_an_option_that_does_not_exist_is_status_2(steelyard, acme):
    assert steelyard("import", acme, "--repair", "magic")[0] == 2
