"""The engine against the contract read word by word, on requests with every part of it in any mixture."""

import json
import random
from decimal import Decimal
from typing import Any

import pytest

from steelyard.rebalance.wire import read_request
from tests.rebalance.desk import answer
from tests.rebalance.literal import literal

CURRENCIES = ["CHF", "USD", "EUR", "JPY"]
NEARLY = Decimal("1E-18")


def request(seed: int, *, few: int = 1, many: int = 9) -> dict[str, Any]:
    """A request; what its seed leaves out of one kind of trouble it may have of another."""
    dice = random.Random(seed)

    def rarely(share: float) -> bool:
        return dice.random() < share

    names = [f"I{index}" for index in range(dice.randint(few, many))]
    traded = CURRENCIES[: dice.choice([1, 2, 2, 4])]
    gaps = 0.06 if rarely(0.3) else 0.0
    currency = {name: dice.choice(traded) for name in names}
    price = {name: Decimal(dice.randint(1, 40000)).scaleb(-2) for name in names}
    held = [name for name in names if rarely(0.6)]
    wanted = [name for name in names if rarely(0.6)]
    raw = {name: dice.randint(1, 100) for name in wanted}
    level = dice.choice([0.3, 0.9, 0.99, 1, 1.2])
    duplicates = rarely(0.08)
    body: dict[str, Any] = {
        "portfolio_snapshot": {
            "portfolio_id": "pf",
            "base_currency": "CHF",
            "positions": [position(dice, name, price[name], currency[name]) for name in held],
            "cash_balances": [cash_row(dice, one) for one in traded if rarely(0.8)],
        },
        "market_data_snapshot": {
            "prices": [
                {
                    "instrument_id": name,
                    "price": str(price[name] if not rarely(gaps / 3) else Decimal(0)),
                    "currency": currency[name],
                }
                for name in names
                if not rarely(gaps)
            ],
            "fx_rates": [rate_row(dice, one) for one in traded[1:] if not rarely(gaps)],
        },
        "model_portfolio": {
            "targets": [
                {"instrument_id": name, "weight": f"{level * weight / sum(raw.values()):.6f}"}
                for name, weight in raw.items()
            ]
        },
        "shelf_entries": [shelf_row(dice, name) for name in names if not rarely(gaps)],
        "options": options(dice, traded),
    }
    if duplicates:
        for rows in (
            body["market_data_snapshot"]["prices"],
            body["model_portfolio"]["targets"],
            body["shelf_entries"],
            body["portfolio_snapshot"]["positions"],
            body["portfolio_snapshot"]["cash_balances"],
        ):
            if rows and rarely(0.4):
                rows.append(dice.choice(rows))
    return body


DECIDING = {
    "valuation_mode",
    "min_trade_notional",
    "max_turnover_pct",
    "enable_tax_awareness",
    "enable_settlement_awareness",
}


def plain_request(seed: int) -> dict[str, Any]:
    """A wide request that compiled code may answer: nothing but the targets decides about its trades."""
    body = request(seed, few=16, many=60)
    for row in body["portfolio_snapshot"]["positions"]:
        row.pop("market_value", None)
    for row in body["shelf_entries"]:
        row.pop("min_notional", None)
    for name in DECIDING:
        body["options"].pop(name, None)
    return body


