"""The model store on SQLite and PostgreSQL: each method is one transaction, its audit event included."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, and_, case, delete, func, insert, literal, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from steelyard.core.ids import new_hex_id
from steelyard.infra.audit import record as note
from steelyard.infra.columns import UtcDateTime
from steelyard.infra.database import Database
from steelyard.infra.principal import Principal
from steelyard.models.document import Model, Position
from steelyard.models.option_json import options_from_json, options_to_json
from steelyard.models.stores import IdempotencyKey, ModelStore, PortfolioResult, RebalanceRecord, name_taken
from steelyard.models.tables import FollowerRow, ModelRow, PositionRow, RebalanceRow, ResultRow

ROWS_PER_STATEMENT = 5_000
IDS_PER_QUERY = 500

_SORT_COLUMNS = {
    "name": ModelRow.name,
    "model_id": ModelRow.id,
    "last_rebalance_date": ModelRow.last_rebalance_date,
    "version": ModelRow.version,
}


class SqlModelStore(ModelStore):
    """Models and records in our own database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def start(self) -> None:
        """Nothing to do: migrations make the tables, and a transaction leaves nothing half done."""

    @override
    async def check(self) -> None:
        """Ask the database for a sign of life."""
        await self._database.check()

    @override
    async def stop(self) -> None:
        """Nothing to do: the database is closed by who opened it."""

    @override
    async def create(self, by: Principal, model: Model) -> Model:
        made = replace(model, model_id=new_hex_id(), version=1)
        try:
            async with self._database.transaction() as session:
                row = ModelRow(
                    id=made.model_id,
                    tenant=by.tenant,
                    name=made.name,
                    options=options_to_json(made.options),
                    last_rebalance_date=made.last_rebalance_date,
                    version=1,
                )
                session.add(row)
                await session.flush()
                await _write_positions(session, made)
                await _write_followers(session, made.model_id, (), made.portfolios)
                note(session, by, "model.create", made.model_id, {"name": made.name})
        except IntegrityError:
            raise name_taken(made.name) from None
        return made

    @override
    async def find(self, tenant: str, model_id: str) -> Model | None:
        async with self._database.reading() as session:
            return await _find(session, tenant, model_id)

    @override
    async def list_models(
        self, tenant: str, *, offset: int = 0, limit: int | None = None, sort_by: Sequence[str] = ()
    ) -> list[Model]:
        order = [_SORT_COLUMNS[name].asc().nulls_first() for name in sort_by]
        query = select(ModelRow).where(ModelRow.tenant == tenant).order_by(*order, ModelRow.id)
        async with self._database.reading() as session:
            rows = (await session.scalars(query.offset(offset).limit(limit))).all()
            return await _models(session, rows)

    @override
    async def followed_by(self, tenant: str, portfolio_id: str) -> list[Model]:
        follows = select(FollowerRow.model_id).where(FollowerRow.portfolio_id == portfolio_id)
        query = select(ModelRow).where(ModelRow.tenant == tenant, ModelRow.id.in_(follows)).order_by(ModelRow.id)
        async with self._database.reading() as session:
            return await _models(session, (await session.scalars(query)).all())

    @override
    async def replace(self, by: Principal, model: Model, *, rebalanced: datetime | None = None) -> Model | None:
        values: dict[str, Any] = {"name": model.name, "options": options_to_json(model.options)}
        values["version"] = model.version + 1
        if rebalanced is not None:
            values["last_rebalance_date"] = _later(rebalanced)
        there = _is_version(ModelRow, by.tenant, model.model_id, model.version)
        try:
            async with self._database.transaction() as session:
                before = await _find(session, by.tenant, model.model_id)
                won = await session.scalar(update(ModelRow).where(there).values(**values).returning(ModelRow.id))
                if won is None or before is None:
                    return None
                if before.positions != model.positions:
                    await session.execute(delete(PositionRow).where(PositionRow.model_id == model.model_id))
                    await _write_positions(session, model)
                await _write_followers(session, model.model_id, before.portfolios, model.portfolios)
                note(session, by, "model.replace", model.model_id, {"version": values["version"]})
                return await _find(session, by.tenant, model.model_id)
        except IntegrityError:
            raise name_taken(model.name) from None

    @override
    async def delete(self, by: Principal, model_id: str, version: int) -> bool:
        async with self._database.transaction() as session:
            gone = delete(ModelRow).where(_is_version(ModelRow, by.tenant, model_id, version)).returning(ModelRow.id)
            if await session.scalar(gone) is None:
                return False
            note(session, by, "model.delete", model_id, {"version": version})
            return True

    @override
    async def save_rebalance(self, by: Principal, record: RebalanceRecord, results: Sequence[PortfolioResult]) -> bool:
        try:
            async with self._database.transaction() as session:
                session.add(_record_row(by.tenant, record))
                await session.flush()
                rows = [_result_values(record.rebalance_id, result) for result in results]
                await _insert(session, ResultRow, rows)
                await _mark_rebalanced(session, by.tenant, record.model_id, record.rebalance_date)
                facts = {"modelId": record.model_id, "portfolios": record.number_of_portfolios}
                note(session, by, "model.rebalance", record.rebalance_id, facts)
        except IntegrityError:
            return False
        return True

    @override
    async def mark_rebalanced(self, by: Principal, model_id: str, rebalanced: datetime) -> None:
        async with self._database.transaction() as session:
            await _mark_rebalanced(session, by.tenant, model_id, rebalanced)

    @override
    async def find_rebalance(self, tenant: str, rebalance_id: str) -> RebalanceRecord | None:
        return await self._record(RebalanceRow.tenant == tenant, RebalanceRow.id == rebalance_id)

    @override
    async def find_by_key(self, tenant: str, route: str, key: str) -> RebalanceRecord | None:
        mine = (RebalanceRow.tenant == tenant, RebalanceRow.route == route, RebalanceRow.idempotency_key == key)
        return await self._record(*mine)

    @override
    async def list_rebalances(self, tenant: str, *, offset: int = 0, limit: int) -> list[RebalanceRecord]:
        query = select(RebalanceRow).where(RebalanceRow.tenant == tenant).order_by(RebalanceRow.id.desc())
        async with self._database.reading() as session:
            return [_record(row) for row in await session.scalars(query.offset(offset).limit(limit))]

    @override
    async def rebalances_of(self, tenant: str, portfolio_ids: Sequence[str], *, limit: int) -> list[RebalanceRecord]:
        found: dict[str, RebalanceRow] = {}
        async with self._database.reading() as session:
            for some in _chunks(portfolio_ids, IDS_PER_QUERY):
                having = select(ResultRow.rebalance_id).where(
                    ResultRow.portfolio_id.in_(some), ResultRow.error.is_(None)
                )
                query = select(RebalanceRow).where(RebalanceRow.tenant == tenant, RebalanceRow.id.in_(having))
                rows = await session.scalars(query.order_by(RebalanceRow.id.desc()).limit(limit))
                found |= {row.id: row for row in rows}
        return [_record(found[rebalance_id]) for rebalance_id in sorted(found, reverse=True)[:limit]]

    @override
    async def results_of(
        self, tenant: str, rebalance_id: str, portfolio_ids: Sequence[str] | None = None
    ) -> list[PortfolioResult]:
        mine = select(RebalanceRow.id).where(RebalanceRow.tenant == tenant, RebalanceRow.id == rebalance_id)
        query = select(ResultRow).where(ResultRow.rebalance_id.in_(mine)).order_by(ResultRow.place)
        async with self._database.reading() as session:
            if portfolio_ids is None:
                return [_result(row) for row in await session.scalars(query)]
            results = []
            for some in _chunks(portfolio_ids, IDS_PER_QUERY):
                rows = await session.scalars(query.where(ResultRow.portfolio_id.in_(some)))
                results += [_result(row) for row in rows]
            return sorted(results, key=lambda result: result.place)

    @override
    async def delete_rebalance(self, by: Principal, rebalance_id: str, version: int) -> bool:
        there = _is_version(RebalanceRow, by.tenant, rebalance_id, version)
        async with self._database.transaction() as session:
            if await session.scalar(delete(RebalanceRow).where(there).returning(RebalanceRow.id)) is None:
                return False
            note(session, by, "rebalance.delete", rebalance_id, {"version": version})
            return True

    async def _record(self, *conditions: ColumnElement[bool]) -> RebalanceRecord | None:
        async with self._database.reading() as session:
            row = await session.scalar(select(RebalanceRow).where(*conditions))
            return None if row is None else _record(row)


