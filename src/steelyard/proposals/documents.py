"""A simulated proposal as bytes: its result, its artifact, its evidence, each written once.

The artifact repeats the inputs and the result, and the evidence repeats them again.  Here they are
kept apart and put together where they are answered, always to the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import msgspec

from steelyard.core.canonical import canonical_hash
from steelyard.proposals.artifact import artifact_values
from steelyard.proposals.simulation import ProposalIdentity, simulate_proposal
from steelyard.proposals.values import ProposalRequest, ProposalResult
from steelyard.rebalance.hashing import CANONICAL, hash_of

_EVIDENCE = b'"evidence_bundle":{"inputs":'
_BETWEEN = b',"engine_outputs":{"proposal_result":'
_SOFT = "MEDIUM"
_NO_BYTES = b"null"


class Parts(Protocol):
    """What is stored of a document."""

    @property
    def inputs(self) -> bytes:
        """The JSON of the request."""

    @property
    def result(self) -> bytes:
        """The JSON of the result."""

    @property
    def artifact_head(self) -> bytes:
        """The JSON of the artifact up to its inputs."""

    @property
    def artifact_tail(self) -> bytes:
        """The JSON of the artifact after its result."""


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A simulated proposal, ready to be stored.

    Attributes:
        gate_decision: JSON of the result's gate, ``null`` where gates are off.
        soft_breaches: JSON, the reason codes that ask for a review and do not block.
    """

    status: str
    artifact_hash: str
    simulation_hash: str
    gate_decision: bytes
    soft_breaches: bytes
    inputs: bytes
    result: bytes
    artifact_head: bytes
    artifact_tail: bytes


def document_of(request: ProposalRequest, identity: ProposalIdentity, *, created_at: str) -> Document:
    """Simulate a proposal and write its documents; ``created_at`` is ISO 8601 with an offset."""
    return documented(request, simulate_proposal(request, identity), created_at=created_at)


def documented(request: ProposalRequest, result: ProposalResult, *, created_at: str) -> Document:
    """The documents of a result."""
    canonical = CANONICAL.encode(result)  # once, for both hashes
    artifact = artifact_values(request, result, created_at, canonical)
    evidence = artifact.pop("evidence_bundle")
    reasons = artifact["gate_decision"].reasons
    hashes, version = msgspec.json.encode(evidence["hashes"]), msgspec.json.encode(evidence["engine_version"])
    gate = result.gate_decision
    return Document(
        status=result.status,
        artifact_hash=evidence["hashes"]["artifact_hash"],
        simulation_hash=hash_of(canonical) or canonical_hash(msgspec.to_builtins(result)),
        gate_decision=_NO_BYTES if gate is None else msgspec.json.encode(gate),
        soft_breaches=msgspec.json.encode([reason.reason_code for reason in reasons if reason.severity == _SOFT]),
        inputs=msgspec.json.encode(request),
        result=result.to_bytes(),
        artifact_head=msgspec.json.encode(artifact)[:-1] + b"," + _EVIDENCE,
        artifact_tail=b'},"hashes":' + hashes + b',"engine_version":' + version + b"}}",
    )


def artifact_bytes(parts: Parts) -> bytes:
    """The artifact as it is answered."""
    return b"".join((parts.artifact_head, parts.inputs, _BETWEEN, parts.result, parts.artifact_tail))


def evidence_bytes(parts: Parts) -> bytes:
    """The artifact's evidence bundle by itself."""
    return b"".join((b'{"inputs":', parts.inputs, _BETWEEN, parts.result, parts.artifact_tail[:-1]))
