"""The codes of a DPM rebalance in plain words: short ones for a tag, a sentence for an explanation.

A code that is not known is shown as its own words, so that a newer engine is still readable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from steelyard.dashboard.shell import Tone


@dataclass(frozen=True, slots=True)
class Words:
    """What a code says.

    Attributes:
        short: a few words, for a tag or a headline.
        meaning: one or two sentences: what happened, and where there is one the remedy.
        tone: how grave it is.
    """

    short: str
    meaning: str = ""
    tone: Tone = "neutral"


def words_of(code: str) -> Words:
    """The words of ``code``; those of a family such as ``CAPPED_BY_GROUP_LIMIT_sector:TECH`` name their member."""
    if (known := KNOWN.get(code)) is not None:
        return known
    for prefix, family in FAMILIES.items():
        if code.startswith(prefix) and (member := code.removeprefix(prefix)):
            named = _member_words(member)
            return Words(family.short.format(named), family.meaning.format(named), family.tone)
    return Words(spoken(code))


def spoken(code: str) -> str:
    """``SOME_CODE`` as ``Some code``."""
    text = code.replace("_", " ").strip()
    return text.capitalize() if text.isupper() else text


def status_words(result: Mapping[str, Any]) -> Words:
    """The status of a result."""
    return words_of(result["status"])


def _member_words(member: str) -> str:
    """What a family's member is called: a rule by its name, a group as ``sector TECH``, all else as it is."""
    if member in KNOWN:
        return KNOWN[member].short.lower()
    attribute, colon, value = member.partition(":")
    return f"{attribute} {value}" if colon and attribute and value else member