def _is_version(table: type[ModelRow | RebalanceRow], tenant: str, row_id: str, version: int) -> ColumnElement[bool]:
    return and_(table.tenant == tenant, table.id == row_id, table.version == version)


async def _mark_rebalanced(session: AsyncSession, tenant: str, model_id: str, rebalanced: datetime) -> None:
    model = and_(ModelRow.tenant == tenant, ModelRow.id == model_id)
    await session.execute(update(ModelRow).where(model).values(last_rebalance_date=_later(rebalanced)))


def _later(moment: datetime) -> ColumnElement[Any]:
    """``moment`` or what is stored, whichever is later."""
    stored = ModelRow.last_rebalance_date
    given = literal(moment, UtcDateTime)
    return case((or_(stored.is_(None), stored < given), given), else_=stored)


async def _find(session: AsyncSession, tenant: str, model_id: str) -> Model | None:
    query = select(ModelRow).where(ModelRow.tenant == tenant, ModelRow.id == model_id)
    models = await _models(session, (await session.scalars(query.execution_options(populate_existing=True))).all())
    return models[0] if models else None


async def _models(session: AsyncSession, rows: Sequence[ModelRow]) -> list[Model]:
    """The rows with their positions and portfolios, read with a few queries and not a few for each."""
    positions: dict[str, list[Position]] = {row.id: [] for row in rows}
    followers: dict[str, list[str]] = {row.id: [] for row in rows}
    for some in _chunks(list(positions), IDS_PER_QUERY):
        query = select(PositionRow).where(PositionRow.model_id.in_(some)).order_by(PositionRow.place)
        for one in await session.scalars(query.execution_options(populate_existing=True)):
            positions[one.model_id].append(Position(one.security_id, one.target, one.high_drift, one.low_drift))
        columns = select(FollowerRow.model_id, FollowerRow.portfolio_id).where(FollowerRow.model_id.in_(some))
        for model_id, portfolio_id in await session.execute(columns.order_by(FollowerRow.place)):
            followers[model_id].append(portfolio_id)
    return [
        Model(
            name=row.name,
            positions=tuple(positions[row.id]),
            portfolios=tuple(followers[row.id]),
            model_id=row.id,
            last_rebalance_date=row.last_rebalance_date,
            version=row.version,
            options=options_from_json(row.options),
        )
        for row in rows
    ]


