"""Everything that may happen to proposals, in any order, on real databases, against a model in plain Python.

After each step every read is compared with the model: what was refused has changed nothing, the bytes
of a version are those it was made with, and another tenant sees none of it.
"""

import asyncio
import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from steelyard.core.clock import frozen_at
from steelyard.core.errors import SteelyardError
from steelyard.infra.database import Database
from steelyard.infra.legacy_stores import LegacyStores
from steelyard.infra.migrations import upgrade
from steelyard.infra.principal import Principal
from steelyard.proposals import store, views
from steelyard.proposals.asked import Asked
from steelyard.proposals.drafts import ProposalDraft, ProposalMetadata, VersionDraft
from steelyard.proposals.expiring import expire
from steelyard.proposals.lifecycle_schemas import (
    ProposalCreateResponse,
    ProposalDetailResponse,
    ProposalWorkflowTimelineResponse,
)
from steelyard.proposals.replies import answered_once
from steelyard.proposals.service import Proposals
from steelyard.proposals.toggles import ProposalToggles
from steelyard.proposals.wire import read_proposal
from steelyard.proposals.workflow import Approval, Transition
from tests.proposals.desk import buy, proposal
from tests.proposals.test_lifecycle import APPROVAL_TABLE, EVENTS, TABLE

NOON = datetime(2026, 2, 3, 12, tzinfo=UTC)
EXPIRY_DAYS = 30
LOOSE = {
    "single_position_max_weight": "1",
    "issuer_max_weight": "1",
    "max_weight_by_liquidity_tier": {},
    "cash_band_min_weight": "0",
    "cash_band_max_weight": "1",
}
SHELF = {"A": {"issuer_id": "I", "liquidity_tier": "L1"}}
EXPECTED = st.sampled_from([*["right"] * 12, "DRAFT", "RISK_REVIEW", None])  # mostly right: a walk that gets on
EXTRA = st.tuples(st.sampled_from([None, None, None, "why"]), st.sampled_from([*[None] * 6, "m"]))
"""A note, and a key of idempotency."""

WHAT = st.sampled_from(["ready", "ready", "soft", "soft", "soft", "another", "blocked", "elsewhere", "off"])
ACTORS = ("adviser", "ann", "bob", "bob", "Ann ")
APPROVES = {event for event, _ in APPROVAL_TABLE.values()}


def request_(portfolio_id="pf", **words):
    plain = proposal(
        **{"prices": {"A": 10}, "cash": 500, "shelf": SHELF, "suitability_thresholds": LOOSE, "trades": [buy("A", 4)]}
        | words
    )
    plain["portfolio_snapshot"]["portfolio_id"] = portfolio_id
    return read_proposal(json.dumps(plain).encode())


REQUESTS = {
    "ready": request_(),
    "another": request_(trades=[buy("A", 5)]),
    "soft": request_(cash_band_max_weight="0.05"),
    "blocked": request_(trades=[buy("A", 4_000)]),
    "elsewhere": request_("elsewhere"),
    "off": request_(enable_proposal_simulation=False),
}
STATUS = {"soft": "PENDING_REVIEW", "blocked": "BLOCKED"}
BREACHES = {"soft": ["SOFT_RULE_FAIL:CASH_BAND"]}


@dataclass
class Known:
    """A proposal as the model knows it."""

    id: str
    state: str
    since: datetime
    versions: list[tuple[str, str]]  # what was asked for, and by whom
    events: list[tuple]
    approvals: list[tuple] = field(default_factory=list)


