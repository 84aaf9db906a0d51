"""Lots that had better be kept and purchases that had better wait: two guards, off by default.

*Short-term gains*: a lot held for no more than a year, say, is not sold at a gain.  *Wash sales*: a
loss cannot be used for tax if the same instrument is bought within 30 days before or after, in any
account of the client; so no lot is sold at a loss after a recent purchase, and nothing is bought
after a recent sale at a loss.

Both look at dates only: a date that cannot be read counts as the day of the run, the careful choice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from steelyard.rebalance.values import EngineOptions, RecentTrade, TaxLot, WashSaleGuard

SHORT_TERM = "SHORT_TERM_GAIN_BLOCKED"
WASH_SALE = "WASH_SALE_GUARD"


@dataclass(frozen=True, slots=True)
class LotGuard:
    """The guards of a run.

    Attributes:
        as_of: the day of the run.
        short_term_days: up to how many days of holding a gain is short-term; None lets all gains pass.
        wash_sales: the window and what the client's accounts traded; None lets all losses pass.
    """

    as_of: date
    short_term_days: int | None
    wash_sales: WashSaleGuard | None

    @staticmethod
    def of(options: EngineOptions) -> LotGuard | None:
        """The guards that the options ask for, if any."""
        if not options.block_short_term_gains and options.wash_sale_guard is None:
            return None
        days = options.short_term_days if options.block_short_term_gains else None
        return LotGuard(date.fromisoformat(options.as_of or ""), days, options.wash_sale_guard)

    def reason_to_keep(self, instrument_id: str, lot: TaxLot, gain: Decimal, lots: Iterable[TaxLot]) -> str | None:
        """Why ``lot`` should not be sold with this ``gain`` per unit; None if nothing speaks against it."""
        if gain > 0 and self.short_term_days is not None and self._age(lot.purchase_date) <= self.short_term_days:
            return SHORT_TERM
        if gain < 0:
            bought = [other.purchase_date for other in lots if other is not lot]
            bought += [trade.trade_date for trade in self._recorded(instrument_id, "BUY")]
            return WASH_SALE if self._any_recent(bought) else None
        return None

    def reason_not_to_buy(self, instrument_id: str) -> str | None:
        """Why nothing of the instrument should be bought now."""
        losses = [trade.trade_date for trade in self._recorded(instrument_id, "SELL") if trade.at_loss]
        return WASH_SALE if self._any_recent(losses) else None

    def _recorded(self, instrument_id: str, side: str) -> list[RecentTrade]:
        trades = self.wash_sales.recent_trades if self.wash_sales is not None else ()
        return [trade for trade in trades if trade.instrument_id == instrument_id and trade.side == side]

    def _any_recent(self, days: Iterable[str]) -> bool:
        guard = self.wash_sales
        return guard is not None and any(self._age(day) <= guard.window_days for day in days)

    def _age(self, day: str) -> int:
        """Days from ``day`` to the run."""
        try:
            return (self.as_of - date.fromisoformat(day[:10])) // timedelta(days=1)
        except ValueError:
            return 0
