"""The switches of advisory proposals, each under the name that deployments set already, and three of our own.

Ours are off unless they are set: ``PROPOSAL_FOUR_EYES_REQUIRED``, ``PROPOSAL_OVERRIDE_NOTE_REQUIRED``,
``PROPOSAL_EXECUTION_READY_EXPIRY_DAYS``.

Source: contract dpm, section 15.
"""

from __future__ import annotations

from dataclasses import dataclass

from steelyard.rebalance.toggles import Variables, number, switch

_EXPIRY_DAYS_MAX = 100_000


@dataclass(frozen=True, slots=True)
class ProposalToggles(Variables):
    """What is switched on.

    Attributes:
        four_eyes: a review needs two approvers, and nobody approves what they made.
        override_note_required: whoever approves a soft breach says why.
        expiry_days: days after which a proposal that may be executed is no longer; 0 for never.
    """

    lifecycle: bool = switch("PROPOSAL_WORKFLOW_LIFECYCLE_ENABLED", default=True)
    support_apis: bool = switch("PROPOSAL_SUPPORT_APIS_ENABLED", default=True)
    async_operations: bool = switch("PROPOSAL_ASYNC_OPERATIONS_ENABLED", default=True)
    store_evidence_bundle: bool = switch("PROPOSAL_STORE_EVIDENCE_BUNDLE", default=True)
    require_expected_state: bool = switch("PROPOSAL_REQUIRE_EXPECTED_STATE", default=True)
    allow_portfolio_change: bool = switch("PROPOSAL_ALLOW_PORTFOLIO_CHANGE_ON_NEW_VERSION", default=False)
    require_simulation_flag: bool = switch("PROPOSAL_REQUIRE_SIMULATION_FLAG", default=True)
    four_eyes: bool = switch("PROPOSAL_FOUR_EYES_REQUIRED", default=False)
    override_note_required: bool = switch("PROPOSAL_OVERRIDE_NOTE_REQUIRED", default=False)
    expiry_days: int = number("PROPOSAL_EXECUTION_READY_EXPIRY_DAYS", 0, least=0, most=_EXPIRY_DAYS_MAX)
