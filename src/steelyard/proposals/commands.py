"""`steelyard proposals ...`: the use cases of the advisory routes, on the same store, under the same rules."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console

from steelyard.core.errors import DataIntegrityError, InvalidInputError
from steelyard.infra.principal import DEFAULT_TENANT, Principal
from steelyard.infra.terminal import AsJson, print_json
from steelyard.rebalance.request_files import faults_said, read_file, with_faults

if TYPE_CHECKING:  # at run time inside the commands: `steelyard --help` must not wait for the engine
    from pydantic import BaseModel
    from sqlalchemy.ext.asyncio import AsyncSession

    from steelyard.infra.database import Database
    from steelyard.proposals.asked import Asked
    from steelyard.proposals.service import Proposals, Stored
    from steelyard.proposals.tables import ProposalRow, VersionRow
    from steelyard.proposals.workflow import Moved

proposals_app = typer.Typer(
    name="proposals", help="Advisory proposals: simulate, create, review, document, verify.", no_args_is_help=True
)

Made = TypeVar("Made")
Body = TypeVar("Body", bound="BaseModel")
Tenant = Annotated[str, typer.Option(help="Whose proposals.")]
ProposalId = Annotated[str, typer.Argument(help="As `proposals list` prints it.")]
Version = Annotated[int | None, typer.Option(help="A version; the newest if left out.")]
RequestFile = Annotated[Path, typer.Argument(help="JSON; - reads standard input.")]
Actor = Annotated[str, typer.Option("--by", help="Who does it.")]
Expecting = Annotated[str | None, typer.Option(help="The state you saw it in; another one, or none, is refused.")]
Comment = Annotated[str | None, typer.Option(help="Why.")]
OverrideNote = Annotated[str | None, typer.Option(help="Why soft breaches are accepted.")]


@proposals_app.command()
def simulate(
    request: RequestFile,
    artifact: Annotated[bool, typer.Option("--artifact", help="Print the artifact as JSON.")] = False,
    as_json: AsJson = False,
) -> None:
    """Simulate a request as POST /rebalance/proposals/simulate takes it; nothing is stored."""
    from steelyard.proposals.api import propose  # noqa: PLC0415
    from steelyard.proposals.terminal import print_proposal  # noqa: PLC0415

    proposal = with_faults(propose, read_file(request))
    if artifact:
        print_json(proposal.artifact)
    elif as_json:
        typer.echo(proposal.result.to_bytes())
    else:
        print_proposal(Console(), json.loads(proposal.result.to_bytes()))


@proposals_app.command()
def create(
    request: RequestFile,
    key: Annotated[str | None, typer.Option(help="Idempotency key: the same twice creates one proposal.")] = None,
    tenant: Tenant = DEFAULT_TENANT,
    as_json: AsJson = False,
) -> None:
    """Create a proposal from a body as POST /rebalance/proposals takes it."""
    from steelyard.proposals.drafts import ProposalDraft  # noqa: PLC0415
    from steelyard.proposals.lifecycle_schemas import ProposalCreateRequest  # noqa: PLC0415

    draft = _draft(read_file(request), ProposalCreateRequest, ProposalDraft)
    used = key or f"cli_{secrets.token_hex(8)}"
    stored = _with_service(lambda service, _: service.create(_asked(tenant), draft, used))
    _print_stored(stored, as_json=as_json)


@proposals_app.command()
def revise(
    proposal_id: ProposalId, request: RequestFile, tenant: Tenant = DEFAULT_TENANT, as_json: AsJson = False
) -> None:
    """Add a version from a body as POST /rebalance/proposals/{id}/versions takes it."""
    from steelyard.proposals.drafts import VersionDraft  # noqa: PLC0415
    from steelyard.proposals.lifecycle_schemas import ProposalVersionRequest  # noqa: PLC0415

    draft = _draft(read_file(request), ProposalVersionRequest, VersionDraft)
    stored = _with_service(lambda service, _: service.add_version(_asked(tenant), proposal_id, draft))
    _print_stored(stored, as_json=as_json)


@proposals_app.command("list")
def list_(
    *,
    state: Annotated[str | None, typer.Option(help="Only these, as RISK_REVIEW.")] = None,
    portfolio: Annotated[str | None, typer.Option(help="Only this portfolio's.")] = None,
    created_by: Annotated[str | None, typer.Option(help="Only this adviser's.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many, newest first.")] = 20,
    tenant: Tenant = DEFAULT_TENANT,
    as_json: AsJson = False,
) -> None:
    """List proposals, newest first."""
    from steelyard.proposals import store  # noqa: PLC0415
    from steelyard.proposals.terminal import print_list  # noqa: PLC0415
    from steelyard.proposals.views import summary_view  # noqa: PLC0415

    async def read(session: AsyncSession) -> list[dict[str, Any]]:
        found, _ = await store.page_of_proposals(
            session, tenant, limit=limit, portfolio_id=portfolio, current_state=state, created_by=created_by
        )
        return [summary_view(one) for one in found]

    views = _reading(read)
    if as_json:
        print_json(views)
    else:
        print_list(Console(), views)


@proposals_app.command()
def show(
    proposal_id: ProposalId, version: Version = None, tenant: Tenant = DEFAULT_TENANT, as_json: AsJson = False
) -> None:
    """Show a proposal with one version of it."""
    import msgspec  # noqa: PLC0415

    from steelyard.proposals.terminal import print_stored  # noqa: PLC0415
    from steelyard.proposals.views import detail_view  # noqa: PLC0415

    proposal, row = _version(tenant, proposal_id, version)
    body = msgspec.json.encode(detail_view(proposal, row, include_evidence=True))
    if as_json:
        typer.echo(body)
    else:
        print_stored(Console(), json.loads(body))


@proposals_app.command()
def history(proposal_id: ProposalId, tenant: Tenant = DEFAULT_TENANT, as_json: AsJson = False) -> None:
    """Show everything that happened to a proposal."""
    import msgspec  # noqa: PLC0415

    from steelyard.proposals import store  # noqa: PLC0415
    from steelyard.proposals.terminal import print_history  # noqa: PLC0415
    from steelyard.proposals.views import timeline_view  # noqa: PLC0415

    async def read(session: AsyncSession) -> bytes:
        proposal = await store.proposal_by_id(session, tenant, proposal_id)
        return msgspec.json.encode(timeline_view(proposal, await store.events_of(session, proposal)))

    body = _reading(read)
    if as_json:
        typer.echo(body)
    else:
        print_history(Console(), json.loads(body))


@proposals_app.command()
def move(
    proposal_id: ProposalId,
    event: Annotated[str, typer.Argument(help="What happens, as SUBMITTED_FOR_RISK_REVIEW.")],
    *,
    by: Actor,
    expecting: Expecting = None,
    comment: Comment = None,
    override_note: OverrideNote = None,
    tenant: Tenant = DEFAULT_TENANT,
    as_json: AsJson = False,
) -> None:
    """Let an event happen to a proposal."""
    from steelyard.proposals.lifecycle_schemas import ProposalStateTransitionRequest  # noqa: PLC0415
    from steelyard.proposals.workflow import Transition  # noqa: PLC0415

    said = {"event_type": event, "reason": _reason(comment)}
    body = _body(ProposalStateTransitionRequest, said | _shared(by, expecting, override_note))
    wanted = Transition(**dict(body))
    _print_moved(
        _moving(lambda service, session: service.transition(session, _operator(tenant), proposal_id, wanted)),
        as_json=as_json,
    )


@proposals_app.command()
def approve(
    proposal_id: ProposalId,
    kind: Annotated[str, typer.Argument(help="RISK, COMPLIANCE or CLIENT_CONSENT.")],
    *,
    by: Actor,
    refuse: Annotated[bool, typer.Option("--refuse", help="Refuse instead: the proposal is rejected.")] = False,
    expecting: Expecting = None,
    comment: Comment = None,
    override_note: OverrideNote = None,
    tenant: Tenant = DEFAULT_TENANT,
    as_json: AsJson = False,
) -> None:
    """Approve a proposal, or refuse it, as risk, as compliance or for the client."""
    from steelyard.proposals.lifecycle_schemas import ProposalApprovalRequest  # noqa: PLC0415
    from steelyard.proposals.workflow import Approval  # noqa: PLC0415

    said = {"approval_type": kind, "approved": not refuse, "details": _reason(comment)}
    body = _body(ProposalApprovalRequest, said | _shared(by, expecting, override_note))
    wanted = Approval(**dict(body))
    _print_moved(
        _moving(lambda service, session: service.approve(session, _operator(tenant), proposal_id, wanted)),
        as_json=as_json,
    )


@proposals_app.command()
def document(
    proposal_id: ProposalId,
    *,
    kind: Annotated[str, typer.Option("--format", help="html, pdf, or json for the artifact.")] = "pdf",
    out: Annotated[Path | None, typer.Option(help="Write to this file; else to standard output.")] = None,
    version: Version = None,
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Write the client's document of a version."""
    from steelyard.proposals.document_files import FORMATS, file_content  # noqa: PLC0415

    file_format = next((one for one in FORMATS if one == kind), None)
    if file_format is None:
        raise InvalidInputError(f"`--format` was {kind!r}; choose one of {', '.join(FORMATS)}")
    if out is None and file_format == "pdf" and sys.stdout.isatty():
        raise InvalidInputError("a PDF is not for the terminal; give `--out FILE`")
    _, row = _version(tenant, proposal_id, version)
    content = file_content(row, file_format)
    if out is None:
        typer.echo(content, nl=False)
        return
    try:
        out.write_bytes(content)
    except OSError as failure:
        raise InvalidInputError(f"`{out}` cannot be written: {failure.strerror}", code="FILE_UNWRITABLE") from None
    typer.echo(f"{len(content):,} bytes written to {out}", err=True)


