"""The model store on MongoDB: one document is one atomic change, whether or not there is a replica set.

A record has many documents, so it comes into being in steps that a crash may interrupt anywhere:
its head, not yet ``stored``; its results; then one update that makes it ``stored`` and claims its
idempotency key; then the model's date.  Before the update nobody sees it, and a later start removes
it; after it, a start sets the date that is still due.  So nothing is lost and nothing is doubled.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Concatenate, ParamSpec, TypeVar

from beanie import init_beanie
from beanie.odm.enums import SortDirection
from bson import ObjectId
from pymongo import AsyncMongoClient, ReturnDocument
from pymongo.errors import ConnectionFailure, DuplicateKeyError, PyMongoError
from typing_extensions import override

from steelyard.core import clock
from steelyard.core.errors import UnavailableError
from steelyard.core.ids import new_hex_id
from steelyard.infra.principal import Principal
from steelyard.models.document import Model
from steelyard.models.mongo_documents import (
    DOCUMENTS,
    AuditDocument,
    ModelDocument,
    RebalanceDocument,
    ResultDocument,
    changeable_fields,
    model_from,
)
from steelyard.models.stores import IdempotencyKey, ModelStore, PortfolioResult, RebalanceRecord, name_taken

ANSWER_WITHIN_S = 5.0
"""How long a request waits for a server to talk to, in seconds."""
ABANDONED_AFTER = timedelta(hours=1)
"""A record that is still being written after so long is one whose writer died."""
RESULTS_PER_INSERT = 500

_UP, _DOWN = SortDirection.ASCENDING, SortDirection.DESCENDING
_SORT_NAMES = {"name": "name", "model_id": "_id", "last_rebalance_date": "lastRebalanceDate", "version": "version"}

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")
Method = Callable[Concatenate["MongoModelStore", Arguments], Coroutine[Any, Any, Answer]]


def _or_unavailable(method: Method[Arguments, Answer]) -> Method[Arguments, Answer]:
    """``method``, which says so if the server does not answer."""

    @functools.wraps(method)
    async def guarded(store: MongoModelStore, /, *arguments: Arguments.args, **named: Arguments.kwargs) -> Answer:
        try:
            return await method(store, *arguments, **named)
        except ConnectionFailure as failure:
            raise UnavailableError("the model database does not answer", code="DATABASE_UNAVAILABLE") from failure

    return guarded


class MongoModelStore(ModelStore):
    """Models and records in a MongoDB database."""

    def __init__(self, url: str, database: str) -> None:
        self._client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
            url, tz_aware=True, appname="steelyard", serverSelectionTimeoutMS=int(1000 * ANSWER_WITHIN_S)
        )
        self._database = self._client[database]
        self._models = self._database["models"]
        self._heads = self._database["rebalances"]
        self._results = self._database["rebalance_portfolios"]

    @override
    @_or_unavailable
    async def start(self) -> None:
        await init_beanie(database=self._database, document_models=list(DOCUMENTS))
        async for head in self._heads.find({"unfinished": True, "stored": True}):
            await self._finish(head)
        oldest = ObjectId(new_hex_id(clock.now() - ABANDONED_AFTER))
        async for head in self._heads.find({"unfinished": True, "stored": False, "_id": {"$lt": oldest}}):
            await self._discard(head["_id"])

    @override
    async def check(self) -> None:
        try:
            await self._client.admin.command("ping")
        except PyMongoError as failure:
            raise UnavailableError("the model database does not answer", code="DATABASE_UNAVAILABLE") from failure

    @override
    async def stop(self) -> None:
        await self._client.close()

    @override
    @_or_unavailable
    async def create(self, by: Principal, model: Model) -> Model:
        made_id = new_hex_id()
        document = {"_id": ObjectId(made_id), "tenant": by.tenant, "version": 1, **changeable_fields(model)}
        document["lastRebalanceDate"] = model.last_rebalance_date
        try:
            await self._models.insert_one(document)
        except DuplicateKeyError:
            raise name_taken(model.name) from None
        await _note(by, "model.create", made_id, {"name": model.name})
        return model_from(document)

    @override
    @_or_unavailable
    async def find(self, tenant: str, model_id: str) -> Model | None:
        found = await ModelDocument.find_one({"_id": ObjectId(model_id), "tenant": tenant})
        return None if found is None else found.to_model()

    @override
    @_or_unavailable
    async def list_models(
        self, tenant: str, *, offset: int = 0, limit: int | None = None, sort_by: Sequence[str] = ()
    ) -> list[Model]:
        order = [(_SORT_NAMES[name], _UP) for name in dict.fromkeys([*sort_by, "model_id"])]
        found = ModelDocument.find({"tenant": tenant}).sort(order).skip(offset).limit(limit or 0)
        return [document.to_model() async for document in found]

    @override
    @_or_unavailable
    async def followed_by(self, tenant: str, portfolio_id: str) -> list[Model]:
        found = ModelDocument.find({"tenant": tenant, "portfolios": portfolio_id}).sort([("_id", _UP)])
        return [document.to_model() async for document in found]

    @override
    @_or_unavailable
    async def replace(self, by: Principal, model: Model, *, rebalanced: datetime | None = None) -> Model | None:
        there = {"_id": ObjectId(model.model_id), "tenant": by.tenant, "version": model.version}
        change: dict[str, Any] = {"$set": changeable_fields(model), "$inc": {"version": 1}}
        if rebalanced is not None:
            change["$max"] = {"lastRebalanceDate": rebalanced}
        try:
            found = await self._models.find_one_and_update(there, change, return_document=ReturnDocument.AFTER)
        except DuplicateKeyError:
            raise name_taken(model.name) from None
        if found is None:
            return None
        await _note(by, "model.replace", model.model_id, {"version": found["version"]})
        return model_from(found)

    @override
    @_or_unavailable
    async def delete(self, by: Principal, model_id: str, version: int) -> bool:
        there = {"_id": ObjectId(model_id), "tenant": by.tenant, "version": version}
        if not (await self._models.delete_one(there)).deleted_count:
            return False
        await _note(by, "model.delete", model_id, {"version": version})
        return True

    @override
    @_or_unavailable
    async def save_rebalance(self, by: Principal, record: RebalanceRecord, results: Sequence[PortfolioResult]) -> bool:
        head = _head(by.tenant, record)
        await self._heads.insert_one(head)
        for start in range(0, len(results), RESULTS_PER_INSERT):
            some = results[start : start + RESULTS_PER_INSERT]
            await self._results.insert_many([_result_document(by.tenant, record, one) for one in some])
        made: dict[str, Any] = {"stored": True}
        if record.key is not None:
            key = record.key
            made["idempotency"] = {"route": key.route, "key": key.key, "requestHash": key.request_hash}
        try:
            await self._heads.update_one({"_id": head["_id"]}, {"$set": made})
        except DuplicateKeyError:
            await self._discard(head["_id"])
            return False
        await self._finish(head)
        facts = {"modelId": record.model_id, "portfolios": record.number_of_portfolios}
        await _note(by, "model.rebalance", record.rebalance_id, facts)
        return True

    @override
    @_or_unavailable
    async def mark_rebalanced(self, by: Principal, model_id: str, rebalanced: datetime) -> None:
        await self._mark(by.tenant, ObjectId(model_id), rebalanced)

    @override
    @_or_unavailable
    async def find_rebalance(self, tenant: str, rebalance_id: str) -> RebalanceRecord | None:
        return await _record_where({"_id": ObjectId(rebalance_id), "tenant": tenant})

    @override
    @_or_unavailable
    async def find_by_key(self, tenant: str, route: str, key: str) -> RebalanceRecord | None:
        return await _record_where({"tenant": tenant, "idempotency.route": route, "idempotency.key": key})

    @override
    @_or_unavailable
    async def list_rebalances(self, tenant: str, *, offset: int = 0, limit: int) -> list[RebalanceRecord]:
        found = RebalanceDocument.find({"tenant": tenant, "stored": True}).sort([("_id", _DOWN)])
        return [_record(document) async for document in found.skip(offset).limit(limit)]

    @override
    @_or_unavailable
    async def rebalances_of(self, tenant: str, portfolio_ids: Sequence[str], *, limit: int) -> list[RebalanceRecord]:
        having = {"tenant": tenant, "portfolioId": {"$in": list(portfolio_ids)}, "error": None}
        ids = await self._results.distinct("rebalanceId", having)
        found = RebalanceDocument.find({"tenant": tenant, "stored": True, "_id": {"$in": ids}})
        return [_record(document) async for document in found.sort([("_id", _DOWN)]).limit(limit)]

    @override
    @_or_unavailable
    async def results_of(
        self, tenant: str, rebalance_id: str, portfolio_ids: Sequence[str] | None = None
    ) -> list[PortfolioResult]:
        wanted: dict[str, Any] = {"tenant": tenant, "rebalanceId": ObjectId(rebalance_id)}
        if portfolio_ids is not None:
            wanted["portfolioId"] = {"$in": list(portfolio_ids)}
        found = ResultDocument.find(wanted).sort([("place", _UP)])
        return [_result(document) async for document in found]

    @override
    @_or_unavailable
    async def delete_rebalance(self, by: Principal, rebalance_id: str, version: int) -> bool:
        head_id = ObjectId(rebalance_id)
        there = {"_id": head_id, "tenant": by.tenant, "version": version, "stored": True}
        hidden = await self._heads.update_one(there, {"$set": {"stored": False, "unfinished": True}})
        if not hidden.modified_count:
            return False
        await self._discard(head_id)
        await _note(by, "rebalance.delete", rebalance_id, {"version": version})
        return True

    async def _finish(self, head: Mapping[str, Any]) -> None:
        """What follows once a record is stored; doing it twice changes nothing."""
        await self._mark(head["tenant"], head["modelId"], head["rebalanceDate"])
        await self._heads.update_one({"_id": head["_id"]}, {"$unset": {"unfinished": ""}})

    async def _mark(self, tenant: str, model_id: ObjectId, rebalanced: datetime) -> None:
        await self._models.update_one({"_id": model_id, "tenant": tenant}, {"$max": {"lastRebalanceDate": rebalanced}})

    async def _discard(self, head_id: ObjectId) -> None:
        """Remove a record that nobody sees: its results first, so that a crash leaves the head to find them by."""
        await self._results.delete_many({"rebalanceId": head_id})
        await self._heads.delete_one({"_id": head_id})


async def _note(by: Principal, action: str, object_id: str, details: Mapping[str, Any]) -> None:
    event = AuditDocument(
        at=clock.now(), tenant=by.tenant, actor=by.subject, action=action, object_id=object_id, details=dict(details)
    )
    await event.insert()


async def _record_where(condition: Mapping[str, Any]) -> RebalanceRecord | None:
    found = await RebalanceDocument.find_one({**condition, "stored": True})
    return None if found is None else _record(found)


def _head(tenant: str, record: RebalanceRecord) -> dict[str, Any]:
    return {
        "_id": ObjectId(record.rebalance_id),
        "tenant": tenant,
        "modelId": ObjectId(record.model_id),
        "modelName": record.model_name,
        "rebalanceDate": record.rebalance_date,
        "tradeDate": record.trade_date.isoformat(),
        "numberOfPortfolios": record.number_of_portfolios,
        "options": dict(record.options),
        "version": record.version,
        "stored": False,
        "unfinished": True,
    }


def _record(head: RebalanceDocument) -> RebalanceRecord:
    key = head.idempotency
    return RebalanceRecord(
        rebalance_id=str(head.id),
        model_id=str(head.model_id),
        model_name=head.model_name,
        rebalance_date=head.rebalance_date,
        trade_date=date.fromisoformat(head.trade_date),
        number_of_portfolios=head.number_of_portfolios,
        options=head.options,
        version=head.version,
        key=None if key is None else IdempotencyKey(key["route"], key["key"], key["requestHash"]),
    )


def _result_document(tenant: str, record: RebalanceRecord, result: PortfolioResult) -> dict[str, Any]:
    return {
        "tenant": tenant,
        "rebalanceId": ObjectId(record.rebalance_id),
        "place": result.place,
        "portfolioId": result.portfolio_id,
        "portfolioName": result.portfolio_name,
        "marketValue": _text(result.market_value),
        "cashBefore": _text(result.cash_before),
        "cashAfter": _text(result.cash_after),
        "positions": [dict(position) for position in result.positions],
        "error": None if result.error is None else dict(result.error),
    }


def _result(document: ResultDocument) -> PortfolioResult:
    return PortfolioResult(
        portfolio_id=document.portfolio_id,
        place=document.place,
        portfolio_name=document.portfolio_name,
        market_value=document.market_value,
        cash_before=document.cash_before,
        cash_after=document.cash_after,
        positions=tuple(document.positions),
        error=document.error,
    )


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)
