"""Codes in plain words: every one that the engine can emit has some."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import steelyard.rebalance
from steelyard.dashboard.dpm_words import FAMILIES, KNOWN, spoken, words_of
from steelyard.rebalance.api import analyze, simulate
from steelyard.rebalance.demo import DEMOS
from steelyard.rebalance.wire import MalformedBodyError, read_batch, read_request
from tests.rebalance.test_golden import CASES

ENGINE = (
    "cash_repair", "comparison", "engine", "equivalents", "funding", "gate", "groups", "intents", "lot_guard",
    "reconciliation", "rules", "settlement", "solver_target", "targets", "tax_lots", "trade_modes", "turnover",
    "universe",
)  # fmt: skip
"""The modules that a run goes through."""

NO_CODES = {
    "BANNED", "SUSPENDED", "RESTRICTED", "SELL_ONLY", "MISSING_SHELF",  # shelf statuses: parts of codes
    "TRUST_SNAPSHOT", "RAISE_CASH", "BUY_ONLY",  # options
    "RULE_ENGINE", "SUITABILITY",  # who gives a reason
}  # fmt: skip


def codes_in_the_source() -> Iterator[str]:
    """Text constants in capitals, with what an f-string puts into them as ``x``."""
    folder = Path(steelyard.rebalance.__file__).parent
    for name in ENGINE:
        tree = ast.parse((folder / f"{name}.py").read_text())
        joined = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
        parts = {part for node in joined for part in node.values}
        whole = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and node not in parts]
        texts = [
            "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in one.values) for one in joined
        ]
        texts += [node.value for node in whole if isinstance(node.value, str)]
        yield from (text for text in texts if re.fullmatch(r"(?=.*[A-Z])[A-Z0-9_:x]+_[A-Z0-9_:x]+", text))


def test_every_code_in_the_engine_s_source_has_words():
    found = set(codes_in_the_source()) - NO_CODES
    assert len(found) > 60, "the search finds the codes"
    made = {
        "NEW_x_SUITABILITY_ISSUE": ["NEW_HIGH_SUITABILITY_ISSUE", "NEW_MEDIUM_SUITABILITY_ISSUE"],
        "DATA_QUALITY_MISSING_x": ["DATA_QUALITY_MISSING_PRICE", "DATA_QUALITY_MISSING_FX"],
        "x_RULE_FAIL:x": ["HARD_RULE_FAIL:CASH_BAND", "SOFT_RULE_FAIL:CASH_BAND"],
        "x_MODE": ["BUY_ONLY_MODE", "RAISE_CASH_MODE"],
    }
    assert set(made) <= found
    codes = [code for one in found for code in made.get(one, [one])]
    assert sorted(code for code in codes if not has_words(code)) == []


def test_every_code_of_the_recorded_answers_and_the_demos_has_words():
    results = [result for case in CASES for result in results_of(case)]
    results += [simulate(read_request(demo.request)).to_dict() for demo in DEMOS]
    codes = {code for result in results for code in codes_of(result)}
    assert {"READY", "DRIFT_REBALANCE", "SWEEP", "CASH_BAND"} <= codes
    assert sorted(code for code in codes if not has_words(code)) == []


def has_words(code: str) -> bool:
    return code in KNOWN or any(code.startswith(family) for family in FAMILIES)


def results_of(case: dict[str, Any]) -> list[dict[str, Any]]:
    body = json.dumps(case["body"]).encode() if "body" in case else case["raw"].encode()
    try:
        if case["path"] == "/rebalance/simulate":
            return [simulate(read_request(body)).to_dict()]
        return list(analyze(read_batch(body)).to_dict()["results"].values())
    except MalformedBodyError:
        return []


def codes_of(value: Any, name: str = "") -> Iterator[str]:
    """Whatever stands where a result has codes."""
    named = {
        "status", "code", "reason", "reason_code", "rule_id", "gate", "recommended_next_step", "warnings", "tags",
        "constraints_applied", "primary_method", "alternate_method", "primary_status", "alternate_status",
        "alternate_warnings",
    }  # fmt: skip
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from codes_of(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from codes_of(inner, name)
    elif isinstance(value, str) and name in named and value not in ("PASS", "FAIL"):
        yield value


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("CAPPED_BY_GROUP_LIMIT_sector:TECH", "sector TECH weighs more than its cap"),
        ("OVERDRAFT_ON_T_PLUS_2", "settlement day 2"),
        ("HARD_RULE_FAIL:CASH_BAND", "cash band"),
        ("INFEASIBLE_UNBOUNDED", "UNBOUNDED"),
        ("CAP_UNREACHABLE_LOCKED_{x}", "{x}"),
    ],
)
def test_a_family_names_its_member(code, said):
    assert said in words_of(code).meaning


def test_an_unknown_code_is_shown_as_its_own_words():
    assert words_of("SOMETHING_NEW_HAPPENED").short == "Something new happened"
    assert spoken("already words") == "already words"


def test_no_words_repeat_their_code():
    for code, words in {**KNOWN, **FAMILIES}.items():
        assert "_" not in words.short + words.meaning, code
        assert words.meaning == "" or words.meaning.endswith((".", "}.")), code