@proposals_app.command()
def verify(
    proposal_id: ProposalId, version: Version = None, tenant: Tenant = DEFAULT_TENANT, as_json: AsJson = False
) -> None:
    """Recompute the hashes and the content of a stored version; exits with an error where one differs."""
    from steelyard.proposals.terminal import print_checks  # noqa: PLC0415
    from steelyard.proposals.version_evidence import verify_version  # noqa: PLC0415

    proposal, row = _version(tenant, proposal_id, version)
    found = verify_version(proposal, row)
    if as_json:
        checks = [
            {"part": one.part, "promised": one.promised, "found": one.found, "holds": one.holds} for one in found.checks
        ]
        print_json({"holds": found.holds, "checks": checks})
    else:
        print_checks(Console(), found)
    if not found.holds:
        failed = ", ".join(one.part for one in found.checks if not one.holds)
        raise DataIntegrityError(f"{proposal_id} is not what was stored: {failed}", code="EVIDENCE_MISMATCH")


def _draft(body: bytes, model: type[Body], kind: type[Made]) -> Made:
    from steelyard.rebalance.wire import MalformedBodyError, read_carefully  # noqa: PLC0415

    try:
        return read_carefully(body, model, kind)
    except MalformedBodyError as refused:
        message, details = faults_said(refused.errors), {"errors": refused.errors}
        raise InvalidInputError(message, code="MALFORMED_REQUEST", details=details) from None


