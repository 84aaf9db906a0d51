"""The switches of advisory proposals, each under the name that deployments set already, and three of our own.

Ours are off unless they are set: ``PROPOSAL_FOUR_EYES_REQUIRED``, ``PROPOSAL_OVERRIDE_NOTE_REQUIRED``,
``PROPOSAL_EXECUTION_READY_EXPIRY_DAYS``.

Source: contract dpm, section 15.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from steelyard.rebalance.toggles import flag, whole_number

_EXPIRY_DAYS_MAX = 100_000


@dataclass(frozen=True, slots=True)
class ProposalToggles:
    """What is switched on.

    Attributes:
        four_eyes: a review needs two approvers, and nobody approves what they made.
        override_note_required: whoever approves a soft breach says why.
        expiry_days: days after which a proposal that may be executed is no longer; 0 for never.
    """

    lifecycle: bool
    support_apis: bool
    async_operations: bool
    store_evidence_bundle: bool
    require_expected_state: bool
    allow_portfolio_change: bool
    require_simulation_flag: bool
    four_eyes: bool
    override_note_required: bool
    expiry_days: int

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """The switches as ``environment`` sets them."""

        def on(name: str, *, default: bool) -> bool:
            return flag(environment, f"PROPOSAL_{name}", default=default)

        return cls(
            lifecycle=on("WORKFLOW_LIFECYCLE_ENABLED", default=True),
            support_apis=on("SUPPORT_APIS_ENABLED", default=True),
            async_operations=on("ASYNC_OPERATIONS_ENABLED", default=True),
            store_evidence_bundle=on("STORE_EVIDENCE_BUNDLE", default=True),
            require_expected_state=on("REQUIRE_EXPECTED_STATE", default=True),
            allow_portfolio_change=on("ALLOW_PORTFOLIO_CHANGE_ON_NEW_VERSION", default=False),
            require_simulation_flag=on("REQUIRE_SIMULATION_FLAG", default=True),
            four_eyes=on("FOUR_EYES_REQUIRED", default=False),
            override_note_required=on("OVERRIDE_NOTE_REQUIRED", default=False),
            expiry_days=whole_number(
                environment, "PROPOSAL_EXECUTION_READY_EXPIRY_DAYS", 0, least=0, most=_EXPIRY_DAYS_MAX
            ),
        )
