"""Whether trading kept the value: what was there before is there afterwards, in other forms.

Source: contract dpm, section 6.11.
"""

from __future__ import annotations

from decimal import Decimal

from steelyard.rebalance.result import Reconciliation, RuleResult
from steelyard.rebalance.values import Money

_FIXED = Decimal("0.5")
_SHARE = Decimal("0.0005")


def reconcile(before: Decimal, after: Decimal, base: str, *, expected: Decimal | None = None) -> Reconciliation:
    """Compare two values in base currency; the tolerance is 0.5 and 5 bp of what is expected.

    ``expected`` is the value before, unless money was brought or taken.
    """
    if expected is None:
        expected = before
    tolerance = _FIXED + _SHARE * abs(expected)
    return Reconciliation(
        Money(before, base),
        Money(after, base),
        Money(after - before, base),
        Money(tolerance, base),
        "OK" if abs(after - expected) <= tolerance else "MISMATCH",
    )


def mismatch_rule(reconciliation: Reconciliation, *, expected: Decimal | None = None) -> RuleResult:
    """The rule row that says a value got lost or came from nowhere."""
    if expected is None:
        expected = reconciliation.before_total_value.amount
    return RuleResult(
        "RECONCILIATION",
        "HARD",
        "FAIL",
        abs(reconciliation.after_total_value.amount - expected),
        {"max": reconciliation.tolerance.amount},
        "VALUE_MISMATCH",
        "Check the custodian's values against prices and rates.",
    )