KNOWN: Mapping[str, Words] = {
    # what became of the run
    "READY": Words("Ready", "Every rule holds.", "good"),
    "PENDING_REVIEW": Words("Needs review", "Possible, but someone should look at it first.", "doubtful"),
    "BLOCKED": Words("Blocked", "It must not be executed as it stands.", "bad"),
    "FAILED": Words("Failed", "There is no result.", "bad"),
    # why an order exists, and what shaped it
    "DRIFT_REBALANCE": Words("Drift", "Brings the weight to its target."),
    "FUNDING": Words("Funding", "Buys the currency that the purchases need."),
    "SWEEP": Words("Sweep", "Sells the currency that is left over."),
    "MIN_NOTIONAL": Words("Minimum size", "Above the smallest trade that is worth its cost."),
    "TAX_BUDGET": Words(
        "Cut by tax budget", "Sells less, because the budget of realised gains is used up.", "doubtful"
    ),
    # from the model's weight to the target
    "CAPPED_BY_MAX_WEIGHT": Words("Lowered", "Aimed at less than the model asks for: a cap, a lock or cash to keep."),
    "REDISTRIBUTED_RECIPIENT": Words("Raised", "Takes up weight that others had to give up."),
    "IMPLICIT_SELL_TO_ZERO": Words("Sold out", "Not in the model, so it is sold."),
    "LOCKED_POSITION": Words("Locked", "Not in the model, and it may not be traded."),
    # what may not be traded freely
    "SHELF_STATUS_BANNED": Words("Banned", "The model wants it and the shelf bans it: nothing is bought.", "bad"),
    "SHELF_STATUS_SUSPENDED": Words(
        "Suspended", "The model wants it and trading is suspended: nothing is bought.", "bad"
    ),
    "SHELF_STATUS_RESTRICTED": Words(
        "Restricted", "The model wants it and it is restricted; allow restricted instruments to buy it.", "doubtful"
    ),
    "SHELF_STATUS_SELL_ONLY": Words(
        "Sell only", "It may be sold and not bought; others take up its model weight.", "doubtful"
    ),
    "LOCKED_DUE_TO_BANNED": Words("Locked: banned", "Held beside the model and banned: it stays as it is.", "doubtful"),
    "LOCKED_DUE_TO_SUSPENDED": Words(
        "Locked: suspended", "Held beside the model while trading is suspended: it stays as it is.", "doubtful"
    ),
    "LOCKED_DUE_TO_RESTRICTED": Words(
        "Locked: restricted", "Held beside the model and restricted: it stays as it is.", "doubtful"
    ),
    "LOCKED_DUE_TO_MISSING_SHELF": Words(
        "Locked: not on the shelf", "Held and on no shelf row, so nobody knows what is allowed: it stays.", "doubtful"
    ),
    # rules, and how they were judged
    "CASH_BAND": Words("Cash band", "Cash after the trades stays inside its band."),
    "SINGLE_POSITION_MAX": Words("Single position", "No position weighs more than its limit."),
    "DATA_QUALITY": Words("Complete data", "Every price, rate and shelf row that is needed is there."),
    "MIN_TRADE_SIZE": Words("Trade size", "Trades too small to be worth their cost are left out."),
    "NO_SHORTING": Words("No short positions", "Nothing is sold that is not held."),
    "INSUFFICIENT_CASH": Words("Enough cash", "No currency is overdrawn after the trades."),
    "SETTLEMENT_CASH_LADDER": Words("Cash until settlement", "No currency is overdrawn while the trades settle."),
    "RECONCILIATION": Words("Value kept", "What was there before is there afterwards, in other forms."),
    "OK": Words("Holds", "", "good"),
    "MISMATCH": Words("Does not add up", "The value after the trades differs from the value before.", "bad"),
    "NO_LIMIT_SET": Words("No limit set"),
    "THRESHOLD_BREACH": Words("Outside its band", "", "doubtful"),
    "LIMIT_BREACH": Words("Above its limit", "", "bad"),
    "MISSING_DATA": Words("Data is missing", "", "bad"),
    "INTENTS_SUPPRESSED": Words("Small trades left out"),
    "SELL_EXCEEDS_HOLDINGS": Words("Sells more than is held", "", "bad"),
    "CASH_BALANCE_NEGATIVE": Words("Cash below zero", "", "bad"),
    "VALUE_MISMATCH": Words("Values differ", "", "bad"),
    # the gate and the step after it
    "EXECUTION_READY": Words("Free to execute", "No rule asks for anybody's approval.", "good"),
    "RISK_REVIEW_REQUIRED": Words("Risk reviews it", "A soft rule failed; risk decides.", "doubtful"),
    "COMPLIANCE_REVIEW_REQUIRED": Words("Compliance reviews it", "A grave suitability issue is new.", "doubtful"),
    "CLIENT_CONSENT_REQUIRED": Words(
        "The client is asked", "Nothing speaks against it but the client's yes.", "doubtful"
    ),
    "EXECUTE": Words("Send the orders"),
    "FIX_INPUT": Words("Correct the request and run it again"),
    "RISK_REVIEW": Words("Hand it to risk"),
    "COMPLIANCE_REVIEW": Words("Hand it to compliance"),
    "REQUEST_CLIENT_CONSENT": Words("Ask the client"),
    "DATA_QUALITY_MISSING_PRICE": Words("Prices are missing", "", "bad"),
    "DATA_QUALITY_MISSING_FX": Words("Exchange rates are missing", "", "bad"),
    "NEW_HIGH_SUITABILITY_ISSUE": Words("A grave suitability issue is new", "", "bad"),
    "NEW_MEDIUM_SUITABILITY_ISSUE": Words("A suitability issue is new", "", "doubtful"),
    # what the engine noticed
    "NO_ELIGIBLE_REDISTRIBUTION_DESTINATION": Words(
        "Nobody takes the excess", "A group cap sets weight free and nothing outside the group may be bought.", "bad"
    ),
    "SHORT_TERM_GAIN_BLOCKED": Words(
        "Young lots kept", "A sale was cut: its lots are young and would realise a short-term gain.", "doubtful"
    ),
    "WASH_SALE_GUARD": Words(
        "Wash sale avoided", "A trade was held back: a loss and a purchase would be too close together.", "doubtful"
    ),
    "SETTLEMENT_OVERDRAFT_UTILIZED": Words(
        "Overdraft used", "A currency falls below zero while the trades settle, within what is allowed.", "doubtful"
    ),
    "SOLVER_ERROR": Words("The solver failed", "No target weights came of it; try the rules instead.", "bad"),
    "INFEASIBLE_INFEASIBLE": Words("No solution", "No weights satisfy all constraints at once.", "bad"),
    "INFEASIBILITY_HINT_CASH_BAND_CONTRADICTION": Words(
        "Hint: cash band", "The least cash is above the most cash, or locked holdings leave no room for it.", "bad"
    ),
    "INFEASIBILITY_HINT_SINGLE_POSITION_CAPACITY": Words(
        "Hint: position limit",
        "Too few instruments for their limit: all at it together still leave too much cash.",
        "bad",
    ),
    "TAX_BUDGET_LIMIT_REACHED": Words(
        "Tax budget used up", "Sales were cut where they would realise more gains than the budget allows.", "doubtful"
    ),
    "RAISE_CASH_SHORTFALL": Words(
        "Less cash than asked for", "The sales that are possible raise less than the amount wanted.", "doubtful"
    ),
    "PARTIAL_REBALANCE_TURNOVER_LIMIT": Words(
        "Turnover limit",
        "Some trades were left out, the smaller ones first: all of them would trade too much.",
        "doubtful",
    ),
    "SIMULATION_SAFETY_CHECK_FAILED": Words(
        "Safety check failed", "The trades would sell short or overdraw cash; nothing may be executed.", "bad"
    ),
    "TARGET_METHOD_STATUS_DIVERGENCE": Words(
        "The methods disagree", "Rules and solver come to another status.", "doubtful"
    ),
    "TARGET_METHOD_WEIGHT_DIVERGENCE": Words(
        "The methods aim at other weights", "Rules and solver differ by more than the tolerance.", "doubtful"
    ),
    "PARTIAL_BATCH_FAILURE": Words("Some scenarios failed", "The others are not affected.", "doubtful"),
    # trades left out or cut
    "BELOW_MIN_NOTIONAL": Words("Too small", "Below the smallest trade that is worth its cost."),
    "TURNOVER_LIMIT": Words("No room", "The turnover limit had no room for it."),
    "LOT_SIZE": Words("Whole lots", "Rounded down to whole lots."),
    "CASH_REPAIR": Words("Cut for cash", "Bought less, so that base cash does not fall below zero."),
    "BUY_ONLY_MODE": Words("Not sold", "Only purchases were asked for."),
    "RAISE_CASH_MODE": Words("Not bought", "Only sales were asked for."),
    "CASH_TARGET_REACHED": Words("Not needed", "The amount to raise is reached without it."),
    "EQUIVALENT_USED": Words("Stand-in", "It cannot be bought; its stand-in takes the weight."),
    "CAPPED": Words("Capped", "The group was cut to its cap and others took the rest.", "doubtful"),
    # ways to the target
    "HEURISTIC": Words("Rules", "Targets by rules, one after the other."),
    "SOLVER": Words("Solver", "Targets by optimisation: as close to the model as the constraints allow."),
}
"""Words by code."""

