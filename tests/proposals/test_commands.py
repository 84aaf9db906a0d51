"""`steelyard proposals ...`, on a store of its own."""

import json

import pytest
from typer.testing import CliRunner

from steelyard.cli import app
from steelyard.core.errors import ConflictError, DataIntegrityError, InvalidInputError, NotFoundError
from steelyard.infra.settings import get_settings, use_settings
from steelyard.proposals.api import propose
from tests.proposals.desk import buy, proposal

REQUEST = proposal(
    holdings={"A": 100, "B": 40}, prices={"A": 10, "B": 25}, cash=500, trades=[buy("A", 5)], flows=[("CHF", 200)]
)
DRAFT = {"created_by": "adviser", "simulate_request": REQUEST, "metadata": {"title": "[bold]Autumn"}}


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("STEELYARD_DATA_DIR", str(tmp_path / "data"))
    use_settings(None)
    yield
    use_settings(None)


def steelyard(*words, body=None):
    """What a command prints; ``body`` is its standard input."""
    given = None if body is None else json.dumps(body)
    done = CliRunner().invoke(app, ["proposals", *words], input=given, env={"COLUMNS": "200"}, catch_exceptions=False)
    return done.stdout


def created(body=None, *words):
    return json.loads(steelyard("create", "-", "--json", *words, body=body or DRAFT))["proposal"]["proposal_id"]


def test_simulate_prints_the_answer_of_the_engine():
    assert json.loads(steelyard("simulate", "-", "--json", body=REQUEST)) == json.loads(
        propose(REQUEST).result.to_bytes()
    )


def test_simulate_tells_people_weights_orders_rules_and_suitability():
    told = steelyard("simulate", "-", body=REQUEST)
    for said in ("READY", "BUY A", "Deposit", "CASH", "INSUFFICIENT_CASH", "SUIT_SINGLE_POSITION_MAX"):
        assert said in told


def test_the_artifact_is_the_engines():
    artifact = json.loads(steelyard("simulate", "-", "--artifact", body=REQUEST))
    hashes = propose(REQUEST).artifact["evidence_bundle"]["hashes"]
    assert artifact["evidence_bundle"]["hashes"] == hashes


def test_a_malformed_body_names_its_faults():
    with pytest.raises(InvalidInputError, match=r"simulate_request: Field required"):
        steelyard("create", "-", body={"created_by": "adviser"})


def test_a_proposal_goes_from_draft_to_executed():
    proposal_id = created()
    for words, state in [
        (["move", proposal_id, "SUBMITTED_FOR_RISK_REVIEW", "--expecting", "DRAFT"], "RISK_REVIEW"),
        (["approve", proposal_id, "RISK", "--expecting", "RISK_REVIEW"], "AWAITING_CLIENT_CONSENT"),
        (["approve", proposal_id, "CLIENT_CONSENT", "--expecting", "AWAITING_CLIENT_CONSENT"], "EXECUTION_READY"),
        (["move", proposal_id, "EXECUTED", "--expecting", "EXECUTION_READY", "--comment", "done"], "EXECUTED"),
    ]:
        assert f"is {state}" in steelyard(*words, "--by", "officer")
    events = json.loads(steelyard("history", proposal_id, "--json"))["events"]
    assert [event["to_state"] for event in events][-1] == "EXECUTED"
    assert events[-1]["reason"] == {"comment": "done"}
    assert "EXECUTED" in steelyard("history", proposal_id)


def test_a_refusal_rejects():
    proposal_id = created()
    steelyard("move", proposal_id, "SUBMITTED_FOR_COMPLIANCE_REVIEW", "--by", "adviser", "--expecting", "DRAFT")
    told = steelyard(
        "approve", proposal_id, "COMPLIANCE", "--refuse", "--by", "officer", "--expecting", "COMPLIANCE_REVIEW"
    )
    assert "is REJECTED" in told


def test_a_proposal_that_moved_on_is_a_conflict():
    with pytest.raises(ConflictError, match="the proposal is DRAFT by now"):
        steelyard("move", created(), "EXECUTED", "--by", "trader", "--expecting", "EXECUTION_READY")


def test_an_unknown_event_is_refused_by_its_name():
    with pytest.raises(InvalidInputError, match="event_type was 'LOVED'"):
        steelyard("move", created(), "LOVED", "--by", "trader")


def test_one_key_creates_one_proposal():
    first, again = created(None, "--key", "k1"), created(None, "--key", "k1")
    assert first == again
    assert len(json.loads(steelyard("list", "--json"))) == 1


def test_a_revision_adds_a_version_and_leaves_the_first():
    proposal_id = created()
    first = json.loads(steelyard("show", proposal_id, "--json"))["current_version"]
    changed = {**REQUEST, "proposed_trades": [buy("B", 3)]}
    told = steelyard("revise", proposal_id, "-", body={"created_by": "adviser", "simulate_request": changed})
    assert f"{proposal_id} version 2 is DRAFT" in told
    assert json.loads(steelyard("show", proposal_id, "--version", "1", "--json"))["current_version"] == first
    with pytest.raises(NotFoundError, match="has no version 3"):
        steelyard("show", proposal_id, "--version", "3")


def test_lists_are_filtered_and_titles_are_no_markup():
    created()
    assert "[bold]Autumn" in steelyard("list")
    assert json.loads(steelyard("list", "--state", "EXECUTED", "--json")) == []
    assert len(json.loads(steelyard("list", "--created-by", "adviser", "--json"))) == 1


def test_show_says_what_is_possible():
    told = steelyard("show", created())
    assert "possible now: SUBMITTED_FOR_RISK_REVIEW, SUBMITTED_FOR_COMPLIANCE_REVIEW, CANCELLED" in " ".join(
        told.split()
    )


@pytest.mark.parametrize(("kind", "start"), [("pdf", b"%PDF-"), ("html", b"<!doctype html>"), ("json", b"{")])
def test_the_document_is_written_to_a_file(kind, start, tmp_path):
    out = tmp_path / "document"
    steelyard("document", created(), "--format", kind, "--out", str(out))
    assert out.read_bytes().lower().startswith(start.lower())


def test_a_version_is_verified():
    assert json.loads(steelyard("verify", created(), "--json"))["holds"] is True


def test_a_version_that_was_tampered_with_is_found(monkeypatch):
    import asyncio

    from sqlalchemy import text

    from steelyard.infra.database import Database

    proposal_id = created()

    async def tamper():
        database = Database(get_settings())
        async with database.transaction() as session:
            await session.execute(text("UPDATE proposal_versions SET artifact_hash = 'sha256:0'"))
        await database.dispose()

    asyncio.run(tamper())
    with pytest.raises(DataIntegrityError, match="record"):
        steelyard("verify", proposal_id)
