"""The six rules that every outcome is judged by, in their fixed order.

A HARD rule that fails blocks, a SOFT one asks for a review.

Source: contract dpm, section 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from steelyard.rebalance.result import Diagnostics, RuleResult
from steelyard.rebalance.valuation import Valuation
from steelyard.rebalance.values import ZERO, EngineOptions, Status

_POSITION_TOLERANCE = Decimal("0.001")
_UNLIMITED = {"max": Decimal(-1)}
_NONE_ALLOWED = {"max": ZERO}
_NOT_BELOW_ZERO = {"min": ZERO}


_NO_LIMIT = RuleResult("SINGLE_POSITION_MAX", "HARD", "PASS", ZERO, _UNLIMITED, "NO_LIMIT_SET")
_DATA_COMPLETE = RuleResult("DATA_QUALITY", "HARD", "PASS", ZERO, _NONE_ALLOWED, "OK")
_NOTHING_SUPPRESSED = RuleResult("MIN_TRADE_SIZE", "SOFT", "PASS", ZERO, _NOT_BELOW_ZERO, "OK")


class Measures(Struct, frozen=True, gc=False):
    """What the rules look at.

    Attributes:
        names, weights: of the positions, or of those that weigh most.
        quantities: of the positions, or of those below zero.
        cash: the balances.
    """

    cash_weight: Decimal
    names: Sequence[str]
    weights: Sequence[Decimal]
    quantities: Sequence[Decimal]
    cash: Sequence[Decimal]


def evaluate_rules(valuation: Valuation, options: EngineOptions, diagnostics: Diagnostics) -> list[RuleResult]:
    """Judge a valued portfolio; one row per rule, but one per instrument above the position limit."""
    columns, cash = valuation.columns, [balance.amount for balance in valuation.state.cash_balances]
    measures = Measures(valuation.cash_weight, columns.listing.names, valuation.weights, columns.quantities, cash)
    return judge(measures, options, diagnostics)


def judge(measures: Measures, options: EngineOptions, diagnostics: Diagnostics) -> list[RuleResult]:
    """The same by what was measured."""
    return [
        _cash_band(measures.cash_weight, options),
        *_position_limit(measures, options.single_position_max_weight),
        _data_quality(diagnostics, options),
        _trade_size(len(diagnostics.suppressed_intents)),
        _not_below_zero(
            "NO_SHORTING",
            measures.quantities,
            "SELL_EXCEEDS_HOLDINGS",
            "Sell no more than is held.",
        ),
        _not_below_zero(
            "INSUFFICIENT_CASH",
            measures.cash,
            "CASH_BALANCE_NEGATIVE",
            "Buy less, bring cash, or lower the FX buffer.",
        ),
    ]


def status_of(rules: Sequence[RuleResult]) -> Status:
    """What the failed rules make of an outcome."""
    failed = {rule.severity for rule in rules if rule.status == "FAIL"}
    return "BLOCKED" if "HARD" in failed else "PENDING_REVIEW" if "SOFT" in failed else "READY"


def _cash_band(weight: Decimal, options: EngineOptions) -> RuleResult:
    low, high = options.cash_band_min_weight, options.cash_band_max_weight
    threshold = {"min": low, "max": high}
    if low <= weight <= high:
        return RuleResult("CASH_BAND", "SOFT", "PASS", weight, threshold, "OK")
    hint = "Invest or raise cash until its weight is inside the band."
    return RuleResult("CASH_BAND", "SOFT", "FAIL", weight, threshold, "THRESHOLD_BREACH", hint)


def is_above_limit(weight: Decimal, options: EngineOptions) -> bool:
    """Whether a position of that weight breaks the limit."""
    limit = options.single_position_max_weight
    return limit is not None and weight > limit + _POSITION_TOLERANCE


def _position_limit(measures: Measures, limit: Decimal | None) -> list[RuleResult]:
    rule = "SINGLE_POSITION_MAX"
    if limit is None:
        return [_NO_LIMIT]
    threshold = {"max": limit}
    allowed = limit + _POSITION_TOLERANCE
    breaches = [
        RuleResult(rule, "HARD", "FAIL", weight, threshold, "LIMIT_BREACH", f"Reduce {name}.")
        for name, weight in zip(measures.names, measures.weights, strict=True)
        if weight > allowed
    ]
    return breaches or [RuleResult(rule, "HARD", "PASS", max(measures.weights, default=ZERO), threshold, "OK")]


def _data_quality(diagnostics: Diagnostics, options: EngineOptions) -> RuleResult:
    gaps = diagnostics.data_quality
    count = len(gaps.shelf_missing)
    if options.block_on_missing_prices:
        count += len(gaps.price_missing)
    if options.block_on_missing_fx:
        count += len(gaps.fx_missing)
    if not count:
        return _DATA_COMPLETE
    hint = "Supply the prices, rates and shelf rows that the diagnostics name."
    return RuleResult("DATA_QUALITY", "HARD", "FAIL", Decimal(count), _NONE_ALLOWED, "MISSING_DATA", hint)


def _trade_size(suppressed: int) -> RuleResult:
    if not suppressed:
        return _NOTHING_SUPPRESSED
    return RuleResult("MIN_TRADE_SIZE", "SOFT", "PASS", Decimal(suppressed), _NOT_BELOW_ZERO, "INTENTS_SUPPRESSED")


def _not_below_zero(rule: str, amounts: Sequence[Decimal], reason: str, hint: str) -> RuleResult:
    lowest = min(amounts, default=ZERO)
    if lowest < 0:
        return RuleResult(rule, "HARD", "FAIL", lowest, _NOT_BELOW_ZERO, reason, hint)
    return RuleResult(rule, "HARD", "PASS", ZERO, _NOT_BELOW_ZERO, "OK")
