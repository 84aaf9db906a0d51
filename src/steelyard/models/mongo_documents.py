"""The documents of the MongoDB store: collections, indexes, and numbers as Decimal128.

Source: requirement 001, "Data Model".  Every document also has a tenant, so the unique index of
names is one per tenant.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from beanie import Document, PydanticObjectId
from beanie.odm.custom_types.decimal import DecimalAnnotation
from bson import Decimal128
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pymongo import ASCENDING, DESCENDING, IndexModel

from steelyard.models.document import Model, Position
from steelyard.models.option_json import options_from_json, options_to_json

_CAMEL = ConfigDict(alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)


class PositionPart(BaseModel):
    """A position inside its model."""

    model_config = _CAMEL

    security_id: str
    target: DecimalAnnotation
    high_drift: DecimalAnnotation
    low_drift: DecimalAnnotation


class ModelDocument(Document):
    """A model."""

    model_config = _CAMEL

    id: Annotated[PydanticObjectId | None, Field(alias="_id")] = None
    tenant: str
    name: str
    positions: list[PositionPart]
    portfolios: list[str]
    last_rebalance_date: datetime | None
    version: int
    options: dict[str, Any]

    class Settings:
        """Name and indexes."""

        name = "models"
        indexes: ClassVar = [
            IndexModel([("tenant", ASCENDING), ("name", ASCENDING)], unique=True, name="name_unique"),
            IndexModel([("tenant", ASCENDING), ("portfolios", ASCENDING)], name="portfolios_multikey"),
            IndexModel([("positions.securityId", ASCENDING)], sparse=True, name="security_sparse"),
        ]

    def to_model(self) -> Model:
        """The model."""
        return Model(
            name=self.name,
            positions=tuple(
                Position(one.security_id, one.target, high_drift=one.high_drift, low_drift=one.low_drift)
                for one in self.positions
            ),
            portfolios=tuple(self.portfolios),
            model_id=str(self.id),
            last_rebalance_date=self.last_rebalance_date,
            version=self.version,
            options=options_from_json(self.options),
        )


class RebalanceDocument(Document):
    """The head of a record.

    ``stored`` turns true when all of its results are there: from then on the record exists.
    ``unfinished`` is there until the model's date is set too, so that a start finds what a crash left.
    """

    model_config = _CAMEL

    id: Annotated[PydanticObjectId | None, Field(alias="_id")] = None
    tenant: str
    model_id: PydanticObjectId
    model_name: str
    rebalance_date: datetime
    trade_date: str
    number_of_portfolios: int
    options: dict[str, Any]
    version: int
    stored: bool
    idempotency: dict[str, str] | None = None

    class Settings:
        """Name and indexes."""

        name = "rebalances"
        indexes: ClassVar = [
            IndexModel([("tenant", ASCENDING), ("_id", DESCENDING)], name="newest_first"),
            IndexModel([("unfinished", ASCENDING)], sparse=True, name="unfinished_sparse"),
            IndexModel(
                [("tenant", ASCENDING), ("idempotency.route", ASCENDING), ("idempotency.key", ASCENDING)],
                unique=True,
                partialFilterExpression={"idempotency.key": {"$exists": True}},
                name="idempotency_unique",
            ),
        ]


class ResultDocument(Document):
    """What a rebalance came to for one portfolio.

    Its amounts are text: a product of two Decimal128 may have more digits than one holds.
    """

    model_config = _CAMEL

    tenant: str
    rebalance_id: PydanticObjectId
    place: int
    portfolio_id: str
    portfolio_name: str | None
    market_value: Decimal | None
    cash_before: Decimal | None
    cash_after: Decimal | None
    positions: list[dict[str, Any]]
    error: dict[str, Any] | None

    class Settings:
        """Name and indexes."""

        name = "rebalance_portfolios"
        indexes: ClassVar = [
            IndexModel([("rebalanceId", ASCENDING), ("place", ASCENDING)], unique=True, name="place_unique"),
            IndexModel(
                [("tenant", ASCENDING), ("portfolioId", ASCENDING), ("rebalanceId", DESCENDING)], name="portfolio"
            ),
        ]


class AuditDocument(Document):
    """Who did what to which model or record."""

    at: datetime
    tenant: str
    actor: str
    action: str
    object_id: str
    details: dict[str, Any]

    class Settings:
        """Name and indexes."""

        name = "audit_events"
        indexes: ClassVar = [IndexModel([("tenant", ASCENDING), ("object_id", ASCENDING)], name="object")]


DOCUMENTS = (ModelDocument, RebalanceDocument, ResultDocument, AuditDocument)


def model_from(document: Mapping[str, Any]) -> Model:
    """The model of a document as the driver gives it."""
    read: ModelDocument = ModelDocument.model_validate(document)
    return read.to_model()


def changeable_fields(model: Model) -> dict[str, Any]:
    """The fields of a model that a writer decides, as BSON-ready values."""
    return {
        "name": model.name,
        "positions": [
            {
                "securityId": position.security_id,
                "target": Decimal128(position.target),
                "highDrift": Decimal128(position.high_drift),
                "lowDrift": Decimal128(position.low_drift),
            }
            for position in model.positions
        ],
        "portfolios": list(model.portfolios),
        "options": options_to_json(model.options),
    }
