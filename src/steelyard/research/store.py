"""Where sweeps are kept: one row per run, per ticker of it, and per combination.

Statistics are floats by nature and are stored as such, in full; what is undefined is null, and an
infinite profit factor is null with a flag.  Every row belongs to a tenant.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Double, ForeignKey, Index, Integer, String, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from steelyard.infra.columns import Base, UtcDateTime

ROWS_PER_INSERT = 5_000
TICKERS_TEXT_CHARACTERS_MAX = 2_000


class SweepRun(Base):
    """One finished sweep over one or more tickers."""

    __tablename__ = "sweep_runs"
    __table_args__ = (Index("ix_sweep_runs_tenant_created_at_id", "tenant", "created_at", "id"),)

    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    tenant: Mapped[str] = mapped_column(String(100))
    job_id: Mapped[str] = mapped_column(String(100), unique=True)
    ticker: Mapped[str] = mapped_column(String(TICKERS_TEXT_CHARACTERS_MAX))
    strategy_type: Mapped[str] = mapped_column(String(8))
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON)
    combinations: Mapped[int] = mapped_column(Integer)
    execution_time_seconds: Mapped[float] = mapped_column(Double)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SweepTicker(Base):
    """What one ticker of a run came to: luck, verdict, baselines, provenance."""

    __tablename__ = "sweep_tickers"

    run_id: Mapped[str] = mapped_column(ForeignKey("sweep_runs.id", ondelete="CASCADE"), primary_key=True)
    ticker: Mapped[str] = mapped_column(String(32), primary_key=True)
    position: Mapped[int] = mapped_column(Integer)
    summary: Mapped[dict[str, Any]] = mapped_column(JSON)


class SweepResultRow(Base):
    """The figures of one combination; ``rank`` 1 is the best."""

    __tablename__ = "sweep_results"

    run_id: Mapped[str] = mapped_column(ForeignKey("sweep_runs.id", ondelete="CASCADE"), primary_key=True)
    ticker: Mapped[str] = mapped_column(String(32), primary_key=True)
    rank: Mapped[int] = mapped_column(Integer, primary_key=True)
    strategy_type: Mapped[str] = mapped_column(String(8))
    fast_period: Mapped[int] = mapped_column(Integer)
    slow_period: Mapped[int | None] = mapped_column(Integer)
    signal_period: Mapped[int | None] = mapped_column(Integer)
    score: Mapped[float] = mapped_column(Double)
    sharpe_ratio: Mapped[float | None] = mapped_column(Double)
    sortino_ratio: Mapped[float | None] = mapped_column(Double)
    calmar_ratio: Mapped[float | None] = mapped_column(Double)
    total_return_pct: Mapped[float] = mapped_column(Double)
    annualized_return: Mapped[float | None] = mapped_column(Double)
    max_drawdown_pct: Mapped[float] = mapped_column(Double)
    win_rate_pct: Mapped[float | None] = mapped_column(Double)
    profit_factor: Mapped[float | None] = mapped_column(Double)
    profit_factor_infinite: Mapped[bool] = mapped_column(Boolean)
    expectancy_pct: Mapped[float | None] = mapped_column(Double)
    exposure_pct: Mapped[float | None] = mapped_column(Double)
    buy_and_hold_return_pct: Mapped[float | None] = mapped_column(Double)
    total_trades: Mapped[int] = mapped_column(Integer)
    closed_trades: Mapped[int] = mapped_column(Integer)
    trades_per_month: Mapped[float | None] = mapped_column(Double)
    avg_trade_duration: Mapped[str | None] = mapped_column(String(32))
    below_min_trades: Mapped[bool] = mapped_column(Boolean)


RESULT_COLUMNS = tuple(column for column in SweepResultRow.__table__.columns if column.name != "run_id")
RESULT_COLUMN_NAMES = tuple(column.name for column in RESULT_COLUMNS)


async def save_run(
    session: AsyncSession, run: SweepRun, tickers: Sequence[SweepTicker], rows: Sequence[dict[str, Any]]
) -> None:
    """Store a run whole."""
    session.add(run)
    await session.flush()
    session.add_all(tickers)
    await session.flush()
    for start in range(0, len(rows), ROWS_PER_INSERT):
        await session.execute(insert(SweepResultRow), rows[start : start + ROWS_PER_INSERT])


async def find_run(session: AsyncSession, tenant: str, run_id: str) -> SweepRun | None:
    """The run of this tenant, or None."""
    found = await session.execute(select(SweepRun).where(SweepRun.id == run_id, SweepRun.tenant == tenant))
    return found.scalar_one_or_none()


async def latest_run(session: AsyncSession, tenant: str) -> SweepRun | None:
    """The newest run of this tenant, or None."""
    runs = await list_runs(session, tenant, limit=1)
    return runs[0] if runs else None


async def list_runs(
    session: AsyncSession, tenant: str, *, limit: int, offset: int = 0, before: tuple[datetime, str] | None = None
) -> Sequence[SweepRun]:
    """Runs of this tenant, newest first; ``before`` (time, id) of the last one seen goes on from there."""
    query = select(SweepRun).where(SweepRun.tenant == tenant)
    if before is not None:
        created_at, run_id = before
        query = query.where(
            (SweepRun.created_at < created_at) | ((SweepRun.created_at == created_at) & (SweepRun.id < run_id))
        )
    query = query.order_by(SweepRun.created_at.desc(), SweepRun.id.desc()).limit(limit).offset(offset)
    return (await session.execute(query)).scalars().all()


async def tickers_of(session: AsyncSession, run_id: str) -> Sequence[SweepTicker]:
    """What each ticker of a run came to, in the order asked for."""
    query = select(SweepTicker).where(SweepTicker.run_id == run_id).order_by(SweepTicker.position)
    return (await session.execute(query)).scalars().all()


async def count_results(session: AsyncSession, run_id: str, *, ticker: str | None = None) -> int:
    """How many combinations a run tested, of one ticker or of all."""
    query = select(func.count()).select_from(SweepResultRow).where(SweepResultRow.run_id == run_id)
    if ticker is not None:
        query = query.where(SweepResultRow.ticker == ticker)
    return int((await session.execute(query)).scalar_one())


async def results(
    session: AsyncSession,
    run_id: str,
    *,
    ticker: str | None = None,
    limit: int,
    offset: int = 0,
    only_enough_trades: bool = False,
    rank_max: int | None = None,
) -> list[dict[str, Any]]:
    """Figures of combinations, best first: of one ticker by rank, of several by score.

    ``only_enough_trades`` leaves out combinations below the run's ``min_trades``; ``rank_max`` keeps
    only so many of each ticker.
    """
    row = SweepResultRow
    query = select(*RESULT_COLUMNS).where(row.run_id == run_id)
    if ticker is not None:
        query = query.where(row.ticker == ticker)
    if only_enough_trades:
        query = query.where(row.below_min_trades.is_(False))
    if rank_max is not None:
        query = query.where(row.rank <= rank_max)
    order = () if ticker is not None else (row.below_min_trades, row.score.desc(), row.ticker)
    query = query.order_by(*order, row.rank).limit(limit).offset(offset)
    return [dict(found) for found in (await session.execute(query)).mappings()]
