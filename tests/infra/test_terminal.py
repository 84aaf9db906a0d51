"""What commands print."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from rich.console import Console

from steelyard.infra.terminal import print_json, table_of


@dataclass(frozen=True)
class _Made:
    by: str
    at: datetime


def _printed(width: int, **options: set[str]) -> str:
    table = table_of("Name", "Amount", **options)
    table.add_row("a-long-name-that-has-to-fold", "1234567890" * 3)
    console = Console(file=io.StringIO(), width=width)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_long_cells_are_folded_and_lose_nothing() -> None:
    cells = [line.split("\u2502")[1:3] for line in _printed(30).splitlines() if "\u2502" in line]
    name, amount = ("".join(part[column].strip() for part in cells) for column in (0, 1))
    assert (name, amount) == ("a-long-name-that-has-to-fold", "1234567890" * 3)


def test_a_whole_column_keeps_its_line_where_the_others_can_give_way() -> None:
    assert "a-long-name-that-has-to-fold" not in _printed(50)
    assert "a-long-name-that-has-to-fold" in _printed(50, whole={"Name"})


def test_numbers_stand_right() -> None:
    assert "     Amount \u2503" in _printed(80, numbers={"Amount"})
    assert "\u2503 Amount     " in _printed(80)


def test_json_keeps_the_order_of_keys_and_writes_decimals_and_times_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"b": Decimal("1.50"), "a": _Made("ann", datetime(2026, 1, 2, tzinfo=UTC))})
    printed = json.loads(capsys.readouterr().out)
    assert list(printed) == ["b", "a"]
    assert printed == {"b": "1.50", "a": {"by": "ann", "at": "2026-01-02T00:00:00+00:00"}}
