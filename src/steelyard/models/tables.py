"""The tables of models and of the records of their rebalances.

A position's numbers are columns; what a rebalance came to for a portfolio is one row, its positions
JSON text: it is written once, read whole, and a book writes a hundred thousand of them.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, Date, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from steelyard.infra.columns import Base, ExactDecimal, UtcDateTime


class ModelRow(Base):
    """A model without its positions and portfolios."""

    __tablename__ = "models"
    __table_args__ = (UniqueConstraint("tenant", "name"),)

    id: Mapped[str] = mapped_column(String(24), primary_key=True)
    tenant: Mapped[str] = mapped_column(String(100))
    name: Mapped[str] = mapped_column(String(255))
    options: Mapped[dict[str, Any]] = mapped_column(JSON)
    last_rebalance_date: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(Integer)


class PositionRow(Base):
    """A position of a model."""

    __tablename__ = "model_positions"

    model_id: Mapped[str] = mapped_column(ForeignKey("models.id", ondelete="CASCADE"), primary_key=True)
    security_id: Mapped[str] = mapped_column(String(24), primary_key=True)
    place: Mapped[int] = mapped_column(Integer)
    target: Mapped[Decimal] = mapped_column(ExactDecimal)
    high_drift: Mapped[Decimal] = mapped_column(ExactDecimal)
    low_drift: Mapped[Decimal] = mapped_column(ExactDecimal)


class FollowerRow(Base):
    """A portfolio that follows a model."""

    __tablename__ = "model_portfolios"

    model_id: Mapped[str] = mapped_column(ForeignKey("models.id", ondelete="CASCADE"), primary_key=True)
    portfolio_id: Mapped[str] = mapped_column(String(64), primary_key=True, index=True)
    place: Mapped[int] = mapped_column(Integer)


class RebalanceRow(Base):
    """A record; ``route`` and ``idempotency_key`` are null where the request had no key."""

    __tablename__ = "rebalances"
    __table_args__ = (
        UniqueConstraint("tenant", "route", "idempotency_key"),
        Index("ix_rebalances_tenant_id", "tenant", "id"),
    )

    id: Mapped[str] = mapped_column(String(24), primary_key=True)
    tenant: Mapped[str] = mapped_column(String(100))
    model_id: Mapped[str] = mapped_column(String(24))
    model_name: Mapped[str] = mapped_column(String(255))
    rebalance_date: Mapped[datetime] = mapped_column(UtcDateTime)
    trade_date: Mapped[date] = mapped_column(Date)
    number_of_portfolios: Mapped[int] = mapped_column(Integer)
    options: Mapped[dict[str, Any]] = mapped_column(JSON)
    version: Mapped[int] = mapped_column(Integer)
    route: Mapped[str | None] = mapped_column(String(200))
    idempotency_key: Mapped[str | None] = mapped_column(String(200))
    request_hash: Mapped[str | None] = mapped_column(String(80))


class ResultRow(Base):
    """What a rebalance came to for one portfolio: orders, or an error."""

    __tablename__ = "rebalance_portfolios"

    rebalance_id: Mapped[str] = mapped_column(ForeignKey("rebalances.id", ondelete="CASCADE"), primary_key=True)
    place: Mapped[int] = mapped_column(Integer, primary_key=True)
    portfolio_id: Mapped[str] = mapped_column(String(64), index=True)
    portfolio_name: Mapped[str | None] = mapped_column(String(255))
    market_value: Mapped[Decimal | None] = mapped_column(ExactDecimal)
    cash_before: Mapped[Decimal | None] = mapped_column(ExactDecimal)
    cash_after: Mapped[Decimal | None] = mapped_column(ExactDecimal)
    positions: Mapped[str] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(Text)
