"""The few parts of a stored result that a list shows, read without building the rest."""

from __future__ import annotations

from typing import Any, TypedDict

import msgspec

from steelyard.dashboard.dpm_figures import listed
from steelyard.dashboard.dpm_rules import gate_reason, measured
from steelyard.dashboard.dpm_words import words_of

WHY_MAX = 6
"""Reasons of one run that a list shows."""


class _Total(TypedDict):
    currency: str


class _Before(TypedDict):
    total_value: _Total


class _Gate(TypedDict):
    reasons: list[dict[str, Any]]


class _Gaps(TypedDict):
    price_missing: list[str]
    fx_missing: list[str]
    shelf_missing: list[str]


class _Diagnostics(TypedDict):
    warnings: list[str]
    data_quality: _Gaps


class Outline(TypedDict):
    """Parts of a result, under the names that they have in it."""

    before: _Before
    rule_results: list[dict[str, Any]]
    gate_decision: _Gate | None
    diagnostics: _Diagnostics


_OUTLINES = msgspec.json.Decoder(Outline)


def outline(result: bytes) -> Outline:
    """The outline of a stored result."""
    return _OUTLINES.decode(result)


def why(found: Outline) -> list[str]:
    """Why someone should look at a run: failed rules first, then what the gate and the engine noticed."""
    base = found["before"]["total_value"]["currency"]
    failed = [rule for rule in found["rule_results"] if rule["status"] == "FAIL"]
    said = [f"{words_of(rule['rule_id']).short}: {measured(rule, base)}." for rule in failed]
    gaps = found["diagnostics"]["data_quality"]
    missing = (
        ("price", gaps["price_missing"]),
        ("exchange rate", gaps["fx_missing"]),
        ("shelf row", gaps["shelf_missing"]),
    )
    said += [f"Missing {what}: {listed(names)}." for what, names in missing if names]
    gate = found["gate_decision"]
    reasons = [] if gate is None else gate["reasons"]
    said += [f"{gate_reason(reason)}." for reason in reasons if reason["source"] == "SUITABILITY"]
    said += [_sentence(code) for code in found["diagnostics"]["warnings"]]
    if not said:
        said = ["The targets could not be set as the model asks: the weights to give away found no place."]
    return list(dict.fromkeys(said))[:WHY_MAX]


def _sentence(code: str) -> str:
    says = words_of(code)
    said = says.meaning or f"{says.short}."
    return said[:1].upper() + said[1:]
