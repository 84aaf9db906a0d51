"""Where models and the records of their rebalances are kept: one port, on SQL or on MongoDB.

Each method that writes is one atomic change of its own: a rebalance talks to other services for
seconds, and no transaction waits for them.  A change of a model is a compare-and-set on its
version; who loses is told, and nothing is overwritten.

A record is also the entry of its idempotency key: the key is unique among the records of its
route, and a repeated request is answered from the record.  So a record and its key cannot part,
on a store without transactions over several documents either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

from steelyard.core.errors import ConflictError
from steelyard.infra.principal import Principal
from steelyard.models.document import Model

SORT_FIELDS = ("name", "model_id", "last_rebalance_date", "version")
"""What a list of models may be ordered by."""


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """What makes a repeated request the same one.

    Attributes:
        route: with the id in it; a key is free again on another one.
        request_hash: of what the same key must always come with.
    """

    route: str
    key: str
    request_hash: str


@dataclass(frozen=True, slots=True)
class PortfolioResult:
    """What a rebalance came to for one portfolio: orders, or a failure.

    Attributes:
        place: among the portfolios of the rebalance, from 0.
        positions: JSON-ready, in the order of the drifts; empty for a failure.
        error: ``code, message, details``; None for orders.
    """

    portfolio_id: str
    place: int
    portfolio_name: str | None = None
    market_value: Decimal | None = None
    cash_before: Decimal | None = None
    cash_after: Decimal | None = None
    positions: tuple[Mapping[str, Any], ...] = ()
    error: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class RebalanceRecord:
    """A rebalance that was stored; its results are read apart.

    Attributes:
        trade_date: of every transaction.
        number_of_portfolios: those with orders, not the failed ones.
        options: JSON-ready, as they were used.
        version: for optimistic locking of its deletion.
    """

    rebalance_id: str
    model_id: str
    model_name: str
    rebalance_date: datetime
    trade_date: date
    number_of_portfolios: int
    options: Mapping[str, Any] = field(default_factory=dict)
    version: int = 1
    key: IdempotencyKey | None = None


class ModelStore(Protocol):
    """Models and records of one installation; every row belongs to a tenant."""

    async def start(self) -> None:
        """Make ready what the store needs, and finish what a crash left half done."""

    async def check(self) -> None:
        """Ask for a sign of life.

        Raises:
            UnavailableError: it does not answer.
        """

    async def stop(self) -> None:
        """Close every connection."""

    async def create(self, by: Principal, model: Model) -> Model:
        """Keep a new model, under an id of its own.

        Raises:
            ConflictError: the name is taken.
        """

    async def find(self, tenant: str, model_id: str) -> Model | None:
        """The model, or None."""

    async def list_models(
        self, tenant: str, *, offset: int = 0, limit: int | None = None, sort_by: Sequence[str] = ()
    ) -> list[Model]:
        """Models, oldest first or by ``sort_by`` of :data:`SORT_FIELDS`."""

    async def followed_by(self, tenant: str, portfolio_id: str) -> list[Model]:
        """The models that a portfolio follows, oldest first."""

    async def replace(self, by: Principal, model: Model, *, rebalanced: datetime | None = None) -> Model | None:
        """Keep ``model`` in place of its version, counting up; None if that version is not there any more.

        ``rebalanced`` moves the date of the last rebalance forward, never back.

        Raises:
            ConflictError: the name is taken.
        """

    async def delete(self, by: Principal, model_id: str, version: int) -> bool:
        """Forget a model; False if that version is not there any more.  Its records stay."""

    async def save_rebalance(self, by: Principal, record: RebalanceRecord, results: Sequence[PortfolioResult]) -> bool:
        """Keep a record, then the date of the model's last rebalance; False, and no effect, if its key is taken."""

    async def mark_rebalanced(self, by: Principal, model_id: str, rebalanced: datetime) -> None:
        """Move the date of a model's last rebalance forward, never back; nothing happens if there is no such model."""

    async def find_rebalance(self, tenant: str, rebalance_id: str) -> RebalanceRecord | None:
        """The record, or None."""

    async def find_by_key(self, tenant: str, route: str, key: str) -> RebalanceRecord | None:
        """The record that a key led to, or None."""

    async def list_rebalances(self, tenant: str, *, offset: int = 0, limit: int) -> list[RebalanceRecord]:
        """Records, newest first."""

    async def rebalances_of(self, tenant: str, portfolio_ids: Sequence[str], *, limit: int) -> list[RebalanceRecord]:
        """Records with orders for any of these portfolios, newest first."""

    async def results_of(
        self, tenant: str, rebalance_id: str, portfolio_ids: Sequence[str] | None = None
    ) -> list[PortfolioResult]:
        """What a record's portfolios came to, failures included, by place; of these portfolios only, if given."""

    async def delete_rebalance(self, by: Principal, rebalance_id: str, version: int) -> bool:
        """Forget a record and its key; False if that version is not there any more."""


def name_taken(name: str) -> ConflictError:
    """The refusal of a second model of one name."""
    return ConflictError(f"there is a model named {name!r} already", code="MODEL_NAME_TAKEN", details={"name": name})
