"""What became of an account of a book, and its row in the comparison."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Literal

from msgspec import Struct

from steelyard.core.money import CONTEXT
from steelyard.rebalance.market import Market
from steelyard.rebalance.result import RebalanceResult, SecurityTrade
from steelyard.rebalance.turnover import size_of
from steelyard.rebalance.values import ZERO, CashBalance, Money

AccountStatus = Literal["READY", "PENDING_REVIEW", "BLOCKED", "FAILED"]
STATUSES: tuple[AccountStatus, ...] = ("READY", "PENDING_REVIEW", "BLOCKED", "FAILED")


class AccountError(Struct, frozen=True, gc=False):
    """Why an account has no result."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class AccountOutcome:
    """What became of an account: a result, or the reason why there is none."""

    portfolio_id: str
    model: str
    base_currency: str = ""
    result: RebalanceResult | None = None
    error: AccountError | None = None


class AccountRow(Struct, frozen=True, gc=False):
    """An account in the comparison, amounts in its base currency; null where there is no result.

    Attributes:
        reasons: codes of the rules that failed, then warnings, each once.
        turnover: what is bought and sold, as a share of the value before, 4 decimals.
        cash_before: of all currencies; one without a rate counts as nothing.
    """

    portfolio_id: str
    model: str
    status: AccountStatus
    reasons: list[str] = []
    rebalance_run_id: str | None = None
    security_intent_count: int = 0
    fx_intent_count: int = 0
    gross_turnover_notional_base: Money | None = None
    turnover: Decimal | None = None
    total_value: Money | None = None
    cash_before: Money | None = None
    cash_after: Money | None = None
    hard_fail_count: int = 0
    soft_fail_count: int = 0
    error: AccountError | None = None


def account_row(outcome: AccountOutcome, market: Market) -> AccountRow:
    """The row of an account; ``market`` converts its cash."""
    result, base = outcome.result, outcome.base_currency
    if result is None:
        reasons = [outcome.error.code] if outcome.error else []
        return AccountRow(outcome.portfolio_id, outcome.model, "FAILED", reasons, error=outcome.error)
    trades = [intent for intent in result.intents if isinstance(intent, SecurityTrade)]
    failed = [rule for rule in result.rule_results if rule.status == "FAIL"]
    reasons = [*[rule.reason_code for rule in failed], *result.diagnostics.warnings]
    with localcontext(CONTEXT):
        traded = sum([size_of(trade) for trade in trades], ZERO)
        total = result.before.total_value
        return AccountRow(
            outcome.portfolio_id,
            outcome.model,
            result.status,
            list(dict.fromkeys(reasons)),
            rebalance_run_id=result.rebalance_run_id,
            security_intent_count=len(trades),
            fx_intent_count=len(result.intents) - len(trades),
            gross_turnover_notional_base=Money(traded, base),
            turnover=_share(traded, total.amount),
            total_value=total,
            cash_before=Money(_cash(result.before.cash_balances, base, market), base),
            cash_after=Money(_cash(result.after_simulated.cash_balances, base, market), base),
            hard_fail_count=sum(rule.severity == "HARD" for rule in failed),
            soft_fail_count=sum(rule.severity == "SOFT" for rule in failed),
        )


def _cash(balances: Iterable[CashBalance], base: str, market: Market) -> Decimal:
    return sum([row.amount * (market.rate(row.currency, base) or ZERO) for row in balances], ZERO)


def _share(part: Decimal, whole: Decimal) -> Decimal | None:
    # Beside a tiny value the share has more digits than the context holds; nobody compares those.
    if whole <= 0 or part >= whole * _SHARE_MAX:
        return None
    return (part / whole).quantize(_FOUR_DECIMALS)


_FOUR_DECIMALS = Decimal("0.0001")
_SHARE_MAX = 1_000_000
