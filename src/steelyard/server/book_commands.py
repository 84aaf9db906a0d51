"""`steelyard book ...`: a whole book from the terminal, as the same durable job that HTTP submits."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from steelyard.core import clock
from steelyard.core.errors import InvalidInputError, SteelyardError
from steelyard.infra.jobs_store import JobStatus
from steelyard.infra.principal import DEFAULT_TENANT, Principal
from steelyard.infra.terminal import AsJson, print_json, table_of
from steelyard.server.terminal import progress, with_parts, writing

if TYPE_CHECKING:  # at run time inside the commands: `steelyard --help` must not wait for the engine
    from steelyard.models.book_service import BookStatus
    from steelyard.server.parts import Parts

Tenant = Annotated[str, typer.Option(help="Whose book.")]
BatchId = Annotated[str, typer.Argument(help="As `book rebalance` prints it; the newest if left out.")]

_NEWEST = "newest"
_FAILURES_SHOWN = 10

book_app = typer.Typer(
    name="book", help="The whole book: rebalance every portfolio, and its block orders.", no_args_is_help=True
)


@book_app.command("rebalance")
def rebalance(
    *,
    model: Annotated[list[str] | None, typer.Option(help="A model's id; may be repeated.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every model.")] = False,
    trade_date: Annotated[str | None, typer.Option(help="As 2026-03-02; today in the trading calendar.")] = None,
    options: Annotated[str | None, typer.Option(help="JSON, as the body of POST .../rebalance.")] = None,
    tenant: Tenant = DEFAULT_TENANT,
    as_json: AsJson = False,
) -> None:
    """Rebalance every portfolio of these models and make block orders; nothing is sent anywhere."""
    from steelyard.models import book_service  # noqa: PLC0415

    body = _body(model, trade_date, options, every=every)
    by = Principal(tenant, "cli", frozenset({"models:read", "models:write"}))

    async def work(parts: Parts) -> BookStatus:
        ids = None if body.all else body.model_ids
        plan = await book_service.plan_of(parts.models, tenant, ids, body.trade_date, body.options_of)
        async with parts.database.transaction() as session:
            job = await book_service.submit_book(session, parts.jobs, by, plan)
        with progress(quiet=as_json) as show:
            async for event in parts.jobs.watch(job.id):
                show(event)
        return await _status(parts, tenant, job.id)

    status = with_parts(work, works=True)
    _print_status(status, as_json=as_json)
    if status.job.status is not JobStatus.COMPLETED:
        raise SteelyardError(status.job.error_message or "the book was cancelled", code=status.job.error_code)


@book_app.command()
def show(batch_id: BatchId = _NEWEST, tenant: Tenant = DEFAULT_TENANT, as_json: AsJson = False) -> None:
    """Show how far a book is, and the first portfolios that failed."""
    from steelyard.models import book_store  # noqa: PLC0415

    async def read(parts: Parts) -> tuple[BookStatus, list[book_store.StoredResult]]:
        status = await _status(parts, tenant, batch_id)
        async with parts.database.reading() as session:
            failed = await book_store.list_results(
                session, status.book.book_id, is_failed=True, after=-1, limit=_FAILURES_SHOWN
            )
        return status, failed

    status, failed = with_parts(read)
    _print_status(status, as_json=as_json)
    if not as_json:
        for one in failed:
            typer.echo(f"  {(one.error or {})['message']}")


@book_app.command()
def blocks(
    batch_id: BatchId = _NEWEST,
    *,
    kind: Annotated[str, typer.Option("--format", help="table, csv or fix; the last two have every allocation.")] = "",
    out: Annotated[Path | None, typer.Option(help="Write to this file.")] = None,
    sender: Annotated[str, typer.Option(help="FIX company id, tag 49.")] = "STEELYARD",
    target: Annotated[str, typer.Option(help="FIX company id, tag 56.")] = "BROKER",
    tenant: Tenant = DEFAULT_TENANT,
    as_json: AsJson = False,
) -> None:
    """Print the block orders of a completed book, or write them with their allocations."""
    from steelyard.models import book_service  # noqa: PLC0415
    from steelyard.models.block_export import block_lines, csv_header  # noqa: PLC0415
    from steelyard.models.book_schemas import block_view  # noqa: PLC0415

    if kind not in {"", "table", "csv", "fix"}:
        raise InvalidInputError(f"`--format` was {kind!r}; choose one of table, csv, fix")

    async def texts(parts: Parts, status: BookStatus, heads: Any) -> AsyncIterator[str]:
        if kind == "csv":
            yield csv_header()
        sent_at, sequence = clock.now(), 0
        async for block in book_service.each_block(parts.database, status.book.book_id, heads):
            sequence += 1
            if kind == "csv":
                yield block_lines(block)
            else:
                yield book_service.fix_message(
                    block, status.book.book_id, sender, target, sent_at=sent_at, sequence=sequence
                )

    async def read(parts: Parts) -> list[dict[str, Any]]:
        status = await _status(parts, tenant, batch_id)
        async with parts.database.reading() as session:
            heads = await book_service.require_blocks(session, status)
        if kind in {"csv", "fix"}:
            with writing(out) as write:
                async for text in texts(parts, status, heads):
                    write(text)
        return [block_view(head) for head in heads]

    views = with_parts(read)
    if kind in {"csv", "fix"}:
        if out is not None:
            typer.echo(f"{len(views):,} blocks written to {out}", err=True)
    elif as_json:
        print_json(views)
    else:
        _print_blocks(views)


def _body(model: list[str] | None, trade_date: str | None, options: str | None, *, every: bool) -> Any:
    from pydantic import ValidationError  # noqa: PLC0415

    from steelyard.models.book_schemas import BatchPost  # noqa: PLC0415
    from steelyard.models.exact_json import parse_exact  # noqa: PLC0415

    if every == bool(model):
        raise InvalidInputError("give either --all or --model, as often as needed")
    try:
        given = {} if options is None else {"options": parse_exact(options)}
        return BatchPost.model_validate({"modelIds": model or None, "all": every, "tradeDate": trade_date, **given})
    except json.JSONDecodeError as failure:
        raise InvalidInputError(f"`--options` is no JSON: {failure}") from None
    except ValidationError as refused:
        first = refused.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InvalidInputError(f"`{place}`: {first['msg']}", code="VALIDATION_ERROR") from None


async def _status(parts: Parts, tenant: str, batch_id: str) -> BookStatus:
    from steelyard.models import book_service  # noqa: PLC0415

    async with parts.database.reading() as session:
        if batch_id == _NEWEST:
            found, _ = await book_service.list_books(session, parts.jobs, tenant, limit=1, cursor=None, status=None)
            batch_id = found[0].book.book_id if found else _NEWEST
        return await book_service.get_book(session, parts.jobs, tenant, batch_id)


def _print_status(status: BookStatus, *, as_json: bool) -> None:
    from steelyard.models.book_schemas import batch_view  # noqa: PLC0415

    view = batch_view(status)
    if as_json:
        print_json(view)
        return
    counts = view["portfolios"]
    typer.echo(f"{view['batchId']} is {view['status']}; trade date {view['tradeDate']}")
    done = f"{counts['rebalanced']:,} rebalanced, {counts['failed']:,} failed, {counts['pending']:,} pending"
    made = "" if view["blocks"] is None else f"; {view['blocks']:,} block orders"
    typer.echo(f"{counts['total']:,} portfolios of {len(view['models']):,} models: {done}{made}")


def _print_blocks(views: list[dict[str, Any]]) -> None:
    table = table_of("Side", "Security", "Quantity", "Portfolios", numbers={"Quantity", "Portfolios"})
    for one in views:
        table.add_row(one["side"], one["securityId"], f"{one['quantity']:,}", f"{one['numberOfPortfolios']:,}")
    Console().print(table)
