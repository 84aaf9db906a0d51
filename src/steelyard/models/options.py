"""What a rebalance may do beyond the document: lots, minimum trades, directions, substitutes.

Each option narrows the quantities that may be chosen; the problem stays "nearest to the targets
inside the windows and within the cash", and is solved exactly.

- *Lot size and minimum trade*: a security stays where it is or trades whole lots worth at least the minimum.
- *Buy only, sell only, never buy, never sell*: a window that only a forbidden trade could reach is
  widened to the present holding.
- *Raise cash*: nothing is bought, and the amount leaves the market value before the targets are
  taken of it, so that the windows hold for what remains.
- *Equivalents*: a held substitute counts for the target.  It is sold only by the fewest units that
  bring the substitutes back into the target's window, the last one listed first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from steelyard.core.errors import InvalidInputError
from steelyard.models.choices import MAY_BUY, MAY_SELL
from steelyard.models.document import Model
from steelyard.models.valuation import INTEGER_DIGITS_MAX, within_limits

LOT_SIZE_MAX = 1_000_000
"""Units of one lot."""


class Mode(StrEnum):
    """Which trades a rebalance may make."""

    BUY_AND_SELL = "BUY_AND_SELL"
    BUY_ONLY = "BUY_ONLY"
    SELL_ONLY = "SELL_ONLY"
    RAISE_CASH = "RAISE_CASH"


@dataclass(frozen=True, slots=True)
class RebalanceOptions:
    """Options of a rebalance; the defaults are the document's problem.

    Attributes:
        raise_cash: amount that must be free afterwards, with ``RAISE_CASH`` only.
        lot_size: units of one lot, for securities that ``lot_sizes`` does not name.
        minimum_trade: value of the smallest trade worth making, money.
        never_buy, never_sell: security ids.
        equivalents: a model's security and the securities that count for its target, in order of preference.
    """

    mode: Mode = Mode.BUY_AND_SELL
    raise_cash: Decimal = Decimal(0)
    lot_size: int = 1
    lot_sizes: Mapping[str, int] = field(default_factory=dict)
    minimum_trade: Decimal = Decimal(0)
    never_buy: frozenset[str] = frozenset()
    never_sell: frozenset[str] = frozenset()
    equivalents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for security_id, lot in {"lotSize": self.lot_size, **self.lot_sizes}.items():
            if not 1 <= lot <= LOT_SIZE_MAX:
                msg = f"the lot size of `{security_id}` was {lot}; it lies between 1 and {LOT_SIZE_MAX}"
                raise InvalidInputError(msg, code="LOT_SIZE_INVALID")
        for name, amount in (("minimumTrade", self.minimum_trade), ("raiseCash", self.raise_cash)):
            if not within_limits(amount) or amount < 0:
                msg = f"`{name}` was {amount}; it is an amount of 0 or more of at most {INTEGER_DIGITS_MAX} digits"
                raise InvalidInputError(msg, code="OUT_OF_RANGE")
        if bool(self.raise_cash) != (self.mode is Mode.RAISE_CASH):
            msg = (
                f"`raiseCash` was {self.raise_cash} with mode {self.mode}; an amount above 0 and RAISE_CASH go together"
            )
            raise InvalidInputError(msg, code="RAISE_CASH_MISMATCH")

    @property
    def is_plain(self) -> bool:
        """Whether any whole quantity may be chosen."""
        return self == RebalanceOptions()

    def lot_of(self, security_id: str) -> int:
        """Units of one lot of a security."""
        return self.lot_sizes.get(security_id, self.lot_size)

    def least_of(self, security_id: str, price: Decimal) -> int:
        """Fewest units of a trade: whole lots, at least one, worth the minimum."""
        lot = self.lot_of(security_id)
        numerator, denominator = self.minimum_trade.as_integer_ratio()
        price_over, price_under = price.as_integer_ratio()
        units = -(-numerator * price_under // (denominator * price_over))
        return max(-(-units // lot), 1) * lot

    def allowed(self, security_id: str) -> int:
        """Bits ``MAY_BUY`` and ``MAY_SELL`` of a security."""
        buys = self.mode in {Mode.BUY_AND_SELL, Mode.BUY_ONLY} and security_id not in self.never_buy
        sells = self.mode is not Mode.BUY_ONLY and security_id not in self.never_sell
        return MAY_BUY * buys | MAY_SELL * sells

    def check_against(self, model: Model) -> None:
        """Refuse equivalents that the model contradicts.

        Raises:
            InvalidInputError: a target that is not in the model, or a substitute that is in it or counts twice.
        """
        securities = {position.security_id for position in model.positions}
        seen: set[str] = set()
        for target, substitutes in self.equivalents.items():
            if target not in securities:
                msg = f"`equivalents` named {target}, which is not in model {model.name!r}"
                raise InvalidInputError(msg, code="EQUIVALENT_INVALID")
            for substitute in substitutes:
                if substitute in securities or substitute in seen:
                    where = f"in model {model.name!r} itself" if substitute in securities else "counted twice"
                    msg = f"`equivalents` of {target} named {substitute}, which is {where}"
                    raise InvalidInputError(msg, code="EQUIVALENT_INVALID")
                seen.add(substitute)