def position(dice: random.Random, name: str, price: Decimal, currency: str) -> dict[str, Any]:
    quantity = Decimal(dice.choice([0, dice.randint(1, 900), dice.randint(1, 90000)])).scaleb(-dice.choice([0, 0, 2]))
    if dice.random() < 0.02:
        quantity = -quantity
    row: dict[str, Any] = {"instrument_id": name, "quantity": str(quantity)}
    if dice.random() < 0.15:
        row["market_value"] = {"amount": f"{quantity * price * dice.choice([Decimal(1), Decimal('1.1')]):.2f}"}
        row["market_value"]["currency"] = currency
    if dice.random() < 0.4 and quantity > 1:
        parts = [quantity // 3, quantity // 4]
        parts.append(quantity - sum(parts))
        row["lots"] = [
            {
                "lot_id": f"L{index}",
                "quantity": str(part),
                "unit_cost": {
                    "amount": f"{price * dice.randint(50, 150) / 100:.2f}",
                    "currency": dice.choice([currency, currency, currency, "CHF", "GBP"]),
                },
                "purchase_date": f"20{dice.randint(10, 25)}-0{dice.randint(1, 9)}-15",
            }
            for index, part in enumerate(parts)
        ]
    return row


def cash_row(dice: random.Random, currency: str) -> dict[str, Any]:
    row: dict[str, Any] = {"currency": currency, "amount": f"{dice.randint(-100, 90000) / 4:.2f}"}
    if dice.random() < 0.2:
        row["settled"] = f"{dice.randint(0, 9000) / 4:.2f}"
    return row


def rate_row(dice: random.Random, currency: str) -> dict[str, str]:
    rate = {"USD": "0.8842", "EUR": "0.9377", "JPY": "0.0059"}[currency]
    if dice.random() < 0.3:
        return {"pair": f"CHF/{currency}", "rate": str(round(1 / Decimal(rate), 4))}
    return {"pair": f"{currency}/CHF", "rate": rate}


def shelf_row(dice: random.Random, name: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "instrument_id": name,
        "status": dice.choice(["APPROVED"] * 8 + ["SELL_ONLY", "SUSPENDED", "BANNED", "RESTRICTED"]),
        "asset_class": dice.choice(["EQUITY", "BOND", "CASH"]),
        "settlement_days": dice.randint(0, 4),
    }
    if dice.random() < 0.8:
        row["attributes"] = {"sector": dice.choice(["A", "B"]), "region": dice.choice(["X", "Y", "Z"])}
    if dice.random() < 0.1:
        row["min_notional"] = {"amount": str(dice.randint(1, 3000)), "currency": dice.choice([*CURRENCIES, "GBP"])}
    return row


def options(dice: random.Random, currencies: list[str]) -> dict[str, Any]:
    groups = dice.sample(["sector:A", "sector:B", "region:X", "region:Y", "theme:T"], dice.randint(1, 3))
    every: dict[str, Any] = {
        "valuation_mode": "TRUST_SNAPSHOT",
        "cash_band_min_weight": dice.choice(["0", "0.02", "0.3"]),
        "cash_band_max_weight": dice.choice(["1", "0.1", "0.5"]),
        "single_position_max_weight": dice.choice(["0.1", "0.25", "0.4"]),
        "min_trade_notional": {"amount": str(dice.randint(1, 4000)), "currency": dice.choice(currencies)},
        "allow_restricted": True,
        "suppress_dust_trades": False,
        "fx_buffer_pct": dice.choice(["0", "0.002"]),
        "block_on_missing_prices": False,
        "block_on_missing_fx": False,
        "min_cash_buffer_pct": dice.choice(["0.02", "0.1"]),
        "max_turnover_pct": dice.choice(["0", "0.1", "0.3"]),
        "enable_tax_awareness": True,
        "max_realized_capital_gains": str(dice.choice([0, 100, 2500])),
        "enable_settlement_awareness": True,
        "settlement_horizon_days": dice.randint(0, 6),
        "fx_settlement_days": dice.randint(0, 4),
        "max_overdraft_by_ccy": {dice.choice(currencies): str(dice.choice([0, 500, 100000]))},
        "group_constraints": {key: {"max_weight": dice.choice(["0.1", "0.3", "0.6"])} for key in groups},
        "link_buy_to_same_currency_sell_dependency": dice.choice([True, False, None]),
        "enable_workflow_gates": False,
        "workflow_requires_client_consent": True,
        "client_consent_already_obtained": True,
    }
    share = dice.choice([0.0, 0.1, 0.25])
    return {key: value for key, value in every.items() if dice.random() < share}


def plain(result: dict[str, Any]) -> dict[str, Any]:
    """An answer as :func:`literal` gives it."""
    universe, diagnostics = result["universe"], result["diagnostics"]
    del universe["universe_id"]
    universe["excluded"] = [(row["instrument_id"], row["reason_code"]) for row in universe["excluded"]]
    for state in (result["before"], result["after_simulated"]):
        for row in state["cash_balances"]:
            del row["settled"], row["pending"]
    for rule in result["rule_results"]:
        del rule["remediation_hint"]
    for intent in result["intents"]:
        intent["rationale"] = intent["rationale"]["code"]
    for beyond in ("missing_fx_pairs", "funding_plan", "insufficient_cash", "trade_adjustments"):
        assert diagnostics.pop(beyond, []) == []
    diagnostics["warnings"] = set(diagnostics["warnings"])
    result["target"] = result["target"]["targets"]
    for name in ("rebalance_run_id", "correlation_id", "explanation", "lineage"):
        del result[name]
    return result


def differences(expected: Any, actual: Any, where: str = "") -> list[str]:
    """Where two answers differ, numbers compared as numbers."""
    if isinstance(expected, dict) and isinstance(actual, dict) and expected.keys() == actual.keys():
        return [line for key in expected for line in differences(expected[key], actual[key], f"{where}.{key}")]
    if isinstance(expected, (list, tuple)) and isinstance(actual, (list, tuple)) and len(expected) == len(actual):
        pairs = zip(expected, actual, strict=True)
        return [line for place, (a, b) in enumerate(pairs) for line in differences(a, b, f"{where}[{place}]")]
    if isinstance(expected, Decimal) and isinstance(actual, str):
        number = Decimal(actual)
        is_near = abs(number - expected) <= NEARLY * max(Decimal(1), abs(expected))
        return [] if is_near else [f"{where}: {expected} expected, {actual} found"]
    return [] if expected == actual else [f"{where}: {expected!r} expected, {actual!r} found"]


@pytest.mark.parametrize("block", range(8))
def test_the_engine_does_what_the_contract_says(block):
    for seed in range(block * 150, (block + 1) * 150):
        body = request(seed)
        actual = plain(json.loads(answer(read_request(json.dumps(body).encode())).to_bytes()))
        assert differences(literal(body), actual) == [], f"seed {seed}"
