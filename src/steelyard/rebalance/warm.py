"""Compile the kernels into Numba's cache: `python -m steelyard.rebalance.warm`, at set-up."""

from __future__ import annotations

from decimal import Decimal

from steelyard.rebalance.compiled import POSITIONS_MIN, run_compiled
from steelyard.rebalance.values import (
    CashBalance,
    EngineOptions,
    MarketDataSnapshot,
    ModelPortfolio,
    ModelTarget,
    PortfolioSnapshot,
    Position,
    Price,
    RebalanceRequest,
    ShelfEntry,
)


def warm() -> None:
    """Run them once with the argument types that the product uses."""
    names = [f"I{number}" for number in range(POSITIONS_MIN)]
    request = RebalanceRequest(
        PortfolioSnapshot(
            "warm",
            "CHF",
            positions=tuple(Position(name, Decimal(1)) for name in names),
            cash_balances=(CashBalance("CHF", Decimal(1)),),
        ),
        MarketDataSnapshot(prices=tuple(Price(name, Decimal(1), "CHF") for name in names)),
        ModelPortfolio((ModelTarget("I0", Decimal("0.5")),)),
        tuple(ShelfEntry(name, "APPROVED", attributes={"sector": "S"}) for name in names),
        EngineOptions(),
    )
    if run_compiled(request, "warm", None, None) is None:
        raise RuntimeError("the kernel refused a plain request")


if __name__ == "__main__":
    warm()
