"""Sections of the client document, each from its part of the artifact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from steelyard.proposals import client_words as words
from steelyard.proposals.client_parts import (
    NONE,
    Badge,
    Block,
    Cell,
    Column,
    Facts,
    Range,
    Section,
    Table,
    Text,
    amount,
    moment,
    money,
    percent,
    plain,
    quantity,
    table,
    tone_of,
)
from steelyard.proposals.client_words import said

_TRADES = (
    Column("Trade"), Column("Instrument"), Column("Quantity", "number"), Column("Estimated amount", "number"),
    Column("In base currency", "number"),
)  # fmt: skip
_CONVERSIONS = (
    Column("Conversion"), Column("Bought", "number"), Column("Sold, estimated", "number"), Column("Rate", "number"),
)  # fmt: skip
_FUNDING = (
    Column("To pay in"), Column("Needed", "number"), Column("There", "number"), Column("To be exchanged", "number"),
    Column("Paid from", "number"),
)  # fmt: skip
_ISSUES = (
    Column("Change", "badge"), Column("Severity", "badge"), Column("Issue", "wide"), Column("Measured", "number"),
    Column("Limit", "number"),
)  # fmt: skip

_BUCKET_FIELDS = {
    "Model": "model_weight",
    "Before": "portfolio_weight_before",
    "After": "portfolio_weight_after",
    "Off before": "drift_before",
    "Off after": "drift_after",
}


def trades_section(part: Mapping[str, Any], result: Mapping[str, Any]) -> Section:
    """What is traded, exchanged and paid, and from what."""
    flows = [intent for intent in result["intents"] if intent["intent_type"] == "CASH_FLOW"]
    blocks: list[Block] = []
    if flows:
        rows = [(str(one["description"] or "Cash flow"), amount(one["amount"], one["currency"])) for one in flows]
        blocks.append(table((Column("Money in and out"), Column("Amount", "number")), rows))
    if part["trade_list"]:
        blocks.append(table(_TRADES, [_trade(one) for one in part["trade_list"]]))
    else:
        blocks.append(Text("No instrument is traded."))
    if part["fx_list"]:
        blocks.append(table(_CONVERSIONS, [_conversion(one) for one in part["fx_list"]]))
    if plan := result["diagnostics"]["funding_plan"]:
        blocks.append(table(_FUNDING, [_funding(one) for one in plan]))
    blocks += [Text(str(note["text"])) for note in part["execution_notes"]]
    return Section("trades", "Trades and currency conversions", tuple(blocks))


def _trade(trade: Mapping[str, Any]) -> tuple[Cell, ...]:
    return (
        said(words.SIDE, trade["side"]),
        str(trade["instrument_id"]),
        quantity(trade["quantity"]),
        money(trade["estimated_notional"]),
        money(trade["estimated_notional_base"]),
    )


def _conversion(fx: Mapping[str, Any]) -> tuple[Cell, ...]:
    bought, _, sold = fx["pair"].partition("/")
    return (
        str(fx["pair"]),
        amount(fx["buy_amount"], bought),
        amount(fx["sell_amount_estimated"], sold),
        NONE if fx["rate"] is None else plain(fx["rate"]),
    )


def _funding(row: Mapping[str, Any]) -> tuple[Cell, ...]:
    currency = row["target_currency"]
    amounts = [amount(row[name], currency) for name in ("required", "available_before_fx", "fx_needed")]
    return str(currency), *amounts, str(row["funding_currency"] or NONE)


def suitability_section(part: Mapping[str, Any]) -> Section:
    """What does not suit the client: brought, kept or ended by the proposal."""
    if part["status"] != "AVAILABLE":
        return Section("suitability", "Suitability", (Text("Suitability was not examined for this proposal."),))
    counts = Facts(
        (
            ("New issues", plain(part["new_issues"])),
            ("Issues that stay", plain(part["persistent_issues"])),
            ("Issues resolved", plain(part["resolved_issues"])),
        )
    )
    found = [table(_ISSUES, [_issue(one) for one in part["issues"]])] if part["issues"] else []
    return Section("suitability", "Suitability", (counts, *found))


def _issue(issue: Mapping[str, Any]) -> tuple[Cell, ...]:
    details = issue["details"]
    measured = details.get("measured") or details.get("measured_after")
    return (
        Badge(said(words.CHANGE, issue["status_change"]), tone_of(issue["status_change"])),
        Badge(said(words.SEVERITY, issue["severity"]), tone_of(issue["severity"])),
        words.issue_text(issue),
        percent(measured) if measured else "",
        *_limit(details),
    )


def _limit(details: Mapping[str, str]) -> tuple[Cell, ...]:
    if "threshold" in details:
        return (percent(details["threshold"]),)
    if "threshold_min" in details:
        return (Range(percent(details["threshold_min"]), percent(details["threshold_max"])),)
    return ("",)


def drift_section(drift: Mapping[str, Any] | None) -> Section | None:
    """The distance from the reference model, where one was given."""
    if drift is None:
        return None
    model, classes, instruments = drift["reference_model"], drift["asset_class"], drift["instrument"]
    blocks: list[Block] = [
        Facts(
            (
                ("Reference model", f"{model['model_id']}, as of {model['as_of']}"),
                ("Distance before", percent(classes["drift_total_before"])),
                ("Distance after", percent(classes["drift_total_after"])),
                ("Change", percent(classes["drift_total_delta"])),
            )
        ),
        _buckets("Asset class", classes["buckets"]),
    ]
    if instruments is not None:
        blocks.append(_buckets("Instrument", instruments["buckets"]))
    note = "The distance is the share of the portfolio that would have to be traded to match the model."
    return Section("drift", "Distance from the reference model", (*blocks, Text(note)))


def _buckets(name: str, buckets: Sequence[Mapping[str, Any]]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for one in buckets:
        label = said(words.BUCKET, one["bucket"]) if name == "Asset class" else str(one["bucket"])
        rows.append((label, *[percent(one[source]) for source in _BUCKET_FIELDS.values()]))
    return table((Column(name), *[Column(head, "number") for head in _BUCKET_FIELDS]), rows)


def assumptions_section(part: Mapping[str, Any]) -> Section:
    """What the figures rest on and what they leave out."""
    pricing = part["pricing"]
    blocks: list[Block] = [
        Facts(
            (
                ("Prices", str(pricing["prices_as_of"])),
                ("Exchange rates", str(pricing["fx_as_of"])),
                ("Valuation", said(words.VALUATION, pricing["valuation_mode"])),
            )
        ),
        *[Text(str(part[name]["notes"])) for name in ("costs_and_fees", "tax", "execution")],
    ]
    return Section("assumptions", "What the figures rest on", tuple(blocks))


def disclosures_section(part: Mapping[str, Any]) -> Section:
    """The disclaimer, and the documents of what is traded."""
    rows = [(str(one["instrument_id"]), str(one["doc_ref"])) for one in part["product_docs"]]
    documents = [table((Column("Instrument"), Column("Product document")), rows)] if rows else []
    return Section("disclosures", "Disclosures", (Text(str(part["risk_disclaimer"])), *documents))


def evidence_section(artifact: Mapping[str, Any]) -> Section:
    """How to find and check the proposal that this document was made from."""
    bundle = artifact["evidence_bundle"]
    facts = Facts(
        (
            ("Proposal run", str(artifact["proposal_run_id"])),
            ("Artifact", str(artifact["artifact_id"])),
            ("Made", moment(artifact["created_at"])),
            ("Request hash", str(bundle["hashes"]["request_hash"])),
            ("Artifact hash", str(bundle["hashes"]["artifact_hash"])),
            ("Engine", str(bundle["engine_version"])),
        )
    )
    note = "Amounts are shown at the decimals of their currency; the artifact has every figure in full."
    return Section("evidence", "Evidence", (facts, Text(note)))
