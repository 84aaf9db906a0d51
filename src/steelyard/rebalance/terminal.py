"""Results in the terminal: weights, orders, rules and what was missing, as tables of a result's plain values."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from steelyard.infra.terminal import table_of

NUMBERS = {"Before", "Model", "Target", "After", "Quantity", "Notional", "Measured", "Trades", "Turnover", "Version"}
_COLOURS = {"PASS": "green", "FAIL": "red"}


def print_rebalance(console: Console, result: Mapping[str, Any]) -> None:
    """What a rebalance does and what it was held against."""
    print_verdict(console, result)
    weights = table_of("Instrument", "Before", "Model", "Target", "After", "Why", numbers=NUMBERS)
    before, after = _weights(result["before"]), _weights(result["after_simulated"])
    for target in result["target"]["targets"]:
        name = target["instrument_id"]
        shares = (before.get(name), target["model_weight"], target["final_weight"], after.get(name))
        weights.add_row(escape(name), *map(percent, shares), ", ".join(target["tags"]))
    print_filled(console, weights)
    print_orders_and_rules(console, result)


def print_verdict(console: Console, result: Mapping[str, Any]) -> None:
    """Status and gate in one line."""
    gate, verdict = result["gate_decision"], f"[bold]{result['status']}[/bold]"
    console.print(verdict if gate is None else f"{verdict}: {gate['gate']}, next {gate['recommended_next_step']}")


def print_impact(console: Console, result: Mapping[str, Any]) -> None:
    """The weights before and after, cash among them."""
    before, after = (_allocation(result[state]) for state in ("before", "after_simulated"))
    weights = table_of("Instrument", "Before", "After", numbers=NUMBERS)
    for name in {**before, **after}:
        weights.add_row(escape(name), percent(before.get(name)), percent(after.get(name)))
    print_filled(console, weights)


def print_orders_and_rules(console: Console, result: Mapping[str, Any]) -> None:
    """What is traded, in order, the rules, the warnings and what was missing."""
    print_filled(console, _intents(result["intents"]))
    rules = table_of("Rule", "Status", "Measured", "Reason", numbers=NUMBERS)
    for rule in result["rule_results"]:
        colour = _COLOURS[rule["status"]]
        status = f"[{colour}]{rule['status']}[/{colour}] {rule['severity']}"
        rules.add_row(rule["rule_id"], status, figure(rule["measured"]), rule["reason_code"])
    print_filled(console, rules)
    diagnostics = result["diagnostics"]
    _print_list(console, "warnings", diagnostics["warnings"])
    for name in ("price_missing", "fx_missing", "shelf_missing"):
        _print_list(console, name, sorted(set(diagnostics["data_quality"][name])))


def print_filled(console: Console, table: Table) -> None:
    """A table, unless it is empty."""
    if table.row_count:
        console.print(table)


def percent(share: Decimal | str | None) -> str:
    """A weight with two decimals; nothing for none."""
    return "" if share is None else f"{Decimal(share) * 100:.2f} %"


def figure(value: Decimal | str) -> str:
    """A number with at most four decimals."""
    text = f"{Decimal(value):,.4f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _weights(state: Mapping[str, Any]) -> dict[str, str]:
    return {one["instrument_id"]: one["weight"] for one in state["positions"]}


def _allocation(state: Mapping[str, Any]) -> dict[str, str]:
    cash = {one["key"]: one["weight"] for one in state["allocation_by_asset_class"] if one["key"] == "CASH"}
    return _weights(state) | cash


def _intents(intents: list[dict[str, Any]]) -> Table:
    table = table_of("Order", "What", "Quantity", "Notional", "Waits for", "Why", numbers=NUMBERS)
    for intent in intents:
        what, quantity, notional, why = _told(intent)
        after = ", ".join(intent.get("dependencies", ()))
        table.add_row(*map(escape, (intent["intent_id"], what, quantity, notional, after, why)))
    return table


def _told(intent: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """What is done, how many, for how much, and why."""
    match intent["intent_type"]:
        case "CASH_FLOW":
            what = "Withdraw" if Decimal(intent["amount"]) < 0 else "Deposit"
            return what, "", _money(intent["amount"], intent["currency"]), intent["description"] or ""
        case "FX_SPOT":
            bought = _money(intent["buy_amount"], intent["buy_currency"])
            what = f"FX buy {intent['buy_currency']} sell {intent['sell_currency']}"
            return what, "", bought, intent["rationale"]["code"]
        case _:
            amount = intent["notional"]
            notional = "" if amount is None else _money(amount["amount"], amount["currency"])
            what = f"{intent['side']} {intent['instrument_id']}"
            return what, figure(intent["quantity"]), notional, intent["rationale"]["code"]


def _money(amount: str, currency: str) -> str:
    return f"{figure(amount)} {currency}"


def _print_list(console: Console, title: str, items: list[str]) -> None:
    if items:
        console.print(f"{title}: {escape(', '.join(items))}")
