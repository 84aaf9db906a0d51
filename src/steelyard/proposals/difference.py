"""What changed from one version of a proposal to another: trades, weights, gate, suitability.

Both sides are artifacts; every text of the answer is one of theirs, nothing is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Row = Mapping[str, Any]
Kind = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs.

    Attributes:
        what: what it is called.
        first, second: its row in either artifact; None where it is not there.
    """

    what: str
    first: Row | None
    second: Row | None

    @property
    def kind(self) -> Kind:
        """Whether it came, went or changed."""
        return "added" if self.first is None else "removed" if self.second is None else "changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs between two artifacts.

    Attributes:
        decision: rows of ``status``, ``gate`` and ``next_step``, each with the key ``code``.
        trades: rows of the trade list, by side and instrument.
        conversions: rows of the FX list, by pair.
        flows: rows of the cash flows, by currency and description.
        classes, instruments: allocations after the trades, by asset class and by instrument.
        issues: suitability issues after the trades, by key.
    """

    decision: tuple[Change, ...]
    trades: tuple[Change, ...]
    conversions: tuple[Change, ...]
    flows: tuple[Change, ...]
    classes: tuple[Change, ...]
    instruments: tuple[Change, ...]
    issues: tuple[Change, ...]

    @property
    def is_empty(self) -> bool:
        """Whether both say the same."""
        trading = (self.trades, self.conversions, self.flows)
        return not any((self.decision, *trading, self.classes, self.instruments, self.issues))


def difference(first: Mapping[str, Any], second: Mapping[str, Any]) -> Difference:
    """Compare two artifacts as JSON brings them back."""
    return Difference(
        decision=_changes(_decisions(first), _decisions(second), lambda row: row["name"], ("code",)),
        trades=_changes(_trades(first), _trades(second), _trade_name, ("quantity", "estimated_notional")),
        conversions=_changes(
            first["trades_and_funding"]["fx_list"],
            second["trades_and_funding"]["fx_list"],
            lambda row: row["pair"],
            ("buy_amount", "sell_amount_estimated", "rate"),
        ),
        flows=_changes(_flows(first), _flows(second), _flow_name, ("amount",)),
        classes=_allocation(first, second, "allocation_by_asset_class"),
        instruments=_allocation(first, second, "allocation_by_instrument"),
        issues=_changes(_issues(first), _issues(second), lambda row: row["issue_key"], ("status_change", "severity")),
    )


def _changes(
    first: Iterable[Row], second: Iterable[Row], name: Callable[[Row], str], compared: tuple[str, ...]
) -> tuple[Change, ...]:
    """Rows of the same name side by side, in the order of the second; of several, the n-th with the n-th."""
    before, after = _named(first, name), _named(second, name)
    changes = [Change(key[0], before.get(key), after.get(key)) for key in {**after, **before}]
    return tuple(one for one in changes if _facts(one.first, compared) != _facts(one.second, compared))


def _named(rows: Iterable[Row], name: Callable[[Row], str]) -> dict[tuple[str, int], Row]:
    named: dict[tuple[str, int], Row] = {}
    seen: dict[str, int] = {}
    for row in rows:
        key = name(row)
        named[key, seen.get(key, 0)] = row
        seen[key] = seen.get(key, 0) + 1
    return named


def _facts(row: Row | None, compared: tuple[str, ...]) -> list[Any] | None:
    return None if row is None else [row[field] for field in compared]


def _decisions(artifact: Mapping[str, Any]) -> list[Row]:
    codes = {
        "status": artifact["status"],
        "gate": artifact["gate_decision"]["gate"],
        "next_step": artifact["summary"]["recommended_next_step"],
    }
    return [{"name": name, "code": code} for name, code in codes.items()]


def _trades(artifact: Mapping[str, Any]) -> list[Row]:
    rows: list[Row] = artifact["trades_and_funding"]["trade_list"]
    return rows


def _trade_name(row: Row) -> str:
    return f"{row['side']} {row['instrument_id']}"


def _flows(artifact: Mapping[str, Any]) -> list[Row]:
    intents: list[Row] = artifact["evidence_bundle"]["engine_outputs"]["proposal_result"]["intents"]
    return [intent for intent in intents if intent["intent_type"] == "CASH_FLOW"]


def _flow_name(row: Row) -> str:
    return f"{row['currency']} {row['description'] or ''}".strip()


def _allocation(first: Mapping[str, Any], second: Mapping[str, Any], part: str) -> tuple[Change, ...]:
    before, after = (one["portfolio_impact"]["after"][part] for one in (first, second))
    return _changes(before, after, lambda row: row["key"], ("weight", "value"))


def _issues(artifact: Mapping[str, Any]) -> list[Row]:
    rows: list[Row] = artifact["suitability_summary"]["issues"]
    return rows