FAMILIES: Mapping[str, Words] = {
    "CAPPED_BY_GROUP_LIMIT_": Words(
        "Group cap: {}", "{} weighs more than its cap; the excess went to others.", "doubtful"
    ),
    "CAP_UNREACHABLE_LOCKED_": Words(
        "Cap out of reach: {}",
        "Locked holdings of {} exceed the cap on their own, and they may not be sold.",
        "doubtful",
    ),
    "UNKNOWN_CONSTRAINT_ATTRIBUTE_": Words(
        "Cap without a group: {}",
        "A group cap names the attribute {}, which no instrument has; it was ignored.",
        "doubtful",
    ),
    "INFEASIBILITY_HINT_LOCKED_GROUP_WEIGHT_": Words(
        "Hint: group {}", "Locked holdings of {} exceed the cap on their own.", "bad"
    ),
    "INFEASIBLE_": Words("No solution ({})", "The solver found no weights that satisfy all constraints: {}.", "bad"),
    "OVERDRAFT_ON_T_PLUS_": Words(
        "Overdrawn on day {}", "Cash falls below what is allowed on settlement day {}.", "bad"
    ),
    "HARD_RULE_FAIL:": Words("A hard rule failed: {}", "A hard rule blocks: {}.", "bad"),
    "SOFT_RULE_FAIL:": Words("A soft rule failed: {}", "A soft rule asks for a review: {}.", "doubtful"),
    "SHELF_STATUS_": Words("Shelf: {}", "The shelf says {}.", "doubtful"),
    "LOCKED_DUE_TO_": Words("Locked: {}", "It stays as it is: {}.", "doubtful"),
}
"""Words by what a code begins with; ``{}`` is the rest of it."""
