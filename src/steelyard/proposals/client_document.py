"""The document for the client: from a proposal's artifact to sections that can be drawn anywhere.

Nothing is computed here: every number is one of the artifact's, formatted.

Source: contract dpm, section 13.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from steelyard.core.errors import DataIntegrityError
from steelyard.proposals import client_words as words
from steelyard.proposals.client_allocation import allocation_sections
from steelyard.proposals.client_parts import (
    Block,
    Cell,
    ClientDocument,
    Column,
    Facts,
    Section,
    Text,
    amount,
    moment,
    table,
    tone_of,
)
from steelyard.proposals.client_sections import (
    assumptions_section,
    disclosures_section,
    drift_section,
    evidence_section,
    suitability_section,
    trades_section,
)
from steelyard.proposals.client_words import said


def build_client_document(artifact: Mapping[str, Any]) -> ClientDocument:
    """The document of an artifact, as :func:`build_proposal_artifact` makes it and JSON brings it back.

    Raises:
        DataIntegrityError: ARTIFACT_MALFORMED: a part is missing or is not what it should be.
    """
    try:
        return _document(artifact)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        message = f"the artifact cannot be read: {type(error).__name__} at {error}"
        raise DataIntegrityError(message, code="ARTIFACT_MALFORMED") from error


def _document(artifact: Mapping[str, Any]) -> ClientDocument:
    evidence = artifact["evidence_bundle"]
    portfolio, result = evidence["inputs"]["portfolio_snapshot"], evidence["engine_outputs"]["proposal_result"]
    sections = [
        _in_short(artifact, result),
        *allocation_sections(artifact["portfolio_impact"]),
        trades_section(artifact["trades_and_funding"], result),
        suitability_section(artifact["suitability_summary"]),
        drift_section(result["drift_analysis"]),
        assumptions_section(artifact["assumptions_and_limits"]),
        disclosures_section(artifact["disclosures"]),
        evidence_section(artifact),
    ]
    return ClientDocument(
        title=str(artifact["summary"]["title"]),
        subtitle=f"Portfolio {portfolio['portfolio_id']}, in {portfolio['base_currency']}. "
        f"Made {moment(artifact['created_at']).text}.",
        footer=f"{artifact['summary']['title']}, {artifact['artifact_id']}",
        sections=tuple(section for section in sections if section is not None),
    )


def _in_short(artifact: Mapping[str, Any], result: Mapping[str, Any]) -> Section:
    summary, status = artifact["summary"], artifact["status"]
    aims = ", ".join(said(words.OBJECTIVE, tag) for tag in summary["objective_tags"])
    blocks: list[Block] = [
        Text(said(words.STATUS, status), tone_of(status)),
        Facts(
            (
                ("Next step", said(words.NEXT_STEP, summary["recommended_next_step"])),
                ("Aim", aims[:1].upper() + aims[1:] + "."),
            )
        ),
        *[Text(str(note)) for note in summary["advisor_notes"]],
    ]
    points = list(dict.fromkeys(_points(result)))
    if points:
        blocks.append(table((Column("To be settled"), Column("What helps")), points))
    return Section("summary", "In short", tuple(blocks))


def _points(result: Mapping[str, Any]) -> Iterator[tuple[Cell, ...]]:
    """What stands in the way: rules that failed, what was left out, what is missing."""
    for rule in result["rule_results"]:
        if rule["status"] == "FAIL":
            yield said(words.FAILED, rule["rule_id"]), str(rule["remediation_hint"] or "")
    diagnostics = result["diagnostics"]
    for warning in diagnostics["warnings"]:
        yield said(words.WARNING, warning), ""
    for short in diagnostics["insufficient_cash"]:
        yield "Cash missing", amount(short["deficit"], short["currency"])
    missing = diagnostics["data_quality"]
    for name, where in (("Price", "price_missing"), ("Exchange rate", "fx_missing"), ("Shelf entry", "shelf_missing")):
        for item in missing[where]:
            yield f"{name} missing", str(item)