def _body(model: type[Body], given: dict[str, Any]) -> Body:
    from pydantic import ValidationError  # noqa: PLC0415

    try:
        return model.model_validate(given)
    except ValidationError as refused:
        said = "; ".join(f"{fault['loc'][0]} was {fault['input']!r}: {fault['msg']}" for fault in refused.errors())
        raise InvalidInputError(said, code="VALIDATION_ERROR") from None


def _reason(comment: str | None) -> dict[str, str]:
    return {} if comment is None else {"comment": comment}


def _shared(by: str, expecting: str | None, override_note: str | None) -> dict[str, Any]:
    return {"actor_id": by, "expected_state": expecting, "override_note": override_note}


def _version(tenant: str, proposal_id: str, version_no: int | None) -> tuple[ProposalRow, VersionRow]:
    from steelyard.proposals import store  # noqa: PLC0415

    async def read(session: AsyncSession) -> tuple[ProposalRow, VersionRow]:
        proposal = await store.proposal_by_id(session, tenant, proposal_id)
        return proposal, await store.version_of(session, proposal, version_no or proposal.current_version_no)

    return _reading(read)


def _reading(read: Callable[[AsyncSession], Awaitable[Made]]) -> Made:
    async def work(_: Proposals, database: Database) -> Made:
        async with database.reading() as session:
            return await read(session)

    return _with_service(work)


def _moving(move: Callable[[Proposals, AsyncSession], Awaitable[Moved]]) -> bytes:
    import msgspec  # noqa: PLC0415

    from steelyard.proposals.views import moved_view  # noqa: PLC0415

    async def work(service: Proposals, database: Database) -> bytes:
        async with database.transaction() as session:
            moved = await move(service, session)
            return msgspec.json.encode(moved_view(moved.proposal, moved.event, moved.approval))

    return _with_service(work)


def _with_service(work: Callable[[Proposals, Database], Awaitable[Made]]) -> Made:
    """``work`` with the use cases and the store of the settings, closed afterwards."""

    async def go() -> Made:
        import os  # noqa: PLC0415

        from steelyard.infra.database import Database  # noqa: PLC0415
        from steelyard.infra.legacy_stores import LegacyStores  # noqa: PLC0415
        from steelyard.infra.migrations import upgrade  # noqa: PLC0415
        from steelyard.infra.settings import get_settings  # noqa: PLC0415
        from steelyard.proposals.service import Proposals  # noqa: PLC0415
        from steelyard.proposals.toggles import ProposalToggles  # noqa: PLC0415

        database = Database(get_settings())
        try:
            if database.is_sqlite:  # embedded: nobody else upgrades it
                await upgrade(database)
            service = Proposals(database, ProposalToggles.read(os.environ), LegacyStores.read(os.environ))
            service.require_store()
            return await work(service, database)
        finally:
            await database.dispose()

    return asyncio.run(go())


def _operator(tenant: str) -> Principal:
    return Principal(tenant, "cli", frozenset({"proposals:read", "proposals:write"}))


def _asked(tenant: str) -> Asked:
    from steelyard.proposals.asked import Asked  # noqa: PLC0415

    return Asked.by(_operator(tenant))


def _print_stored(stored: Stored, *, as_json: bool) -> None:
    if as_json:
        typer.echo(stored.body)
        return
    view = json.loads(stored.body)
    proposal, version = view["proposal"], view["version"]
    gate = version["gate_decision"]
    typer.echo(f"{stored.proposal_id} version {stored.version_no} is {proposal['current_state']}")
    typer.echo(f"simulated {version['status_at_creation']}; {gate['gate']}, next {gate['recommended_next_step']}")


def _print_moved(body: bytes, *, as_json: bool) -> None:
    if as_json:
        typer.echo(body)
        return
    view = json.loads(body)
    typer.echo(f"{view['proposal_id']} is {view['current_state']}")
