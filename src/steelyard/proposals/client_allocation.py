"""The portfolio before and after, by asset class and by instrument."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from steelyard.proposals import client_words as words
from steelyard.proposals.client_parts import (
    NONE,
    BarPair,
    Block,
    Cell,
    Column,
    Facts,
    Section,
    Table,
    Text,
    money,
    percent,
    table,
)
from steelyard.proposals.client_words import said

_COLUMNS = (
    Column("Before", "number"), Column("After", "number"), Column("", "bars"),
    Column("Value before", "number"), Column("Value after", "number"),
)  # fmt: skip


def allocation_sections(impact: Mapping[str, Any]) -> list[Section]:
    """From ``portfolio_impact``: the value, the asset classes, the instruments."""
    before, after = impact["before"], impact["after"]
    value = Facts(
        (
            ("Value before", money(before["total_value"])),
            ("Value after", money(after["total_value"])),
            ("Change", money(impact["delta"]["total_value_delta"])),
        )
    )
    note = Text("In each row the upper bar is before, the lower after.")
    classes: tuple[Block, ...] = (value, _allocation("Asset class", before, after), note)
    return [
        Section("allocation", "The portfolio before and after", classes),
        Section("instruments", "Instruments before and after", (_allocation("Instrument", before, after),)),
    ]


def _allocation(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Table:
    key = f"allocation_by_{name.lower().replace(' ', '_')}"
    first, second = _by_key(before[key]), _by_key(after[key])
    widest = max([abs(Decimal(row["weight"])) for row in (*first.values(), *second.values())], default=Decimal(0))
    rows = []
    for bucket in {**second, **first}:
        old, new = first.get(bucket), second.get(bucket)
        shown = said(words.BUCKET, bucket) if name == "Asset class" else str(bucket)
        bars = BarPair(_length(old, widest), _length(new, widest))
        rows.append((shown, _weight(old), _weight(new), bars, _value(old), _value(new)))
    return table((Column(name), *_COLUMNS), rows)


def _by_key(rows: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {row["key"]: row for row in rows}


def _weight(row: Mapping[str, Any] | None) -> Cell:
    return NONE if row is None else percent(row["weight"])


def _value(row: Mapping[str, Any] | None) -> Cell:
    return NONE if row is None else money(row["value"])


def _length(row: Mapping[str, Any] | None, widest: Decimal) -> float:
    """A bar's share of the longest; a negative weight has none."""
    return 0.0 if row is None or not widest else float(max(Decimal(row["weight"]), Decimal(0)) / widest)