class Desk(RuleBasedStateMachine):
    """All operations; ``place`` is where the databases are."""

    def __init__(self, place, runner, *, strict):
        super().__init__()
        self.strict = strict
        self.place, self.run = place, runner.run
        self.tenant, self.other = secrets.token_hex(8), secrets.token_hex(8)
        self.principal = Principal(self.tenant, "key:1", frozenset())
        self.known, self.keys, self.bytes, self.moves, self.simulations = [], {}, {}, {}, {}
        self.freezing = frozen_at(NOON)
        self.clock = self.freezing.__enter__()

    @initialize(needs_state=st.booleans(), anywhere=st.booleans(), what=st.sampled_from(["ready", "soft"]))
    def open(self, needs_state, anywhere, what):
        self.toggles = ProposalToggles.read({
            "PROPOSAL_FOUR_EYES_REQUIRED": str(self.strict),
            "PROPOSAL_OVERRIDE_NOTE_REQUIRED": str(self.strict),
            "PROPOSAL_REQUIRE_EXPECTED_STATE": str(needs_state),
            "PROPOSAL_ALLOW_PORTFOLIO_CHANGE_ON_NEW_VERSION": str(anywhere),
            "PROPOSAL_EXECUTION_READY_EXPIRY_DAYS": str(EXPIRY_DAYS),
        })  # fmt: skip
        self.restart()
        self.create("a", what, None)
        self.create("b", "another", None)

    @rule(really=st.sampled_from([False, False, True]))
    def restart(self, really=True):
        if not really:
            return

        async def opened():
            self.database = Database(self.place)
            self.proposals = Proposals(self.database, self.toggles, LegacyStores.read({}))

        if hasattr(self, "database"):
            self.run(self.database.dispose())
        self.run(opened())

    def teardown(self):
        self.freezing.__exit__(None, None, None)
        self.run(self.database.dispose())

    def attempt(self, coroutine):
        """What comes of it, or the code of the refusal."""
        self.clock.advance(seconds=1)
        try:
            return self.run(coroutine)
        except SteelyardError as refused:
            return refused.code

    @rule(key=st.sampled_from("abc"), what=WHAT, sent=st.sampled_from([None, "corr-1"]))
    def create_or_replay(self, key, what, sent):
        self.create(key, what, sent)

    def create(self, key, what, sent):
        draft = ProposalDraft("adviser", REQUESTS[what], ProposalMetadata(title=f"T {what}"))
        outcome = self.attempt(self.proposals.create(Asked.by(self.principal, sent), draft, key))
        if what == "off":
            assert outcome == "PROPOSAL_SIMULATION_DISABLED"
        elif key in self.keys and self.keys[key][0] != what:
            assert outcome == "IDEMPOTENCY_KEY_CONFLICT"
        elif key in self.keys:
            known = next(known for known in self.known if known.id == self.keys[key][1])
            body = json.loads(outcome.body)
            assert (outcome.proposal_id, outcome.version_no) == (known.id, 1)
            assert body["proposal"]["current_state"] == known.state
            assert body["latest_workflow_event"]["event_type"] == known.events[-1][0]
            assert part(outcome.body, "version") == self.bytes[known.id, 1]
        else:
            reason = {"correlation_id": sent} if sent else {}
            event = ("CREATED", None, "DRAFT", "adviser", reason, 1)
            self.known.append(Known(outcome.proposal_id, "DRAFT", self.clock.moment, [(what, "adviser")], [event]))
            self.keys[key] = (what, outcome.proposal_id)
            self.bytes[outcome.proposal_id, 1] = part(outcome.body, "version")
            ProposalCreateResponse.model_validate_json(outcome.body)

    @rule(key=st.sampled_from("st"), what=st.sampled_from(["ready", "soft"]))
    def simulate(self, key, what):
        asked = Asked.by(self.principal, f"c-{self.clock.moment.isoformat()}")
        result = self.attempt(self.proposals.simulate(asked, REQUESTS[what], key))
        artifact = self.attempt(self.proposals.artifact(asked, REQUESTS[what], key))
        first = self.simulations.setdefault(key, (what, result, artifact))
        expected = first[1:] if first[0] == what else ("IDEMPOTENCY_KEY_CONFLICT",) * 2
        assert (result, artifact) == expected

    @precondition(lambda self: self.known)
    @rule(data=st.data(), what=WHAT, author=st.sampled_from(["adviser", "ann"]))
    def add_version(self, data, what, author):
        known = data.draw(st.sampled_from(self.known))
        asked = Asked.by(self.principal, "corr-2")
        draft = VersionDraft(author, REQUESTS[what])
        outcome = self.attempt(self.proposals.add_version(asked, known.id, draft))
        elsewhere = (what == "elsewhere") != (known.versions[0][0] == "elsewhere")
        if not any(state == known.state for state, _ in TABLE):
            assert outcome == "PROPOSAL_TERMINAL_STATE"
        elif what == "off":
            assert outcome == "PROPOSAL_SIMULATION_DISABLED"
        elif elsewhere and not self.toggles.allow_portfolio_change:
            assert outcome == "PORTFOLIO_CONTEXT_MISMATCH"
        else:
            known.versions.append((what, author))
            number = len(known.versions)
            reason = {"correlation_id": "corr-2"}
            known.events.append(("NEW_VERSION_CREATED", known.state, known.state, author, reason, number))
            assert outcome.version_no == number
            self.bytes[known.id, number] = part(outcome.body, "version")

    @precondition(lambda self: self.known)
    @rule(
        data=st.data(),
        event=st.sampled_from(EVENTS),
        actor=st.sampled_from(ACTORS),
        expected=EXPECTED,
        extra=EXTRA,
    )
    def transition(self, data, event, actor, expected, extra):
        (note, key), known = extra, data.draw(st.sampled_from(self.known))
        possible = [name for state, name in TABLE if state == known.state and name not in {"CANCELLED", "REJECTED"}]
        event = data.draw(st.sampled_from([event, *possible * 4]))  # mostly what leads on
        expected = known.state if expected == "right" else expected
        wanted = Transition(event, actor, expected, {"said": "x"}, 1, note)
        self._move(known, wanted, self._transition_verdict(known, wanted), key)

    @precondition(lambda self: self.known)
    @rule(
        data=st.data(),
        approved=st.sampled_from([True, True, False]),
        actor=st.sampled_from(ACTORS),
        expected=EXPECTED,
        extra=EXTRA,
    )
    def approve(self, data, approved, actor, expected, extra):
        (note, key), known = extra, data.draw(st.sampled_from(self.known))
        fitting = [kind for state, kind in APPROVAL_TABLE if state == known.state]
        kind = data.draw(st.sampled_from(["RISK", "COMPLIANCE", "CLIENT_CONSENT", *fitting * 9]))
        expected = known.state if expected == "right" else expected
        wanted = Approval(kind, approved, actor, expected, {"ref": "R1"}, None, note)
        self._move(known, wanted, self._approval_verdict(known, wanted), key)

    @precondition(lambda self: self.known)
    @rule(data=st.data(), actor=st.sampled_from(["ann", "bob"]), again=st.integers(1, 3))
    def go_on(self, data, actor, again):
        """The way that proposals go, a step or a few at once."""
        known = data.draw(st.sampled_from(self.known))
        for number in range(again):
            kind = next((kind for state, kind in APPROVAL_TABLE if state == known.state), None)
            actor = {"ann": "bob", "bob": "ann"}[actor] if number else actor
            note = "why" if kind and BREACHES.get(known.versions[-1][0]) else None
            if kind:
                wanted = Approval(kind, True, actor, known.state, {"ref": "R1"}, None, note)
                self._move(known, wanted, self._approval_verdict(known, wanted), None)
            elif known.state == "DRAFT":
                wanted = Transition("SUBMITTED_FOR_RISK_REVIEW", actor, "DRAFT", {"said": "x"})
                self._move(known, wanted, self._transition_verdict(known, wanted), None)

    @rule(days=st.sampled_from([1, 20, 31]))
    def wait(self, days):
        self.clock.advance(days=days)
        self.run(expire(self.database, self.toggles))
        for known in self.known:
            due = self.clock.moment - known.since >= timedelta(days=EXPIRY_DAYS)
            if known.state == "EXECUTION_READY" and due:
                reason = {"executable_since": known.since.isoformat(), "expiry_days": EXPIRY_DAYS}
                known.events.append(("EXPIRED", "EXECUTION_READY", "EXPIRED", "system", reason, None))
                known.state, known.since = "EXPIRED", self.clock.moment

    def _move(self, known, wanted, verdict, key):
        is_approval = isinstance(wanted, Approval)
        told = self.attempt(self._answer(known, wanted, key))
        place = (type(wanted), key)
        if key and place in self.moves:  # nothing happens twice
            first, body = self.moves[place]
            assert told == (body if first == (known.id, wanted) else "IDEMPOTENCY_KEY_CONFLICT")
            return
        if isinstance(verdict, str):
            assert told == verdict
            return
        event, target, reason = verdict
        body = json.loads(told)
        assert body["current_state"] == target
        assert body["latest_workflow_event"]["event_type"] == event
        known.events.append((event, known.state, target, wanted.actor_id, reason, wanted.related_version_no))
        if is_approval:
            kind, approved = wanted.approval_type, wanted.approved
            known.approvals.append((kind, approved, wanted.actor_id, reason, len(known.versions)))
        if target != known.state:
            known.since = self.clock.moment
        known.state = target
        if key:
            self.moves[place] = ((known.id, wanted), told)

    async def _answer(self, known, wanted, key):
        async with self.database.transaction() as session:
            is_approval = isinstance(wanted, Approval)
            use = self.proposals.approve if is_approval else self.proposals.transition
            answer = await answered_once(
                session,
                lambda: use(session, self.principal, known.id, wanted),
                tenant=self.tenant,
                route="approvals" if is_approval else "transitions",
                key=key,
                request={"proposal_id": known.id, "body": msgspec.to_builtins(wanted)},
            )
            return bytes(answer.body)

    def _transition_verdict(self, known, wanted):
        if conflict := self._conflict(known, wanted):
            return conflict
        if (known.state, wanted.event_type) not in TABLE:
            return "INVALID_TRANSITION"
        if self.toggles.four_eyes and wanted.event_type in APPROVES:
            return "FOUR_EYES_APPROVAL_REQUIRED"
        override = self._override(known, wanted.event_type, wanted.override_note)
        if isinstance(override, str):
            return override
        return wanted.event_type, TABLE[known.state, wanted.event_type], {"said": "x"} | override

    def _approval_verdict(self, known, wanted):
        if conflict := self._conflict(known, wanted):
            return conflict
        if (known.state, wanted.approval_type) not in APPROVAL_TABLE:
            return "INVALID_APPROVAL_STATE"
        event, target = APPROVAL_TABLE[known.state, wanted.approval_type]
        event, target = (event, target) if wanted.approved else ("REJECTED", "REJECTED")
        override = self._override(known, event, wanted.override_note)
        if isinstance(override, str):
            return override
        reason = {"ref": "R1"} | override
        if not (self.toggles.four_eyes and wanted.approved):
            return event, target, reason
        person = wanted.actor_id.strip().lower()
        if person in {"adviser", known.versions[-1][1]}:
            return "FOUR_EYES_AUTHOR"
        before = [
            actor.strip().lower()
            for kind, approved, actor, _, number in known.approvals
            if kind == wanted.approval_type and approved and number == len(known.versions)
        ]
        if person in before:
            return "FOUR_EYES_SAME_APPROVER"
        needed = 1 if wanted.approval_type == "CLIENT_CONSENT" else 2
        given = len(before) + 1
        return (
            event,
            target if given >= needed else known.state,
            reason | {"four_eyes": {"given": given, "needed": needed}},
        )

    def _conflict(self, known, wanted):
        if wanted.expected_state is None:
            return "STATE_CONFLICT" if self.toggles.require_expected_state else None
        return None if wanted.expected_state == known.state else "STATE_CONFLICT"

    def _override(self, known, event, note):
        breaches = BREACHES.get(known.versions[-1][0], [])
        if note is None:
            must = (
                self.toggles.override_note_required and breaches and event in {"RISK_APPROVED", "COMPLIANCE_APPROVED"}
            )
            return "OVERRIDE_NOTE_REQUIRED" if must else {}
        if event not in APPROVES or not breaches:
            return "OVERRIDE_NOT_POSSIBLE"
        return {"override": {"note": note, "version_no": len(known.versions), "overridden": breaches}}

    @invariant()
    def every_read_is_what_the_model_says(self):
        if hasattr(self, "database"):
            self.run(self._compare())

    async def _compare(self):
        async with self.database.reading() as session:
            listed, cursor = [], None
            while True:
                page, cursor = await store.page_of_proposals(session, self.tenant, limit=2, cursor=cursor)
                listed += [row.id for row in page]
                if cursor is None:
                    break
            assert listed == [known.id for known in reversed(self.known)]
            assert await store.page_of_proposals(session, self.other) == ([], None)
            for key, (_, proposal_id) in self.keys.items():
                found = await store.key_by_name(session, self.tenant, key)
                assert (found.proposal_id, found.version_no) == (proposal_id, 1)
            for known in self.known:
                await self._compare_one(session, known)

    async def _compare_one(self, session, known):
        row = await store.proposal_by_id(session, self.tenant, known.id)
        newest = await store.version_of(session, row, row.current_version_no)
        detail = msgspec.json.encode(views.detail_view(row, newest, include_evidence=False))
        ProposalDetailResponse.model_validate_json(detail)
        summary = json.loads(detail)["proposal"]
        shown = (summary["current_state"], summary["current_version_no"], summary["title"])
        assert shown == (known.state, len(known.versions), f"T {known.versions[0][0]}")
        for number, (what, author) in enumerate(known.versions, start=1):
            version = await store.version_of(session, row, number)
            assert (version.status_at_creation, version.created_by) == (STATUS.get(what, "READY"), author)
            assert msgspec.json.encode(views.version_view(version)) == self.bytes[known.id, number]
        timeline = msgspec.json.encode(views.timeline_view(row, await store.events_of(session, row)))
        ProposalWorkflowTimelineResponse.model_validate_json(timeline)
        assert events_in(json.loads(timeline)) == known.events
        approvals = json.loads(msgspec.json.encode(views.approvals_view(row, await store.approvals_of(session, row))))
        assert approvals_in(approvals) == [one[:4] for one in known.approvals]
        lineage = await store.versions_of(session, row)
        assert [one.version_no for one in lineage] == list(range(1, len(known.versions) + 1))
        with pytest.raises(SteelyardError, match=known.id):
            await store.proposal_by_id(session, self.other, known.id)


def part(body, name):
    """A part of an answer, byte for byte."""
    return bytes(msgspec.json.decode(body, type=dict[str, msgspec.Raw])[name])


def events_in(timeline):
    keys = ("event_type", "from_state", "to_state", "actor_id", "reason", "related_version_no")
    return [tuple(event[key] for key in keys) for event in timeline["events"]]


def approvals_in(body):
    keys = ("approval_type", "approved", "actor_id", "details")
    return [tuple(approval[key] for key in keys) for approval in body["approvals"]]


@pytest.mark.parametrize("strict", [False, True], ids=["as the contract", "four eyes and notes"])
def test_whatever_happens_the_store_says_what_happened(database_settings, strict):
    with asyncio.Runner() as runner:

        async def prepare():
            database = Database(database_settings)
            await upgrade(database)
            await database.dispose()

        runner.run(prepare())
        some = settings(max_examples=settings().max_examples // 8, stateful_step_count=30)
        run_state_machine_as_test(lambda: Desk(database_settings, runner, strict=strict), settings=some)
