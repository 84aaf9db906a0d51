"""Rebalance options as JSON-ready values and back: what the stores keep and the wire shows."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from steelyard.models.options import Mode, RebalanceOptions

_PLAIN = RebalanceOptions()


def options_to_json(options: RebalanceOptions | None) -> dict[str, Any]:
    """The options that differ from the document's problem, by their names on the wire."""
    if options is None:
        return {}
    values = {
        "mode": options.mode.value,
        "raiseCash": str(options.raise_cash),
        "lotSize": options.lot_size,
        "lotSizes": dict(options.lot_sizes),
        "minimumTrade": str(options.minimum_trade),
        "neverBuy": sorted(options.never_buy),
        "neverSell": sorted(options.never_sell),
        "equivalents": {target: list(substitutes) for target, substitutes in options.equivalents.items()},
    }
    defaults = {"mode": _PLAIN.mode.value, "raiseCash": "0", "lotSize": 1, "minimumTrade": "0"}
    return {name: value for name, value in values.items() if value and value != defaults.get(name)}


def options_from_json(values: Mapping[str, Any]) -> RebalanceOptions | None:
    """The inverse of :func:`options_to_json`.

    Raises:
        InvalidInputError: options that contradict each other.
    """
    if not values:
        return None
    return RebalanceOptions(
        mode=Mode(values.get("mode", _PLAIN.mode)),
        raise_cash=Decimal(values.get("raiseCash", 0)),
        lot_size=int(values.get("lotSize", 1)),
        lot_sizes=dict(values.get("lotSizes", {})),
        minimum_trade=Decimal(values.get("minimumTrade", 0)),
        never_buy=frozenset(values.get("neverBuy", ())),
        never_sell=frozenset(values.get("neverSell", ())),
        equivalents={target: tuple(given) for target, given in values.get("equivalents", {}).items()},
    )
