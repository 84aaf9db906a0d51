"""Commands of the operator: API keys, migrations."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console

from steelyard.core.errors import ConfigurationError
from steelyard.infra.principal import DEFAULT_TENANT, SCOPES, Principal
from steelyard.infra.settings import get_settings
from steelyard.infra.terminal import AsJson, print_json, table_of

Answer = TypeVar("Answer")

keys_app = typer.Typer(name="keys", help="API keys: make, list and revoke them.", no_args_is_help=True)
db_app = typer.Typer(name="db", help="The database.", no_args_is_help=True)

_OPERATOR = Principal(DEFAULT_TENANT, "cli", frozenset())


@keys_app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Who will use it, for the list and the audit log.")],
    scope: Annotated[list[str], typer.Option(help="One of " + ", ".join(sorted(SCOPES)) + "; may be repeated.")],
    tenant: Annotated[str, typer.Option(help="Whose data it opens.")] = DEFAULT_TENANT,
    as_json: AsJson = False,
) -> None:
    """Make a key and show it; it cannot be shown again."""
    from steelyard.infra import audit, keys  # noqa: PLC0415 - the database's libraries load for who needs them

    async def make(session: Any) -> tuple[keys.ApiKey, str]:
        key, secret = await keys.create_key(session, name=name, scopes=scope, tenant=tenant)
        audit.record(session, _OPERATOR, "key.create", key.id, {"tenant": tenant, "scopes": key.scopes})
        return key, secret

    key, secret = _in_transaction(make)
    if as_json:
        print_json({**asdict(key), "key": secret})
    else:
        typer.echo(f"{key.id} for {key.tenant} with {', '.join(key.scopes)}; keep it, it is not shown again:")
        typer.echo(secret)


@keys_app.command("list")
def list_(
    tenant: Annotated[str | None, typer.Option(help="Of this tenant only.")] = None, as_json: AsJson = False
) -> None:
    """List the keys, revoked ones included; never the keys themselves."""
    from steelyard.infra import keys  # noqa: PLC0415

    found = _in_transaction(lambda session: keys.list_keys(session, tenant=tenant))
    if as_json:
        print_json([asdict(key) for key in found])
        return
    table = table_of("Id", "Name", "Tenant", "Starts with", "Scopes", "Made", "Revoked", whole={"Id"})
    for key in found:
        revoked = f"{key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else ""
        made = f"{key.created_at:%Y-%m-%d %H:%M}"
        table.add_row(key.id, key.name, key.tenant, key.prefix, ", ".join(key.scopes), made, revoked)
    Console().print(table)


@keys_app.command("revoke")
def revoke(key_id: Annotated[str, typer.Argument(help="As `keys list` shows it.")], as_json: AsJson = False) -> None:
    """End a key and the sessions it opened."""
    from steelyard.infra import audit, keys  # noqa: PLC0415

    async def end(session: Any) -> keys.ApiKey:
        key = await keys.revoke_key(session, key_id)
        audit.record(session, _OPERATOR, "key.revoke", key.id)
        return key

    key = _in_transaction(end)
    if as_json:
        print_json(asdict(key))
    else:
        typer.echo(f"{key.id} is revoked since {key.revoked_at:%Y-%m-%d %H:%M} UTC")


@db_app.command("upgrade")
def upgrade(as_json: AsJson = False) -> None:
    """Bring the tables to the newest step; a running server need not stop."""

    async def go() -> tuple[str | None, str]:
        from steelyard.infra.database import Database  # noqa: PLC0415
        from steelyard.infra.database_wait import wait_for_database  # noqa: PLC0415
        from steelyard.infra.migrations import upgrade as bring_up  # noqa: PLC0415

        await wait_for_database(get_settings())
        database = Database(get_settings())
        try:
            return await bring_up(database)
        finally:
            await database.dispose()

    before, after = asyncio.run(go())
    if as_json:
        print_json({"before": before, "after": after})
    elif before == after:
        typer.echo(f"the database is at step {after} already")
    else:
        typer.echo(f"the database was at step {before or 'none'} and is at {after}")


@db_app.command("cutover-check")
def cutover_check(as_json: AsJson = False) -> None:
    """Say whether this deployment may go into production: profile, settings, database, migrations."""
    from steelyard.infra.cutover import cutover_problems  # noqa: PLC0415

    problems = asyncio.run(cutover_problems(get_settings()))
    if as_json:
        found = [{"code": code, "message": sentence} for code, sentence in problems]
        print_json({"ready": not problems, "problems": found})
    else:
        for code, sentence in problems:
            typer.echo(f"{code}: {sentence}")
        typer.echo("not ready" if problems else "ready for production")
    if problems:
        raise typer.Exit(ConfigurationError.exit_status)


def _in_transaction(work: Callable[[Any], Awaitable[Answer]]) -> Answer:
    async def go() -> Answer:
        from steelyard.infra.database import Database  # noqa: PLC0415
        from steelyard.infra.migrations import upgrade as bring_up  # noqa: PLC0415

        database = Database(get_settings())
        try:
            if database.is_sqlite:  # embedded: nobody else upgrades it
                await bring_up(database)
            async with database.transaction() as session:
                return await work(session)
        finally:
            await database.dispose()

    return asyncio.run(go())
