"""Whether trading kept the value: what was there before is there afterwards, in other forms.

Source: contract dpm, section 6.11.
"""

from __future__ import annotations

from decimal import Decimal

from steelyard.rebalance.result import Reconciliation, RuleResult
from steelyard.rebalance.values import Money

_FIXED = Decimal("0.5")
_SHARE = Decimal("0.0005")


def reconcile(expected: Decimal, actual: Decimal, base: str) -> Reconciliation:
    """Compare two values in base currency; the tolerance is 0.5 and 5 bp of what is expected."""
    delta, tolerance = actual - expected, _FIXED + _SHARE * abs(expected)
    return Reconciliation(
        Money(expected, base),
        Money(actual, base),
        Money(delta, base),
        Money(tolerance, base),
        "OK" if abs(delta) <= tolerance else "MISMATCH",
    )


def mismatch_rule(reconciliation: Reconciliation) -> RuleResult:
    """The rule row that says a value got lost or came from nowhere."""
    return RuleResult(
        "RECONCILIATION",
        "HARD",
        "FAIL",
        abs(reconciliation.delta.amount),
        {"max": reconciliation.tolerance.amount},
        "VALUE_MISMATCH",
        "Check the custodian's values against prices and rates.",
    )
