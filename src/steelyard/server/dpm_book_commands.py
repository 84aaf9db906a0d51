"""`steelyard dpm-book ...`: a whole DPM book from the terminal, as the same durable job that HTTP submits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.markup import escape

from steelyard.core.errors import InvalidInputError, SteelyardError
from steelyard.infra.jobs_store import JobStatus
from steelyard.infra.principal import DEFAULT_TENANT, Principal
from steelyard.infra.terminal import AsJson, table_of
from steelyard.rebalance.commands import RequestFile
from steelyard.rebalance.request_files import faults_said, read_file
from steelyard.server.terminal import progress, with_parts, writing

if TYPE_CHECKING:  # at run time inside the commands: `steelyard --help` must not wait for the engine
    from steelyard.rebalance.book_service import BookStatus
    from steelyard.server.parts import Parts

Tenant = Annotated[str, typer.Option(help="Whose book.")]
BookId = Annotated[str, typer.Argument(help="As `dpm-book run` prints it; the newest if left out.")]
Out = Annotated[Path | None, typer.Option(help="Write to this file.")]

_NEWEST = "newest"
_SHOWN = 200
_PAGE = 1_000

dpm_book_app = typer.Typer(
    name="dpm-book",
    help="Whole DPM books: rebalance many portfolios at once, compare them, pool their orders.",
    no_args_is_help=True,
)


class Shape(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    CSV = "csv"


class AccountStatus(StrEnum):
    """What an account came to."""

    READY = "READY"
    PENDING_REVIEW = "PENDING_REVIEW"
    BLOCKED = "BLOCKED"
    FAILED = "FAILED"


@dpm_book_app.command()
def run(
    request: RequestFile,
    *,
    policy_pack: Annotated[str | None, typer.Option(help="Laid over the options of every account.")] = None,
    correlation_id: Annotated[str | None, typer.Option(help="Carried into every result.")] = None,
    tenant: Tenant = DEFAULT_TENANT,
    as_json: AsJson = False,
) -> None:
    """Rebalance every portfolio of a book, as POST /rebalance/book takes it; fails if a portfolio failed."""
    from steelyard.core.ids import new_id  # noqa: PLC0415
    from steelyard.rebalance import book_service  # noqa: PLC0415
    from steelyard.rebalance.catalogue import Selectors  # noqa: PLC0415
    from steelyard.rebalance.service import Asked  # noqa: PLC0415
    from steelyard.rebalance.wire import MalformedBodyError  # noqa: PLC0415

    body = read_file(request)
    by = Principal(tenant, "cli", frozenset({"rebalance:read", "rebalance:write"}))
    named = correlation_id or new_id("corr")

    async def work(parts: Parts) -> BookStatus:
        pack = await parts.rebalancing.pack_for(Asked(by, named, Selectors(policy_pack)))
        try:
            submission = await asyncio.to_thread(book_service.read_submission, body, pack, named)
            async with parts.database.transaction() as session:
                status = await book_service.submit_book(session, parts.jobs, by, submission)
        except MalformedBodyError as refused:
            message, details = faults_said(refused.errors), {"errors": refused.errors}
            raise InvalidInputError(message, code="MALFORMED_REQUEST", details=details) from None
        return await _watched(parts, tenant, status.book.book_id, quiet=as_json)

    _report(with_parts(work, works=True), as_json=as_json)


@dpm_book_app.command()
def resume(book_id: BookId = _NEWEST, *, tenant: Tenant = DEFAULT_TENANT, as_json: AsJson = False) -> None:
    """Go on with a failed or cancelled book behind what is done."""
    from steelyard.rebalance import book_service  # noqa: PLC0415

    by = Principal(tenant, "cli", frozenset({"rebalance:read", "rebalance:write"}))

    async def work(parts: Parts) -> BookStatus:
        found = (await _status(parts, tenant, book_id)).book.book_id
        async with parts.database.transaction() as session:
            await book_service.resume_book(session, parts.jobs, by, found)
        return await _watched(parts, tenant, found, quiet=as_json)

    _report(with_parts(work, works=True), as_json=as_json)


@dpm_book_app.command()
def status(book_id: BookId = _NEWEST, *, tenant: Tenant = DEFAULT_TENANT, as_json: AsJson = False) -> None:
    """Show how far a book is, and what its accounts came to."""
    _print_status(with_parts(lambda parts: _status(parts, tenant, book_id)), as_json=as_json)


@dpm_book_app.command()
def results(
    book_id: BookId = _NEWEST,
    *,
    portfolio: Annotated[str | None, typer.Option(help="Print the whole result of this portfolio as JSON.")] = None,
    account_status: Annotated[AccountStatus | None, typer.Option("--status", help="Only these accounts.")] = None,
    search: Annotated[str | None, typer.Option(help="Only portfolios with this in their ids.")] = None,
    shape: Annotated[Shape, typer.Option("--format", help="table (the first 200) or csv.")] = Shape.TABLE,
    out: Out = None,
    tenant: Tenant = DEFAULT_TENANT,
    as_json: AsJson = False,
) -> None:
    """Compare the accounts of a book: orders, turnover, cash before and after, what failed and why."""
    from steelyard.rebalance import book_service, book_store, book_views  # noqa: PLC0415

    async def pages(parts: Parts, found: str) -> AsyncIterator[list[book_store.StoredAccount]]:
        after = -1
        while True:
            async with parts.database.reading() as session:
                page = await book_store.list_accounts(
                    session, found, status=account_status, search=search, after=after, limit=_PAGE
                )
            if not page:
                return
            yield page
            after = page[-1].place

    async def read(parts: Parts) -> bytes | list[book_store.StoredAccount]:
        found = (await _status(parts, tenant, book_id)).book.book_id
        if portfolio is not None:
            async with parts.database.reading() as session:
                return await book_service.get_result(session, found, portfolio)
        if as_json or shape is Shape.TABLE:
            return [one async for page in pages(parts, found) for one in page]
        with writing(out) as write:
            write(book_views.comparison_header())
            async for page in pages(parts, found):
                write(book_views.comparison_lines(page))
        return []

    made = with_parts(read)
    if isinstance(made, bytes):
        typer.echo(made)
    elif as_json:
        typer.echo(msgspec.json.encode([book_views.comparison_row(one) for one in made]))
    elif shape is Shape.TABLE:
        _print_accounts(made)


@dpm_book_app.command()
def blocks(
    book_id: BookId = _NEWEST,
    *,
    shape: Annotated[Shape, typer.Option("--format", help="table, or csv with every allocation.")] = Shape.TABLE,
    out: Out = None,
    tenant: Tenant = DEFAULT_TENANT,
    as_json: AsJson = False,
) -> None:
    """Print the block orders of a completed book, gross and net, or write them with their allocations."""
    from steelyard.rebalance import book_service, book_views  # noqa: PLC0415

    async def read(parts: Parts) -> bytes:
        found = await _status(parts, tenant, book_id)
        async with parts.database.reading() as session:
            heads = await book_service.require_blocks(session, found)
        if shape is Shape.CSV and not as_json:
            with writing(out) as write:
                write(book_views.blocks_header())
                async for block in book_service.each_block(parts.database, found.book.book_id, heads):
                    write(book_views.block_lines(block))
        return msgspec.json.encode(book_views.blocks_view(found.book.book_id, heads))

    view = with_parts(read)
    if as_json:
        typer.echo(view)
    elif shape is Shape.TABLE:
        _print_blocks(msgspec.json.decode(view))
    elif out is not None:
        typer.echo(f"blocks written to {out}", err=True)


async def _watched(parts: Parts, tenant: str, book_id: str, *, quiet: bool) -> BookStatus:
    with progress(quiet=quiet) as show:
        async for event in parts.jobs.watch(book_id):
            show(event)
    return await _status(parts, tenant, book_id)


async def _status(parts: Parts, tenant: str, book_id: str) -> BookStatus:
    from steelyard.rebalance import book_service  # noqa: PLC0415

    async with parts.database.reading() as session:
        if book_id == _NEWEST:
            found, _ = await book_service.list_books(session, parts.jobs, tenant, limit=1, cursor=None, status=None)
            book_id = found[0].book.book_id if found else _NEWEST
        return await book_service.get_book(session, parts.jobs, tenant, book_id)


def _report(found: BookStatus, *, as_json: bool) -> None:
    """Print how a book ended; an end that somebody has to look at is a failure of the command."""
    _print_status(found, as_json=as_json)
    if found.job.status is not JobStatus.COMPLETED:
        raise SteelyardError(found.job.error_message or "the book was cancelled", code=found.job.error_code)
    if failed := found.counts["FAILED"]:
        typer.echo(f"{failed:,} portfolios failed; `steelyard dpm-book results --status FAILED` says why", err=True)
        raise typer.Exit(1)


def _print_status(found: BookStatus, *, as_json: bool) -> None:
    from steelyard.rebalance.book_views import book_view  # noqa: PLC0415

    view = book_view(found)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(view), indent=2))
        return
    typer.echo(f"{view['book_id']} is {view['status']}")
    counts = [f"{count:,} {status.lower().replace('_', ' ')}" for status, count in found.counts.items()]
    made = "" if view["block_count"] is None else f"; {view['block_count']:,} block orders"
    typer.echo(f"{view['portfolio_count']:,} portfolios: {', '.join(counts)}, {view['pending_count']:,} to do{made}")


def _print_accounts(accounts: list[Any]) -> None:
    headings = ("Portfolio", "Status", "Orders", "Turnover", "Cash before", "Cash after", "Why")
    table = table_of(*headings, numbers=headings[2:-1])
    for one in accounts[:_SHOWN]:
        row = one.read_row()
        cash = [
            f"{amount.amount:,.2f} {amount.currency}" if amount else "" for amount in (row.cash_before, row.cash_after)
        ]
        share = "" if row.turnover is None else f"{row.turnover * 100:.2f} %"
        why = row.error.message if row.error else ", ".join(row.reasons)
        orders = str(row.security_intent_count + row.fx_intent_count)
        table.add_row(*map(escape, (row.portfolio_id, row.status, orders, share, *cash, why)))
    Console().print(table)
    if len(accounts) > _SHOWN:
        typer.echo(f"and {len(accounts) - _SHOWN:,} more; `--format csv` has all")


def _print_blocks(view: dict[str, Any]) -> None:
    nets = {one["instrument_id"]: one for one in view["net"]}
    headings = ("Instrument", "Side", "Quantity", "Notional", "Accounts", "Net")
    table = table_of(*headings, numbers=headings[2:-1])
    for one in view["gross"]:
        net, notional = nets[one["instrument_id"]], one["notional"]
        left = f"{net['side'].lower()} {net['quantity']}" if net["side"] else "nothing"
        amount = f"{notional['amount']} {notional['currency']}"
        row = (one["instrument_id"], one["side"], one["quantity"], amount, f"{one['account_count']:,}", left)
        table.add_row(*map(escape, row))
    Console().print(table)
