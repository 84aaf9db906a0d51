"""What the pages of proposals share: scopes, the service, and small parts."""

from __future__ import annotations

from nicegui import ui

from steelyard.dashboard.proposal_words import STATE_TONES, STATES, said_of
from steelyard.dashboard.shell import badge
from steelyard.dashboard.visit import Visit
from steelyard.proposals.service import Proposals
from steelyard.proposals.web import require_lifecycle


def stored(visit: Visit) -> Proposals:
    """The service, where proposals are kept and not switched off.

    Raises:
        NotFoundError: PROPOSAL_WORKFLOW_LIFECYCLE_DISABLED.
        UnavailableError: PROPOSAL_POSTGRES_DSN_REQUIRED.
    """
    proposals: Proposals = visit.app.state.proposals
    proposals.require_store()
    require_lifecycle(proposals)
    return proposals


def state_badge(state: str) -> ui.label:
    """A state in a pill."""
    return badge(said_of(STATES, state), STATE_TONES.get(state, "neutral"))
