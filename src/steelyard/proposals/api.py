"""Proposals from Python: a request in, the simulation and its artifact out; no server, no database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from steelyard.core import clock
from steelyard.core.errors import InvalidInputError
from steelyard.proposals.artifact import build_proposal_artifact
from steelyard.proposals.client_document import build_client_document
from steelyard.proposals.client_html import client_html
from steelyard.proposals.evidence import Verification, verify
from steelyard.proposals.simulation import ProposalIdentity, simulate_proposal
from steelyard.proposals.values import ProposalRequest, ProposalResult
from steelyard.proposals.wire import read_proposal
from steelyard.rebalance.wire import MalformedBodyError, request_hash

DISABLED = "PROPOSAL_SIMULATION_DISABLED"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A simulated proposal and the document made of it."""

    result: ProposalResult
    artifact: dict[str, Any]

    def to_html(self) -> str:
        """The document for the client as one self-contained HTML file, which prints on A4."""
        return client_html(build_client_document(self.artifact))

    def to_pdf(self) -> bytes:
        """The same as a PDF; the same artifact makes the same bytes."""
        from steelyard.proposals.client_pdf import client_pdf  # noqa: PLC0415 - only a PDF waits for reportlab

        return client_pdf(build_client_document(self.artifact))

    def verify(self) -> Verification:
        """Recompute the artifact's hashes and simulate its request again."""
        return verify(self.artifact)


def propose(
    request: ProposalRequest | Mapping[str, Any] | bytes,
    *,
    correlation_id: str = "c_none",
    idempotency_key: str | None = None,
) -> Proposal:
    """Simulate an adviser's proposal and build its artifact.

    Args:
        request: the typed request, or its JSON as bytes or as plain values.
        correlation_id: carried into the result.
        idempotency_key: carried into the lineage.

    Raises:
        InvalidInputError: the request is malformed (``details["errors"]`` lists every fault), or
            ``options.enable_proposal_simulation`` is not set.
    """
    typed = request if isinstance(request, ProposalRequest) else _checked(request)
    if not typed.options.enable_proposal_simulation:
        message = "`options.enable_proposal_simulation` was false; set it to simulate proposals"
        raise InvalidInputError(message, code=DISABLED)
    identity = ProposalIdentity(correlation_id, request_hash(typed), idempotency_key)
    result = simulate_proposal(typed, identity)
    created_at = clock.now().isoformat(timespec="microseconds")
    return Proposal(result, build_proposal_artifact(typed, result, created_at=created_at))


def _checked(request: Mapping[str, Any] | bytes) -> ProposalRequest:
    try:
        return read_proposal(request)
    except MalformedBodyError as error:
        raise InvalidInputError(str(error), code="MALFORMED_REQUEST", details={"errors": error.errors}) from None
