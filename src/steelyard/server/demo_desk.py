"""What a private bank's desk looks like on a normal day: rebalances of the demo portfolios, proposals on their way.

Everything goes through the services under keys of its own, so a second start adds nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from steelyard.infra.principal import Principal
from steelyard.proposals.asked import Asked as ProposalAsked
from steelyard.proposals.demo import demo_request
from steelyard.proposals.drafts import ProposalDraft, ProposalMetadata, VersionDraft
from steelyard.proposals.wire import read_proposal
from steelyard.proposals.workflow import Approval, Transition
from steelyard.rebalance import book_service
from steelyard.rebalance.catalogue import Selectors
from steelyard.rebalance.demo import DEMOS, demo_book
from steelyard.rebalance.service import Asked
from steelyard.rebalance.wire import read_request
from steelyard.server.parts import Parts

_SUBMIT = Transition("SUBMITTED_FOR_RISK_REVIEW", "demo-adviser", "DRAFT", {"comment": "Ready for risk."})
_RISK = Approval("RISK", approved=True, actor_id="demo-risk-officer", expected_state="RISK_REVIEW")
_CONSENT = Approval("CLIENT_CONSENT", approved=True, actor_id="demo-client", expected_state="AWAITING_CLIENT_CONSENT")
_DONE = Transition("EXECUTED", "demo-trader", "EXECUTION_READY", {"comment": "All orders filled."})
_REFUSED = Approval("RISK", approved=False, actor_id="demo-risk-officer", expected_state="RISK_REVIEW")

Move = Transition | Approval
PROPOSALS: Mapping[str, tuple[Move, ...]] = {
    "Put new money to work": (),
    "Lower the largest holding": (_SUBMIT,),
    "Diversify into bonds and gold": (_SUBMIT, _RISK),
    "Bring the mandate back to its model": (_SUBMIT, _RISK, _CONSENT),
    "Spring review": (_SUBMIT, _RISK, _CONSENT, _DONE),
    "A bet on one stock": (_SUBMIT, _REFUSED),
}
"""Titles of the demo's proposals, and what has happened to each."""

_REVISED = "Lower the largest holding"


async def install_demo_rebalances(parts: Parts, by: Principal) -> int:
    """Run the demo's rebalances, as a client of the API would; how many there are."""
    for demo in DEMOS:
        asked = Asked(by, f"demo-{demo.name}", Selectors())
        request = read_request(json.dumps(demo.request).encode())
        await parts.rebalancing.simulate(asked, request, f"demo-{demo.name}")
    return len(DEMOS)


async def install_demo_book(parts: Parts, by: Principal) -> None:
    """Submit the demo's book, unless there is one; whoever works on jobs next does it."""
    async with parts.database.transaction() as session:
        there, _ = await book_service.list_books(session, parts.jobs, by.tenant, limit=1, cursor=None, status=None)
        if not there:
            submission = book_service.read_submission(json.dumps(demo_book()).encode(), None, "demo-book")
            await book_service.submit_book(session, parts.jobs, by, submission)


async def install_demo_proposals(parts: Parts, by: Principal) -> int:
    """Make the demo's proposals and bring each where it should be; how many there are."""
    for number, (title, moves) in enumerate(PROPOSALS.items(), 1):
        request = demo_request()
        request["portfolio_snapshot"]["portfolio_id"] = f"demo-client-{number}"
        metadata = ProposalMetadata(title=title, jurisdiction="CH", mandate_id="demo-advisory")
        draft = ProposalDraft("demo-adviser", read_proposal(request), metadata)
        asked = ProposalAsked.by(by, f"demo-proposal-{number}")
        stored = await parts.proposals.create(asked, draft, f"demo-proposal-{number}")
        if json.loads(stored.body)["latest_workflow_event"]["event_type"] != "CREATED":
            continue  # an earlier start, or somebody, has gone on with it
        if title == _REVISED:
            await parts.proposals.add_version(asked, stored.proposal_id, _revision(request))
        for move in moves:
            await _make(parts, by, stored.proposal_id, move)
    return len(PROPOSALS)


def _revision(request: dict[str, Any]) -> VersionDraft:
    """The adviser sells more of the largest holding, and leaves the gold out."""
    trades = [
        {**trade, "quantity": "1000"} if trade["instrument_id"] == "DEMO_SWISS_EQUITY" else trade
        for trade in request["proposed_trades"]
        if trade["instrument_id"] != "DEMO_GOLD"
    ]
    return VersionDraft("demo-adviser", read_proposal({**request, "proposed_trades": trades}))


async def _make(parts: Parts, by: Principal, proposal_id: str, move: Move) -> None:
    async with parts.database.transaction() as session:
        if isinstance(move, Approval):
            await parts.proposals.approve(session, by, proposal_id, move)
        else:
            await parts.proposals.transition(session, by, proposal_id, move)
