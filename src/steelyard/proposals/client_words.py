"""The codes of a proposal in plain words, for clients and for the desk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

STATUS = {
    "READY": "Simulated, this proposal keeps all rules.",
    "PENDING_REVIEW": "This proposal can be carried out, but something in it has to be reviewed first.",
    "BLOCKED": "As it stands, this proposal cannot be carried out.",
}
STATUS_SHORT = {"READY": "Ready", "PENDING_REVIEW": "Needs a review", "BLOCKED": "Blocked"}
NEXT_STEP = {
    "RISK_REVIEW": "Risk management reviews it.",
    "COMPLIANCE_REVIEW": "Compliance reviews it.",
    "CLIENT_CONSENT": "The client is asked for consent.",
    "EXECUTION_READY": "The trades can be carried out.",
}
GATE = {
    "BLOCKED": "Blocked: the input has to change first",
    "RISK_REVIEW_REQUIRED": "Risk management has to review it",
    "COMPLIANCE_REVIEW_REQUIRED": "Compliance has to review it",
    "CLIENT_CONSENT_REQUIRED": "The client has to consent",
    "EXECUTION_READY": "Free to be carried out",
}
OBJECTIVE = {
    "RISK_ALIGNMENT": "bring the holdings in line with the intended risk",
    "CASH_DEPLOYMENT": "put cash to use or pay it out",
    "DRIFT_REDUCTION": "bring the portfolio closer to its reference model",
    "PORTFOLIO_MAINTENANCE": "keep the portfolio as it is",
}
CHANGE = {"NEW": "New", "PERSISTENT": "Stays", "RESOLVED": "Resolved"}
SEVERITY = {"HIGH": "High", "MEDIUM": "Medium", "LOW": "Low"}
SIDE = {"BUY": "Buy", "SELL": "Sell"}
RULE = {
    "CASH_BAND": "Share of cash",
    "SINGLE_POSITION_MAX": "Size of one position",
    "DATA_QUALITY": "Completeness of the data",
    "MIN_TRADE_SIZE": "Trades too small to be worth it",
    "NO_SHORTING": "Nothing is sold that is not held",
    "INSUFFICIENT_CASH": "Enough cash in each currency",
    "RECONCILIATION": "Value before and after agree",
    "PROPOSAL_INPUT_GUARDS": "Flows and trades can be done as asked",
    "PROPOSAL_FUNDING_DQ": "Rates for funding are known",
}
FAILED = {
    "CASH_BAND": "The share of cash is outside its band.",
    "SINGLE_POSITION_MAX": "One position is larger than its limit.",
    "DATA_QUALITY": "Prices, rates or shelf entries are missing.",
    "NO_SHORTING": "More is sold than is held.",
    "INSUFFICIENT_CASH": "There is not enough cash in one of the currencies.",
    "RECONCILIATION": "The value before and after do not agree.",
    "PROPOSAL_INPUT_GUARDS": "Some of the flows or trades cannot be done as asked.",
    "PROPOSAL_FUNDING_DQ": "An exchange rate that funding needs is missing.",
}
ISSUE = {
    "SUIT_SINGLE_POSITION_MAX": "{instrument_id} is a large part of the portfolio.",
    "SUIT_ISSUER_MAX": "Issuer {issuer_id} is a large part of the portfolio.",
    "SUIT_LIQUIDITY_MAX": "Much of the portfolio is in liquidity tier {liquidity_tier}.",
    "SUIT_CASH_BAND": "The share of cash is outside its band.",
    "SUIT_GOVERNANCE_BANNED": "{instrument_id} is banned and is held.",
    "SUIT_GOVERNANCE_SUSPENDED": "{instrument_id} is suspended and is held.",
    "SUIT_GOVERNANCE_SELL_ONLY_INCREASE": "{instrument_id} may only be sold, and the proposal adds to it.",
    "SUIT_GOVERNANCE_RESTRICTED_INCREASE": "{instrument_id} is restricted, and the proposal adds to it.",
}
WARNING = {
    "PROPOSAL_WITHDRAWAL_NEGATIVE_CASH": "A withdrawal is larger than the cash of its currency.",
    "PROPOSAL_TRADE_NOT_SUPPORTED_BY_SHELF": "A purchase was left out: the instrument may not be bought.",
    "PROPOSAL_INVALID_TRADE_INPUT": "A trade was left out: its amount is in another currency than the price.",
    "PROPOSAL_BUY_SKIPPED_UNFUNDED": "Purchases were left out: there is no cash to pay for them.",
    "PROPOSAL_INSUFFICIENT_FUNDING_CASH": "No currency holds enough cash to pay for the purchases.",
    "PROPOSAL_MISSING_FX_FOR_FUNDING": "An exchange rate that the purchases need is missing.",
    "PROPOSAL_MISSING_FX_NON_BLOCKING": "An exchange rate that the purchases need is missing; this was let pass.",
    "REFERENCE_MODEL_BASE_CURRENCY_MISMATCH": "The reference model is in another currency; drift was not measured.",
}
REASON = {
    "NEW_HIGH_SUITABILITY_ISSUE": "The proposal brings a suitability issue of high severity",
    "NEW_MEDIUM_SUITABILITY_ISSUE": "The proposal brings a suitability issue of medium severity",
    "DATA_QUALITY_MISSING_PRICE": "Prices are missing",
    "DATA_QUALITY_MISSING_FX": "Exchange rates are missing",
}
VALUATION = {
    "CALCULATED": "Holdings are valued at the prices named.",
    "TRUST_SNAPSHOT": "Holdings are valued as the custodian reports them.",
}
BUCKET = {
    "CASH": "Cash",
    "EQUITY": "Equity",
    "BOND": "Bonds",
    "FUND": "Funds",
    "COMMODITY": "Commodities",
    "PROPERTY": "Property",
    "UNKNOWN": "Not classified",
}


def said(words: Mapping[str, str], code: object) -> str:
    """The words for a code; of one that is not known, the code itself without its underscores."""
    text = str(code)
    return words.get(text) or text.replace("_", " ").strip().capitalize()


def issue_text(issue: Mapping[str, Any]) -> str:
    """What a suitability issue is about."""
    template = ISSUE.get(issue["issue_id"])
    return template.format_map(issue["details"]) if template else str(issue["summary"])


def gate_reason(reason: Mapping[str, Any], issues: Mapping[str, Mapping[str, Any]] | None = None) -> str:
    """Why a gate is there, from one of its reasons; ``issues`` are the suitability issues by their key."""
    code, details = str(reason["reason_code"]), reason.get("details", {})
    issue = (issues or {}).get(details.get("issue_key", ""))
    if issue is not None:
        return f"New: {issue_text(issue)}"
    _, _, rule = code.partition("_RULE_FAIL:")
    if rule:
        return WARNING.get(details.get("reason_code", "")) or said(FAILED, rule)
    return f"{said(REASON, code)} ({details['count']})." if "count" in details else f"{said(REASON, code)}."
