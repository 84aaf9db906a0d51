"""A proposal to try: a made-up portfolio with too much cash and one holding that is too large."""

from __future__ import annotations

from typing import Any

_SHELF = {
    "DEMO_SWISS_EQUITY": ("EQUITY", "DEMO_FUNDS_A", "L1", "APPROVED"),
    "DEMO_US_EQUITY": ("EQUITY", "DEMO_FUNDS_B", "L1", "APPROVED"),
    "DEMO_CHF_BONDS": ("BOND", "DEMO_FUNDS_C", "L2", "APPROVED"),
    "DEMO_USD_BONDS": ("BOND", "DEMO_FUNDS_D", "L2", "APPROVED"),
    "DEMO_GOLD": ("COMMODITY", "DEMO_FUNDS_E", "L2", "APPROVED"),
    "DEMO_PROPERTY": ("PROPERTY", "DEMO_FUNDS_F", "L4", "SELL_ONLY"),
}
_PRICES = {
    "DEMO_SWISS_EQUITY": ("142.50", "CHF"),
    "DEMO_US_EQUITY": ("318.20", "USD"),
    "DEMO_CHF_BONDS": ("96.40", "CHF"),
    "DEMO_USD_BONDS": ("103.75", "USD"),
    "DEMO_GOLD": ("61.80", "CHF"),
    "DEMO_PROPERTY": ("88.00", "CHF"),
}
_HELD = {"DEMO_SWISS_EQUITY": "1900", "DEMO_US_EQUITY": "310", "DEMO_CHF_BONDS": "1450", "DEMO_PROPERTY": "640"}
_TRADES = (
    ("SELL", "DEMO_SWISS_EQUITY", "820"),
    ("SELL", "DEMO_PROPERTY", "240"),
    ("BUY", "DEMO_US_EQUITY", "260"),
    ("BUY", "DEMO_USD_BONDS", "690"),
    ("BUY", "DEMO_CHF_BONDS", "520"),
    ("BUY", "DEMO_GOLD", "580"),
)


def demo_request() -> dict[str, Any]:
    """The body of a simulation; every name and number of it is made up."""
    return {
        "portfolio_snapshot": {
            "portfolio_id": "demo-client-7",
            "base_currency": "CHF",
            "snapshot_id": "demo-holdings-2026-02-03",
            "positions": [{"instrument_id": name, "quantity": units} for name, units in _HELD.items()],
            "cash_balances": [{"currency": "CHF", "amount": "96500.00"}, {"currency": "USD", "amount": "4200.00"}],
        },
        "market_data_snapshot": {
            "snapshot_id": "demo-prices-2026-02-03",
            "prices": [
                {"instrument_id": name, "price": price, "currency": currency}
                for name, (price, currency) in _PRICES.items()
            ],
            "fx_rates": [{"pair": "USD/CHF", "rate": "0.8840"}],
        },
        "shelf_entries": [
            {"instrument_id": name, "asset_class": kind, "issuer_id": issuer, "liquidity_tier": tier, "status": status}
            for name, (kind, issuer, tier, status) in _SHELF.items()
        ],
        "options": {
            "enable_proposal_simulation": True,
            "suitability_thresholds": {"single_position_max_weight": "0.26", "issuer_max_weight": "0.30"},
        },
        "proposed_cash_flows": [{"currency": "CHF", "amount": "40000.00", "description": "New money"}],
        "proposed_trades": [{"side": side, "instrument_id": name, "quantity": units} for side, name, units in _TRADES],
        "reference_model": {
            "model_id": "demo-balanced",
            "as_of": "2026-02-01",
            "base_currency": "CHF",
            "asset_class_targets": [
                {"asset_class": "EQUITY", "weight": "0.50"},
                {"asset_class": "BOND", "weight": "0.37"},
                {"asset_class": "COMMODITY", "weight": "0.05"},
                {"asset_class": "PROPERTY", "weight": "0.05"},
                {"asset_class": "CASH", "weight": "0.03"},
            ],
        },
    }