async def _write_positions(session: AsyncSession, model: Model) -> None:
    rows = [
        {
            "model_id": model.model_id,
            "security_id": position.security_id,
            "place": place,
            "target": position.target,
            "high_drift": position.high_drift,
            "low_drift": position.low_drift,
        }
        for place, position in enumerate(model.positions)
    ]
    await _insert(session, PositionRow, rows)


async def _write_followers(
    session: AsyncSession, model_id: str, before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    """Write what changed: of a hundred thousand followers one may join or leave."""
    wanted = set(after)
    staying = tuple(portfolio_id for portfolio_id in before if portfolio_id in wanted)
    if after[: len(staying)] != staying:  # in another order: all anew
        staying = ()
    kept = set(staying)
    leaving = [portfolio_id for portfolio_id in before if portfolio_id not in kept]
    mine = FollowerRow.model_id == model_id
    for some in _chunks(leaving, IDS_PER_QUERY):
        await session.execute(delete(FollowerRow).where(mine, FollowerRow.portfolio_id.in_(some)))
    joining = after[len(staying) :]
    if joining:
        last = await session.scalar(select(func.max(FollowerRow.place)).where(mine))
        first = 0 if last is None else last + 1
        rows = [
            {"model_id": model_id, "portfolio_id": portfolio_id, "place": place}
            for place, portfolio_id in enumerate(joining, start=first)
        ]
        await _insert(session, FollowerRow, rows)


async def _insert(session: AsyncSession, table: Any, rows: Sequence[dict[str, Any]]) -> None:
    for some in _chunks(rows, ROWS_PER_STATEMENT):
        await session.execute(insert(table), some)


def _record_row(tenant: str, record: RebalanceRecord) -> RebalanceRow:
    return RebalanceRow(
        id=record.rebalance_id,
        tenant=tenant,
        model_id=record.model_id,
        model_name=record.model_name,
        rebalance_date=record.rebalance_date,
        trade_date=record.trade_date,
        number_of_portfolios=record.number_of_portfolios,
        options=dict(record.options),
        version=record.version,
        route=record.key.route if record.key else None,
        idempotency_key=record.key.key if record.key else None,
        request_hash=record.key.request_hash if record.key else None,
    )


def _record(row: RebalanceRow) -> RebalanceRecord:
    key = None
    if row.route is not None and row.idempotency_key is not None:
        key = IdempotencyKey(row.route, row.idempotency_key, row.request_hash or "")
    return RebalanceRecord(
        rebalance_id=row.id,
        model_id=row.model_id,
        model_name=row.model_name,
        rebalance_date=row.rebalance_date,
        trade_date=row.trade_date,
        number_of_portfolios=row.number_of_portfolios,
        options=row.options,
        version=row.version,
        key=key,
    )


def _result_values(rebalance_id: str, result: PortfolioResult) -> dict[str, Any]:
    return {
        "rebalance_id": rebalance_id,
        "place": result.place,
        "portfolio_id": result.portfolio_id,
        "portfolio_name": result.portfolio_name,
        "market_value": result.market_value,
        "cash_before": result.cash_before,
        "cash_after": result.cash_after,
        "positions": orjson.dumps(result.positions).decode(),
        "error": None if result.error is None else orjson.dumps(result.error).decode(),
    }


def _result(row: ResultRow) -> PortfolioResult:
    return PortfolioResult(
        portfolio_id=row.portfolio_id,
        place=row.place,
        portfolio_name=row.portfolio_name,
        market_value=row.market_value,
        cash_before=row.cash_before,
        cash_after=row.cash_after,
        positions=tuple(orjson.loads(row.positions)),
        error=None if row.error is None else orjson.loads(row.error),
    )


def _chunks(values: Iterable[Any], size: int) -> Iterable[list[Any]]:
    listed = list(values)
    return (listed[start : start + size] for start in range(0, len(listed), size))
