"""What clients ask to be stored: a new proposal, or a new version of one.

Source: contract dpm, section 14.
"""

from __future__ import annotations

from msgspec import Struct

from steelyard.proposals.values import ProposalRequest


class ProposalMetadata(Struct, frozen=True, gc=False):
    """How a proposal is called and under what it runs."""

    title: str | None = None
    advisor_notes: str | None = None
    jurisdiction: str | None = None
    mandate_id: str | None = None


class ProposalDraft(Struct, frozen=True, gc=False):
    """A proposal to be created."""

    created_by: str
    simulate_request: ProposalRequest
    metadata: ProposalMetadata = ProposalMetadata()


class VersionDraft(Struct, frozen=True, gc=False):
    """A version to be added to a proposal."""

    created_by: str
    simulate_request: ProposalRequest
