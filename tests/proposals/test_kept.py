"""What is kept of simulations, and what the clock does while somebody acts: on both engines."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from steelyard.core.clock import frozen_at
from steelyard.core.errors import SteelyardError
from steelyard.infra.legacy_stores import LegacyStores
from steelyard.infra.principal import Principal
from steelyard.proposals import artifact_schemas, lifecycle_schemas, result_schemas, store, values
from steelyard.proposals.asked import Asked
from steelyard.proposals.drafts import ProposalDraft
from steelyard.proposals.expiring import expire
from steelyard.proposals.service import Proposals
from steelyard.proposals.toggles import ProposalToggles
from steelyard.proposals.workflow import Transition
from tests.proposals.desk import reference
from tests.proposals.test_machine import REQUESTS, request_

NOON = datetime(2026, 2, 3, 12, tzinfo=UTC)
WAY = ("SUBMITTED_FOR_RISK_REVIEW", "RISK_APPROVED", "CLIENT_CONSENT_RECORDED")
TOGGLES = ProposalToggles.read({
    "PROPOSAL_EXECUTION_READY_EXPIRY_DAYS": "5",
    "PROPOSAL_REQUIRE_EXPECTED_STATE": "no",
})  # fmt: skip
ACME = Asked.by(Principal("acme", "key:1", frozenset()), "corr")


def service_on(database):
    return Proposals(database, TOGGLES, LegacyStores.read({}))


async def test_only_the_latest_keys_of_a_tenant_are_remembered(database, monkeypatch):
    monkeypatch.setattr("steelyard.proposals.simulations.KEYS_MAX", 2)
    proposals = service_on(database)

    async def answered(key, sent, tenant="acme"):
        asked = Asked.by(Principal(tenant, "key:1", frozenset()), sent)
        return json.loads(await proposals.simulate(asked, REQUESTS["ready"], key))["correlation_id"]

    assert await answered("a", "other", tenant="umbrella") == "other"
    assert [await answered(key, "first") for key in ("a", "b", "a", "c")] == ["first"] * 4
    assert [await answered(key, "second") for key in ("c", "a", "b")] == ["first", "first", "second"]
    assert await answered("a", "again", tenant="umbrella") == "other"


async def test_requests_at_once_with_one_key_have_one_answer(database):
    proposals = service_on(database)
    asking = [proposals.simulate(Asked.by(ACME.principal, f"c{number}"), REQUESTS["ready"], "k") for number in range(9)]
    assert len(set(await asyncio.gather(*asking))) == 1
    creating = [proposals.create(ACME, ProposalDraft("adviser", REQUESTS["ready"]), "k") for _ in range(9)]
    assert len({made.proposal_id for made in await asyncio.gather(*creating)}) == 1


async def test_the_clock_and_an_adviser_at_once_end_each_proposal_once(database):
    proposals, ids = service_on(database), []
    with frozen_at(NOON) as clock:
        for number in range(6):
            made = await proposals.create(ACME, ProposalDraft("adviser", REQUESTS["ready"]), f"k{number}")
            ids.append(made.proposal_id)
            for event in WAY:
                await move(proposals, database, made.proposal_id, event)
        assert await expire(database, TOGGLES) == 0
        clock.advance(days=5)
        acting = [move(proposals, database, proposal_id, "EXECUTED") for proposal_id in ids]
        told = await asyncio.gather(expire(database, TOGGLES), *acting, expire(database, TOGGLES))
        expired = told[0] + told[-1]
    assert expired + told.count("EXECUTED") == 6
    async with database.reading() as session:
        for proposal_id in ids:
            proposal = await store.proposal_by_id(session, "acme", proposal_id)
            events = await store.events_of(session, proposal)
            assert len(events) == 5
            assert events[-1].event_type == proposal.current_state
            assert (events[-1].actor_id == "system") == (proposal.current_state == "EXPIRED")
            assert events[-1].occurred_at - events[-2].occurred_at == timedelta(days=5)


async def move(proposals, database, proposal_id, event):
    """The state that it led to, or the code of the refusal."""
    try:
        async with database.transaction() as session:
            wanted = Transition(event, "desk")
            return (await proposals.transition(session, ACME.principal, proposal_id, wanted)).proposal.current_state
    except SteelyardError as refused:
        return refused.code


PAIRS: dict[Any, Any] = {
    result_schemas.ProposalResult: values.ProposalResult,
    result_schemas.DriftAnalysis: values.DriftAnalysis,
    result_schemas.DriftDimensionAnalysis: values.DriftDimension,
    result_schemas.DriftBucketDetail: values.DriftBucket,
    result_schemas.SuitabilityIssue: values.SuitabilityIssue,
    result_schemas.SuitabilityResult: values.SuitabilityResult,
}


def test_the_documented_fields_are_those_of_the_answer():
    for model, kind in PAIRS.items():
        assert list(model.model_fields) == list(kind.__struct_fields__)


async def test_a_proposal_fits_its_documentation(database):
    model = reference({"CASH": 1}, {"A": "0.5"})
    request = request_(flows=[("CHF", 5)], reference=model)
    made = await service_on(database).create(ACME, ProposalDraft("adviser", request), "k")
    body = lifecycle_schemas.ProposalCreateResponse.model_validate_json(made.body)
    assert body.version.proposal_result.drift_analysis is not None
    assert set(artifact_schemas.ProposalArtifact.model_fields) == set(json.loads(made.body)["version"]["artifact"])
