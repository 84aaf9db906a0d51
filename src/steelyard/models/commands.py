"""`steelyard models ...` and `steelyard rebalance`: the same use cases as over HTTP, on the same store."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console

from steelyard.core.errors import InvalidInputError, NotFoundError
from steelyard.infra.principal import DEFAULT_TENANT, Principal
from steelyard.infra.terminal import AsJson, print_json, table_of

if TYPE_CHECKING:  # at run time inside the commands: `steelyard --help` must not wait for the engine
    from pydantic import BaseModel

    from steelyard.infra.database import Database
    from steelyard.models.composition import ModelParts
    from steelyard.models.document import Model
    from steelyard.models.rebalancing import Answer

models_app = typer.Typer(
    name="models", help="Model portfolios: list, show, create, import, delete.", no_args_is_help=True
)

Made = TypeVar("Made")
Body = TypeVar("Body", bound="BaseModel")
Tenant = Annotated[str, typer.Option(help="Whose models.")]
Which = Annotated[str, typer.Argument(help="A model's name or id.")]


@models_app.command("list")
def list_(tenant: Tenant = DEFAULT_TENANT, as_json: AsJson = False) -> None:
    """List the models."""
    from steelyard.models.views import model_view  # noqa: PLC0415

    models = _with_parts(lambda parts, _: parts.store.list_models(tenant, sort_by=["name"]))
    if as_json:
        print_json([model_view(model) for model in models])
        return
    table = table_of("Name", "Id", "Version", "Positions", "Targets", "Portfolios", "Last rebalance")
    for model in models:
        targets = sum(position.target for position in model.positions)
        last = f"{model.last_rebalance_date:%Y-%m-%d %H:%M}" if model.last_rebalance_date else ""
        counts = (str(model.version), str(len(model.positions)), str(targets), f"{len(model.portfolios):,}")
        table.add_row(model.name, model.model_id, *counts, last)
    Console().print(table)


@models_app.command()
def show(which: Which, tenant: Tenant = DEFAULT_TENANT, as_json: AsJson = False) -> None:
    """Show one model with its positions and portfolios."""
    from steelyard.models.views import model_view  # noqa: PLC0415

    model = _with_parts(lambda parts, _: _find(parts, tenant, which))
    if as_json:
        print_json(model_view(model))
        return
    table = table_of("Security", "Target", "Low drift", "High drift")
    table.title = f"{model.name}, version {model.version}"
    for position in model.positions:
        numbers = (position.target, position.low_drift, position.high_drift)
        table.add_row(position.security_id, *map(str, numbers))
    console = Console()
    console.print(table)
    shown = ", ".join(model.portfolios[:10]) + (" ..." if len(model.portfolios) > 10 else "")
    console.print(f"{len(model.portfolios):,} portfolios: {shown or 'none'}", highlight=False, markup=False)


@models_app.command()
def create(
    file: Annotated[Path, typer.Argument(help="JSON: one model as POST /api/v1/models takes it, or a list.")],
    tenant: Tenant = DEFAULT_TENANT,
    as_json: AsJson = False,
) -> None:
    """Create the models of a JSON file, up to the first that is refused."""
    from steelyard.models.service import create_model  # noqa: PLC0415
    from steelyard.models.views import model_view  # noqa: PLC0415

    wanted = _read_models(file)

    async def make(parts: ModelParts, _: Database) -> list[Model]:
        return [await create_model(parts.store, _operator(tenant), model) for model in wanted]

    made = _with_parts(make)
    if as_json:
        print_json([model_view(model) for model in made])
        return
    for model in made:
        typer.echo(f"{model.model_id} {model.name}")


@models_app.command("import")
def import_(
    holdings: Annotated[
        Path | None, typer.Option(help="CSV or Parquet: portfolioId, securityId, quantity; a CASH row each.")
    ] = None,
    securities: Annotated[Path | None, typer.Option(help="CSV or Parquet: securityId, ticker, price.")] = None,
    tenant: Tenant = DEFAULT_TENANT,
    as_json: AsJson = False,
) -> None:
    """Import holdings and prices for the built-in provider, both files or neither."""
    from steelyard.models import built_in, importing  # noqa: PLC0415

    if holdings is None and securities is None:
        raise InvalidInputError("nothing to import; give --holdings, --securities or both")
    accounts = [] if holdings is None else importing.accounts_from(importing.read_file(holdings))
    prices = [] if securities is None else importing.securities_from(importing.read_file(securities))

    async def store(_: ModelParts, database: Database) -> None:
        async with database.transaction() as session:
            await built_in.save_securities(session, _operator(tenant), prices)
            await built_in.save_accounts(session, _operator(tenant), accounts)

    _with_parts(store)
    if as_json:
        print_json({"portfolios": len(accounts), "securities": len(prices)})
    else:
        typer.echo(f"{len(accounts):,} portfolios and {len(prices):,} securities imported")


@models_app.command()
def delete(
    which: Which,
    version: Annotated[int, typer.Option(help="The version that you saw; another one is refused.")],
    tenant: Tenant = DEFAULT_TENANT,
    as_json: AsJson = False,
) -> None:
    """Delete a model; the records of its rebalances stay."""
    from steelyard.models.service import delete_model  # noqa: PLC0415

    async def forget(parts: ModelParts, _: Database) -> Model:
        model = await _find(parts, tenant, which)
        await delete_model(parts.store, _operator(tenant), model.model_id, version)
        return model

    model = _with_parts(forget)
    if as_json:
        print_json({"deleted": model.model_id})
    else:
        typer.echo(f"{model.name} is deleted")


def rebalance(
    which: Which,
    portfolio: Annotated[str | None, typer.Option(help="This portfolio only.")] = None,
    options: Annotated[str | None, typer.Option(help="JSON, as the body of POST .../rebalance.")] = None,
    tenant: Tenant = DEFAULT_TENANT,
    as_json: AsJson = False,
) -> None:
    """Make orders for the portfolios of a model and store the record; nothing is sent anywhere."""
    from steelyard.models.rebalancing import Ask, rebalance_model, rebalance_portfolio  # noqa: PLC0415
    from steelyard.models.schemas import RebalanceBody  # noqa: PLC0415
    from steelyard.models.views import rebalance_view  # noqa: PLC0415

    ask = Ask(_read_json(RebalanceBody, options or "{}", "--options").over)

    async def work(parts: ModelParts, _: Database) -> Answer:
        model_id = (await _find(parts, tenant, which)).model_id
        if portfolio is None:
            return await rebalance_model(parts, _operator(tenant), model_id, ask)
        return await rebalance_portfolio(parts, _operator(tenant), portfolio, model_id, ask)

    answer = _with_parts(work)
    views = [] if answer.record is None else [rebalance_view(answer.record, result) for result in answer.results]
    if as_json:
        print_json(views)
    else:
        _print_orders(views)


def _print_orders(views: list[dict[str, Any]]) -> None:
    table = table_of("Portfolio", "Side", "Security", "Quantity", "Reason")
    for view in views:
        if "error" in view:
            table.add_row(view["portfolioId"], "-", "-", "-", view["error"]["message"], style="red")
            continue
        notes = {drift["securityId"]: drift["note"] for drift in view["drifts"]}
        for order in view["transactions"]:
            security_id = order["securityId"]
            values = (order["transactionType"], security_id, f"{order['quantity']:,}", notes[security_id])
            table.add_row(view["portfolioId"], *values)
    console = Console()
    console.print(table)
    orders = sum(len(view.get("transactions", ())) for view in views)
    failed = sum("error" in view for view in views)
    record = f"; record {views[0]['rebalanceId']}" if views else ""
    console.print(f"{len(views):,} portfolios, {orders:,} orders, {failed:,} failed{record}", highlight=False)


def _with_parts(work: Callable[[ModelParts, Database], Awaitable[Made]]) -> Made:
    """``work`` with the store and the providers of the settings, closed afterwards."""

    async def go() -> Made:
        from steelyard.infra.database import Database  # noqa: PLC0415
        from steelyard.infra.migrations import upgrade  # noqa: PLC0415
        from steelyard.infra.settings import get_settings  # noqa: PLC0415
        from steelyard.models.composition import model_parts  # noqa: PLC0415

        settings = get_settings()
        database = Database(settings)
        try:
            if database.is_sqlite:  # embedded: nobody else upgrades it
                await upgrade(database)
            async with model_parts(settings, database) as parts:
                return await work(parts, database)
        finally:
            await database.dispose()

    return asyncio.run(go())


async def _find(parts: ModelParts, tenant: str, which: str) -> Model:
    for model in await parts.store.list_models(tenant):
        if which in {model.name, model.model_id}:
            return model
    raise NotFoundError(f"there is no model {which!r}; `steelyard models list` shows them", code="MODEL_NOT_FOUND")


def _read_models(path: Path) -> list[Model]:
    from steelyard.models.schemas import ModelsFile  # noqa: PLC0415

    try:
        text = path.read_bytes()
    except OSError as failure:
        raise InvalidInputError(f"{path} cannot be read: {failure.strerror}", code="FILE_UNREADABLE") from None
    bodies = _read_json(ModelsFile, text, str(path)).root
    return [body.to_model() for body in (bodies if isinstance(bodies, list) else [bodies])]


def _read_json(kind: type[Body], text: str | bytes, where: str) -> Body:
    """A body as HTTP would read it; the refusal says where it came from."""
    from pydantic import ValidationError  # noqa: PLC0415

    from steelyard.models.exact_json import parse_exact  # noqa: PLC0415

    try:
        return kind.model_validate(parse_exact(text))
    except json.JSONDecodeError as failure:
        raise InvalidInputError(f"{where} is no JSON: {failure}", code="FILE_MALFORMED") from None
    except ValidationError as refused:
        first = refused.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InvalidInputError(f"{where}: `{place}`: {first['msg']}", code="VALIDATION_ERROR") from None


def _operator(tenant: str) -> Principal:
    return Principal(tenant, "cli", frozenset({"models:read", "models:write"}))
