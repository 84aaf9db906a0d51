"""Requests to try a rebalance with: one desk, one shelf, and what can become of a portfolio on it.

The instruments exist; their prices, rates and the portfolios are made up.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from steelyard.rebalance.values import Status

BASE = "CHF"


@dataclass(frozen=True, slots=True)
class Demo:
    """A request and what it shows.

    Attributes:
        name: stands for it in an address.
        title, shows: what to call it, and what to look at.
        status: what becomes of it.
        request: the JSON of ``POST /rebalance/simulate``.
    """

    name: str
    title: str
    shows: str
    status: Status
    request: Mapping[str, Any]


_SHELF: Mapping[str, tuple[str, str, str, str, str, int]] = {
    # price, currency, asset class, sector, region, settlement days
    "NESN": ("88.40", "CHF", "EQUITY", "STAPLES", "CH", 2),
    "NOVN": ("96.20", "CHF", "EQUITY", "HEALTH", "CH", 2),
    "ROG": ("262.50", "CHF", "EQUITY", "HEALTH", "CH", 2),
    "UBSG": ("27.30", "CHF", "EQUITY", "FINANCE", "CH", 2),
    "ASML": ("655.00", "EUR", "EQUITY", "TECH", "EU", 2),
    "SAP": ("214.60", "EUR", "EQUITY", "TECH", "EU", 2),
    "MSFT": ("418.20", "USD", "EQUITY", "TECH", "US", 1),
    "AAPL": ("226.80", "USD", "EQUITY", "TECH", "US", 1),
    "JNJ": ("158.10", "USD", "EQUITY", "HEALTH", "US", 1),
    "SWISS-BOND-FUND": ("104.75", "CHF", "BOND", "FUND", "CH", 2),
    "WORLD-BOND-FUND": ("98.30", "CHF", "BOND", "FUND", "WORLD", 3),
    "GOLD-ETF": ("214.90", "CHF", "COMMODITY", "METALS", "WORLD", 2),
}
_RATES = {"USD/CHF": "0.8812", "EUR/CHF": "0.9436"}

Holdings = Mapping[str, int | dict[str, Any]]


def _request(
    portfolio: str,
    holdings: Holdings,
    cash: Mapping[str, str],
    model: Mapping[str, str],
    *,
    without_prices: tuple[str, ...] = (),
    statuses: Mapping[str, str] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """A request on the demo's shelf; a holding is a number of units or the fields of a position."""
    statuses = statuses or {}
    return {
        "portfolio_snapshot": {
            "snapshot_id": f"{portfolio}-2026-02-03",
            "portfolio_id": portfolio,
            "base_currency": BASE,
            "positions": [
                {"instrument_id": name, **(held if isinstance(held, dict) else {"quantity": str(held)})}
                for name, held in holdings.items()
            ],
            "cash_balances": [{"currency": currency, "amount": amount} for currency, amount in cash.items()],
        },
        "market_data_snapshot": {
            "snapshot_id": "close-2026-02-03",
            "prices": [
                {"instrument_id": name, "price": row[0], "currency": row[1]}
                for name, row in _SHELF.items()
                if name not in without_prices
            ],
            "fx_rates": [{"pair": pair, "rate": rate} for pair, rate in _RATES.items()],
        },
        "model_portfolio": {"targets": [{"instrument_id": name, "weight": weight} for name, weight in model.items()]},
        "shelf_entries": [
            {
                "instrument_id": name,
                "status": statuses.get(name, "APPROVED"),
                "asset_class": kind,
                "settlement_days": days,
                "min_notional": {"amount": "1000", "currency": BASE},
                "attributes": {"sector": sector, "region": region},
            }
            for name, (_, _, kind, sector, region, days) in _SHELF.items()
        ],
        "options": options,
    }


def _lot(name: str, quantity: int, cost: str, bought: str, currency: str = BASE) -> dict[str, Any]:
    cost_of_unit = {"amount": cost, "currency": currency}
    return {"lot_id": name, "quantity": str(quantity), "unit_cost": cost_of_unit, "purchase_date": bought}


_SWISS = {"NESN": 2100, "NOVN": 1450, "ROG": 380, "UBSG": 5200, "SWISS-BOND-FUND": 3400, "GOLD-ETF": 240}
_SWISS_MODEL = {
    "NESN": "0.15", "NOVN": "0.14", "ROG": "0.10", "UBSG": "0.10", "SWISS-BOND-FUND": "0.36", "WORLD-BOND-FUND": "0.06",
    "GOLD-ETF": "0.06",
}  # fmt: skip
_WORLD = {
    "NESN": 1500, "ROG": 420, "ASML": 160, "SAP": 310, "MSFT": 520, "AAPL": 900, "SWISS-BOND-FUND": 2600,
    "GOLD-ETF": 300,
}  # fmt: skip
_WORLD_MODEL = {
    "NESN": "0.10", "NOVN": "0.08", "ASML": "0.12", "SAP": "0.08", "MSFT": "0.14", "AAPL": "0.13", "JNJ": "0.06",
    "SWISS-BOND-FUND": "0.20", "GOLD-ETF": "0.05",
}  # fmt: skip

