"""A stored version's evidence, and what a change in the database does to it."""

import msgspec
import pytest
from sqlalchemy import update

from steelyard.core.errors import DataIntegrityError
from steelyard.infra.legacy_stores import LegacyStores
from steelyard.infra.principal import Principal
from steelyard.proposals import store
from steelyard.proposals.asked import Asked
from steelyard.proposals.document_files import version_file
from steelyard.proposals.drafts import ProposalDraft, ProposalMetadata
from steelyard.proposals.service import Proposals
from steelyard.proposals.tables import ProposalRow, VersionRow
from steelyard.proposals.toggles import ProposalToggles
from steelyard.proposals.version_evidence import verify_version
from steelyard.proposals.wire import read_proposal
from tests.proposals.desk import buy, proposal

DRAFT = ProposalDraft(
    "adviser", read_proposal(proposal(prices={"A": 10}, cash=100, trades=[buy("A", 2)])), ProposalMetadata("Title")
)


@pytest.fixture
async def made(database):
    """The id of a stored proposal."""
    proposals = Proposals(database, ProposalToggles.read({}), LegacyStores.read({}))
    asked = Asked.by(Principal("default", "test", frozenset()), "corr")
    return (await proposals.create(asked, DRAFT, f"key-{database.engine.url.database}")).proposal_id


async def read(database, made):
    async with database.reading() as session:
        row = await store.proposal_by_id(session, "default", made)
        return row, await store.version_of(session, row, 1)


async def failing(database, made):
    return [check.part for check in verify_version(*await read(database, made)).checks if not check.holds]


async def forge(database, table, **values):
    async with database.transaction() as session:
        await session.execute(update(table).values(**values))


async def test_a_version_as_it_was_stored_holds(database, made):
    assert await failing(database, made) == []


@pytest.mark.parametrize(
    ("table", "values", "parts"),
    [
        (VersionRow, {"result": b"{}"}, ["artifact_hash", "replay", "record"]),
        (VersionRow, {"artifact_hash": "sha256:0"}, ["record"]),
        (VersionRow, {"simulation_hash": "sha256:0"}, ["record"]),
        (VersionRow, {"created_by": "another"}, ["request_hash"]),
        (ProposalRow, {"title": "another"}, ["request_hash"]),
    ],
)
async def test_what_was_changed_in_the_database_is_named(database, made, table, values, parts):
    await forge(database, table, **values)
    assert await failing(database, made) == parts


async def test_a_changed_request_breaks_all_but_the_record(database, made):
    request = msgspec.to_builtins(DRAFT.simulate_request, builtin_types=())
    request["proposed_trades"][0]["quantity"] = "3"
    await forge(database, VersionRow, inputs=msgspec.json.encode(request))
    assert await failing(database, made) == ["artifact_hash", "request_hash", "replay"]


async def test_a_document_that_cannot_be_read_is_refused_by_name(database, made):
    await forge(database, VersionRow, result=b"{}")
    _, version = await read(database, made)
    with pytest.raises(DataIntegrityError) as refusal:
        await version_file(version, "pdf")
    assert refusal.value.code == "ARTIFACT_MALFORMED"
