"""Cash repair: cut purchases until base cash is not negative.  Off by default.

Rounding to whole units on both sides, or the buffer of an exchange, can overdraw base cash by a
little, which blocks an otherwise good rebalance.  The repair takes units from the largest purchase
first, where a unit is missed the least, and goes on to the next only when it is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from steelyard.rebalance.result import Diagnostics, Intent, SecurityTrade
from steelyard.rebalance.simulation import apply_intents
from steelyard.rebalance.trade_modes import Repricing, note_cut, units_worth
from steelyard.rebalance.turnover import size_of
from steelyard.rebalance.values import ZERO, CashBalance

CASH_REPAIR = "CASH_REPAIR"


def repair_cash(
    trades: Sequence[SecurityTrade],
    cash_balances: Sequence[CashBalance],
    fund: Callable[[Sequence[SecurityTrade]], list[Intent]],
    repricing: Repricing,
    diagnostics: Diagnostics,
) -> list[SecurityTrade]:
    """The trades, purchases cut as far as needed; ``fund`` adds the exchanges that trades entail."""
    kept = {trade.intent_id: trade for trade in trades}
    while (shortage := -_base_cash(fund(list(kept.values())), cash_balances, repricing.base)) > 0:
        purchases = [trade for trade in kept.values() if trade.side == "BUY"]
        if not purchases:
            break
        largest = min(purchases, key=lambda trade: (-size_of(trade), trade.instrument_id, trade.intent_id))
        units = units_worth(shortage, repricing.unit_in_base(largest), largest.quantity)
        left = largest.quantity - units
        if 0 < left < largest.quantity:  # beyond 28 digits one unit less is no less: then it goes as a whole
            kept[largest.intent_id] = repricing.cut(largest, left)
        else:
            del kept[largest.intent_id]
    for trade in trades:
        allowed = kept[trade.intent_id].quantity if trade.intent_id in kept else ZERO
        if allowed < trade.quantity:
            note_cut(trade, allowed, CASH_REPAIR, diagnostics)
    return list(kept.values())


def _base_cash(intents: Sequence[Intent], cash_balances: Sequence[CashBalance], base: str) -> Decimal:
    _, cash = apply_intents((), cash_balances, intents)
    return sum([row.amount for row in cash if row.currency == base], ZERO)