DEMOS: tuple[Demo, ...] = (
    Demo(
        "balanced",
        "A balanced portfolio that drifted",
        "A handful of trades in one currency bring every weight back.",
        "READY",
        _request("pf-1001", _SWISS, {"CHF": "64000"}, _SWISS_MODEL),
    ),
    Demo(
        "tech-cap",
        "Too much technology",
        "A cap of 30 % on the sector moves weight to others, and 2 % of cash is kept: someone should look at it.",
        "PENDING_REVIEW",
        _request(
            "pf-1002",
            _WORLD,
            {"CHF": "45000", "USD": "12000"},
            _WORLD_MODEL | {"SWISS-BOND-FUND": "0.24"},
            group_constraints={"sector:TECH": {"max_weight": "0.30"}},
            min_cash_buffer_pct="0.02",
            cash_band_min_weight="0.01",
            cash_band_max_weight="0.05",
        ),
    ),
    Demo(
        "missing-price",
        "A price is missing",
        "One instrument of the model has no price: nothing may be traded until it is there.",
        "BLOCKED",
        _request("pf-1003", _SWISS, {"CHF": "64000"}, _SWISS_MODEL, without_prices=("GOLD-ETF",)),
    ),
    Demo(
        "currencies",
        "Three currencies",
        "Sales, exchanges and purchases in their order, and the cash of each currency until all has settled.",
        "READY",
        _request(
            "pf-1004",
            _WORLD,
            {"CHF": "118000", "USD": "9000", "EUR": "4000"},
            _WORLD_MODEL,
            enable_settlement_awareness=True,
            max_overdraft_by_ccy={"USD": "150000", "EUR": "150000", "CHF": "150000"},
        ),
    ),
    Demo(
        "settlement",
        "Purchases that settle before the sales",
        "American purchases are paid a day after the trade, the exchange that funds them comes later.",
        "BLOCKED",
        _request(
            "pf-1005",
            {"NESN": 3200, "ROG": 520, "SWISS-BOND-FUND": 4200, "GOLD-ETF": 310},
            {"CHF": "30000", "USD": "15000"},
            _WORLD_MODEL,
            enable_settlement_awareness=True,
            max_overdraft_by_ccy={"USD": "50000"},
        ),
    ),
    Demo(
        "tax",
        "A budget for capital gains",
        "The dearest lots are sold first, and a sale is cut where it would realise more gains than the budget allows.",
        "READY",
        _request(
            "pf-1006",
            {
                "NESN": 900,
                "NOVN": {
                    "quantity": "3900",
                    "lots": [
                        _lot("2019-a", 1500, "61.10", "2019-04-11"),
                        _lot("2021-a", 1400, "79.80", "2021-09-02"),
                        _lot("2025-a", 1000, "101.40", "2025-03-20"),
                    ],
                },
                "ROG": {
                    "quantity": "700",
                    "lots": [_lot("2018-a", 400, "214.00", "2018-06-05"), _lot("2022-a", 300, "351.60", "2022-02-14")],
                },
                "SWISS-BOND-FUND": 2300,
            },
            {"CHF": "142000"},
            {"NESN": "0.16", "NOVN": "0.24", "ROG": "0.10", "SWISS-BOND-FUND": "0.34", "GOLD-ETF": "0.10"},
            enable_tax_awareness=True,
            max_realized_capital_gains="6000",
        ),
    ),
    Demo(
        "solver",
        "Optimised, with a second opinion",
        "The solver goes as near to the model as caps and cash allow; the rules are run beside to compare.",
        "READY",
        _request(
            "pf-1007",
            _WORLD,
            {"CHF": "60000"},
            _WORLD_MODEL,
            target_method="SOLVER",
            compare_target_methods=True,
            single_position_max_weight="0.18",
            group_constraints={"sector:TECH": {"max_weight": "0.40"}},
            cash_band_min_weight="0.02",
            cash_band_max_weight="0.08",
            cash_repair=True,
        ),
    ),
    Demo(
        "turnover",
        "A limit on turnover",
        "The largest trades are kept until the turnover limit is reached; the others are listed with their size.",
        "READY",
        _request(
            "pf-1008",
            _WORLD,
            {"CHF": "90000"},
            _WORLD_MODEL,
            statuses={"SAP": "SUSPENDED"},
            max_turnover_pct="0.12",
            cash_repair=True,
        ),
    ),
)
"""The demos, the simplest first."""

SCENARIOS: Mapping[str, Mapping[str, Any]] = {
    "as-modelled": {"description": "No limit but the model", "options": {}},
    "tech-at-30": {
        "description": "Technology at most 30 %",
        "options": {"group_constraints": {"sector:TECH": {"max_weight": "0.30"}}},
    },
    "little-turnover": {
        "description": "At most 15 % of the value traded",
        "options": {"max_turnover_pct": "0.15", "cash_repair": True},
    },
    "solver": {
        "description": "Optimised, 2 to 5 % cash",
        "options": {"target_method": "SOLVER", "cash_band_min_weight": "0.02", "cash_band_max_weight": "0.05"},
    },
}
"""What-ifs to begin with, by name."""
SCENARIO_BASE = DEMOS[3]
"""The demo that they are made for."""


def demo_named(name: str) -> Demo | None:
    """The demo of this name, if there is one."""
    return next((demo for demo in DEMOS if demo.name == name), None)


def demo_scenarios() -> dict[str, Any]:
    """The JSON of ``POST /rebalance/analyze`` for the what-ifs."""
    shared = {part: value for part, value in SCENARIO_BASE.request.items() if part != "options"}
    return {**shared, "scenarios": dict(SCENARIOS)}


def demo_book() -> dict[str, Any]:
    """The JSON of ``POST /rebalance/book``: the portfolios of the demos with their models and options."""
    book = {
        "market_data_snapshot": SCENARIO_BASE.request["market_data_snapshot"],
        "shelf_entries": SCENARIO_BASE.request["shelf_entries"],
        "models": {demo.name: demo.request["model_portfolio"] for demo in DEMOS},
        "options": {},
        "portfolios": [
            {
                "model": demo.name,
                "portfolio_snapshot": demo.request["portfolio_snapshot"],
                "options": demo.request["options"],
            }
            for demo in DEMOS
        ],
    }
    return copy.deepcopy(book)
