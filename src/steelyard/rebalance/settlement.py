"""The cash ladder: what each currency holds on each day until everything has settled.

A purchase may settle before the sale that pays for it.  The ladder shows every balance per day; one
below its allowed overdraft is a breach and blocks the run.

Source: contract dpm, section 6.10.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from steelyard.rebalance.market import Shelf
from steelyard.rebalance.result import (
    CashLadderBreach,
    CashLadderPoint,
    Diagnostics,
    FxSpot,
    Intent,
    RuleResult,
    SecurityTrade,
)
from steelyard.rebalance.values import ZERO, CashBalance, EngineOptions

_USUAL_DAYS = 2


def project_settlement(
    intents: Sequence[Intent],
    cash_balances: Iterable[CashBalance],
    shelf: Shelf,
    options: EngineOptions,
    diagnostics: Diagnostics,
) -> CashLadderBreach | None:
    """Write the ladder and its breaches to ``diagnostics``; the first breach is the answer."""
    horizon = _horizon(intents, shelf, options)
    flows = _daily_flows(intents, cash_balances, shelf, options.fx_settlement_days)
    overdrafts, overdrawn = options.max_overdraft_by_ccy, False
    for currency in sorted(flows):
        floor = -overdrafts.get(currency, ZERO)
        balance = ZERO
        for day in range(horizon + 1):
            balance += flows[currency].get(day, ZERO)
            diagnostics.cash_ladder.append(CashLadderPoint(day, currency, balance))
            overdrawn |= floor < 0 and balance < 0
            if balance < floor:
                code = f"OVERDRAFT_ON_T_PLUS_{day}"
                diagnostics.cash_ladder_breaches.append(CashLadderBreach(day, currency, balance, floor, code))
    if overdrawn:
        diagnostics.warn("SETTLEMENT_OVERDRAFT_UTILIZED")
    return diagnostics.cash_ladder_breaches[0] if diagnostics.cash_ladder_breaches else None


def ladder_rule(breach: CashLadderBreach) -> RuleResult:
    """The one rule that is reported when the ladder is breached."""
    return RuleResult(
        "SETTLEMENT_CASH_LADDER",
        "HARD",
        "FAIL",
        breach.allowed_floor - breach.projected_balance,
        {"min": breach.allowed_floor},
        breach.reason_code,
        "Settle the sales earlier, allow an overdraft or bring cash.",
    )


def _settlement_days(trade: SecurityTrade, shelf: Shelf) -> int:
    row = shelf.rows.get(trade.instrument_id)
    return row.settlement_days if row is not None else _USUAL_DAYS


def _horizon(intents: Iterable[Intent], shelf: Shelf, options: EngineOptions) -> int:
    days = [_settlement_days(intent, shelf) for intent in intents if isinstance(intent, SecurityTrade)]
    return max(options.settlement_horizon_days, options.fx_settlement_days, *days)


def _daily_flows(
    intents: Iterable[Intent], cash_balances: Iterable[CashBalance], shelf: Shelf, fx_days: int
) -> Mapping[str, dict[int, Decimal]]:
    """Cash flows by currency and day; day 0 begins with the cash that is settled."""
    flows: dict[str, dict[int, Decimal]] = {}

    def book(currency: str, day: int, amount: Decimal) -> None:
        days = flows.setdefault(currency, {})
        days[day] = days.get(day, ZERO) + amount

    for row in cash_balances:
        book(row.currency, 0, row.amount if row.settled is None else row.settled)
    for intent in sorted(intents, key=lambda one: one.intent_id):
        if isinstance(intent, FxSpot):
            book(intent.sell_currency, fx_days, -intent.sell_amount_estimated)
            book(intent.buy_currency, fx_days, intent.buy_amount)
        else:
            sign = 1 if intent.side == "SELL" else -1
            book(intent.notional.currency, _settlement_days(intent, shelf), sign * intent.notional.amount)
    return flows
