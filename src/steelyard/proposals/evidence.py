"""Is an artifact what its hashes promise, and does the engine still say the same?

Three checks, each by itself: the hash of the document, the hash of the request inside it, and a
replay: the request is simulated again and every section compared.

Source: contract dpm, section 13.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from steelyard.core.canonical import canonical_hash
from steelyard.proposals.artifact import build_proposal_artifact
from steelyard.proposals.simulation import ENGINE_VERSION, ProposalIdentity, simulate_proposal
from steelyard.proposals.wire import read_proposal
from steelyard.rebalance.artifact import hash_without
from steelyard.rebalance.wire import MalformedBodyError

MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Check:
    """What was promised of one part and what was found.

    Attributes:
        part: ``artifact_hash``, ``request_hash`` or ``replay``.
        promised: the hash that the artifact carries; of a replay, its engine's version.
        found: the hash that was computed; of a replay, ``same`` or the sections that differ.
    """

    part: str
    promised: str
    found: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Verification:
    """All checks of an artifact."""

    checks: tuple[Check, ...]

    @property
    def holds(self) -> bool:
        """Whether every part is what it should be."""
        return all(check.holds for check in self.checks)


def verify(artifact: Mapping[str, Any], *, envelope: Mapping[str, Any] | None = None) -> Verification:
    """Recompute the hashes of an artifact as it was stored, and its content.

    Args:
        artifact: plain values, as JSON brings them back.
        envelope: what the request came in, where it was stored with a proposal: the other fields of the
            body (``created_by``, ``metadata``), which the request hash then covers too.
    """
    bundle = _part(artifact, "evidence_bundle")
    hashes, inputs = _part(bundle, "hashes"), _part(bundle, "inputs")
    whole = hash_without(dict(artifact), "created_at", "artifact_hash")
    return Verification(
        (
            _compared("artifact_hash", hashes.get("artifact_hash"), whole),
            _compared("request_hash", hashes.get("request_hash"), canonical_hash(_body(inputs, envelope))),
            _replayed(artifact, bundle, inputs),
        )
    )


def _body(inputs: Mapping[str, Any], envelope: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return inputs if envelope is None else {**envelope, "simulate_request": inputs}


def _compared(part: str, promised: Any, found: str) -> Check:
    text = MISSING if promised is None else str(promised)
    return Check(part, text, found, text == found)


def _replayed(artifact: Mapping[str, Any], bundle: Mapping[str, Any], inputs: Mapping[str, Any]) -> Check:
    version = str(bundle.get("engine_version", MISSING))
    if version != ENGINE_VERSION:
        return Check("replay", version, f"this engine is {ENGINE_VERSION}", holds=False)
    try:
        request = read_proposal(inputs)
    except MalformedBodyError as error:
        return Check("replay", version, str(error), holds=False)
    lineage = _part(_part(_part(bundle, "engine_outputs"), "proposal_result"), "lineage")
    identity = ProposalIdentity(
        str(artifact.get("correlation_id")), str(lineage.get("request_hash")), lineage.get("idempotency_key")
    )
    again = build_proposal_artifact(
        request, simulate_proposal(request, identity), created_at=str(artifact.get("created_at"))
    )
    different = sorted(name for name in {*artifact, *again} if artifact.get(name) != again.get(name))
    return Check("replay", version, ", ".join(different) or "same", not different)


def _part(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = whole.get(name)
    return part if isinstance(part, Mapping) else {}
