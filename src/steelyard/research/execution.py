"""How a signal becomes a trade: costs, and the price and bar of the fill."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from steelyard.core.errors import InvalidInputError

Fill = Literal["same_close", "next_open", "next_close"]
FILLS: tuple[Fill, ...] = ("same_close", "next_open", "next_close")

FEE_MAX = 0.5
SLIPPAGE_BP_MAX = 5_000.0


@dataclass(frozen=True, slots=True)
class Execution:
    """Long only and all in: a buy spends all cash, a sale sells all units.

    Attributes:
        fee: share of the traded value, paid on either side; 0 to 0.5.
        slippage_bp: basis points by which a buy is dearer and a sale cheaper than the fill price; 0 to 5,000.
        fill: where a signal of one close is filled: at that close, at the next bar's open or at the next bar's close.
            A signal of the last bar that has no next bar is no trade.
        enter_on_warmup: also enter where the state is already true at the first bar that defines it; otherwise an
            entry needs a state that was defined and false one bar before.
    """

    fee: float = 0.001
    slippage_bp: float = 0.0
    fill: Fill = "same_close"
    enter_on_warmup: bool = False

    def __post_init__(self) -> None:
        _in_range("fee", self.fee, FEE_MAX, "a share such as 0.001 for 0.1 %")
        _in_range("slippage_bp", self.slippage_bp, SLIPPAGE_BP_MAX, "basis points")
        if self.fill not in FILLS:
            msg = f"`fill` was {self.fill!r}; it is one of {', '.join(FILLS)}"
            raise InvalidInputError(msg, code="UNKNOWN_FILL", details={"fill": self.fill})

    @property
    def lag(self) -> int:
        """Bars from a signal to its fill."""
        return 0 if self.fill == "same_close" else 1

    @property
    def slippage(self) -> float:
        """Slippage as a share of the price."""
        return self.slippage_bp / 10_000.0

    @property
    def cost_of_a_unit(self) -> float:
        """What one unit costs in all, as a multiple of the fill price."""
        return (1.0 + self.slippage) * (1.0 + self.fee)

    @property
    def proceeds_of_a_unit(self) -> float:
        """What the sale of one unit brings after costs, as a multiple of the fill price."""
        return (1.0 - self.slippage) * (1.0 - self.fee)


def _in_range(name: str, value: float, highest: float, unit: str) -> None:
    if not (math.isfinite(value) and 0.0 <= value <= highest):
        msg = f"`{name}` was {value!r}; it is between 0 and {highest:g}: {unit}"
        raise InvalidInputError(msg, code="OUT_OF_RANGE", details={name: repr(value)})
