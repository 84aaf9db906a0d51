"""The evidence of a stored version: its artifact checked by itself, and against what was stored beside it."""

from __future__ import annotations

from typing import Any

import msgspec

from steelyard.core.canonical import canonical_hash
from steelyard.proposals.documents import artifact_bytes
from steelyard.proposals.drafts import ProposalMetadata
from steelyard.proposals.evidence import Check, Verification, verify
from steelyard.proposals.tables import ProposalRow, VersionRow


def artifact_of(version: VersionRow) -> dict[str, Any]:
    """The artifact of a version that was read with its documents, as plain values."""
    artifact: dict[str, Any] = msgspec.json.decode(artifact_bytes(version))
    return artifact


def verify_version(proposal: ProposalRow, version: VersionRow) -> Verification:
    """Recompute everything that can be recomputed of a version that was read with its documents."""
    artifact = artifact_of(version)
    checks = verify(artifact, envelope=_envelope(proposal, version)).checks
    found = {
        "artifact_hash": artifact["evidence_bundle"]["hashes"]["artifact_hash"],
        "request_hash": artifact["evidence_bundle"]["hashes"]["request_hash"],
        "simulation_hash": canonical_hash(artifact["evidence_bundle"]["engine_outputs"]["proposal_result"]),
    }
    promised = {name: getattr(version, name) for name in found}
    different = sorted(name for name in found if found[name] != promised[name])
    record = Check("record", ", ".join(sorted(found)), ", ".join(different) or "same", not different)
    return Verification((*checks, record))


def _envelope(proposal: ProposalRow, version: VersionRow) -> dict[str, Any]:
    """What the request came in: the first version's body names the proposal, a later one's only its author."""
    if version.version_no > 1:
        return {"created_by": version.created_by}
    metadata = ProposalMetadata(proposal.title, proposal.advisor_notes, proposal.jurisdiction, proposal.mandate_id)
    return {"created_by": version.created_by, "metadata": msgspec.to_builtins(metadata)}
