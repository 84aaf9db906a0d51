"""Sweeps as pages read them: plain values, one function per thing that is shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from steelyard.core.errors import DataIntegrityError, NotFoundError
from steelyard.infra.settings import get_settings
from steelyard.market.bars import Floats, PriceSeries
from steelyard.market.loading import load_prices
from steelyard.research import service, store
from steelyard.research.backtest import Backtest, run_backtest
from steelyard.research.execution import Execution
from steelyard.research.schemas import SweepRequest
from steelyard.research.store import SweepResultRow, SweepRun, SweepTicker
from steelyard.research.strategies import (
    SIGNAL_DEFAULT,
    Combinations,
    Strategy,
    enumerate_combinations,
    level_rules,
)
from steelyard.research.sweep import sweep_series

CURVE_POINTS_MAX = 2_000
"""Points of a drawn curve; more would share a pixel."""
REPLAY_TOLERANCE_PCT = 1e-6
"""By how much a replay's total return may differ from the stored one, as a share of its size."""


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run in a list: itself and what its tickers came to, in the order asked for."""

    run: SweepRun
    tickers: tuple[SweepTicker, ...]


@dataclass(frozen=True, slots=True)
class Windows:
    """Which combination of a run; windows that its strategy does not have are None."""

    fast: int
    slow: int | None
    signal: int | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Windows:
        """Those of a stored row."""
        return cls(row["fast_period"], row.get("slow_period"), row.get("signal_period"))


async def run_lines(session: AsyncSession, tenant: str, *, limit: int, offset: int = 0) -> list[RunLine]:
    """Runs of ``tenant``, newest first, with their tickers."""
    runs = await store.list_runs(session, tenant, limit=limit, offset=offset)
    query = (
        select(SweepTicker)
        .where(SweepTicker.run_id.in_([run.id for run in runs]))
        .order_by(SweepTicker.run_id, SweepTicker.position)
    )
    of_run: dict[str, list[SweepTicker]] = defaultdict(list)
    for ticker in await session.scalars(query):
        of_run[ticker.run_id].append(ticker)
    return [RunLine(run, tuple(of_run[run.id])) for run in runs]


async def signals_of(session: AsyncSession, run_id: str, ticker: str) -> list[int]:
    """The signal windows that were tried, ascending; empty for a strategy without."""
    row = SweepResultRow
    query = select(row.signal_period).where(row.run_id == run_id, row.ticker == ticker).distinct()
    return sorted(signal for signal in await session.scalars(query) if signal is not None)


async def cells(
    session: AsyncSession, run_id: str, ticker: str, metric: str, *, signal: int | None = None
) -> list[dict[str, Any]]:
    """One metric of every combination with its windows, those of one signal window where there are several.

    ``metric`` is a numeric column of :class:`store.SweepResultRow`.
    """
    row = SweepResultRow
    query = select(row.fast_period, row.slow_period, getattr(row, metric).label(metric)).where(
        row.run_id == run_id, row.ticker == ticker
    )
    if signal is not None:
        query = query.where(row.signal_period == signal)
    return [dict(found) for found in (await session.execute(query)).mappings()]


async def combination(session: AsyncSession, run_id: str, ticker: str, windows: Windows) -> dict[str, Any]:
    """The figures of one combination.

    Raises:
        NotFoundError: it was not swept.
    """
    row = SweepResultRow
    query = select(*store.RESULT_COLUMNS).where(
        row.run_id == run_id,
        row.ticker == ticker,
        row.fast_period == windows.fast,
        row.slow_period.is_not_distinct_from(windows.slow),
        row.signal_period.is_not_distinct_from(windows.signal),
    )
    found = (await session.execute(query)).mappings().first()
    if found is None:
        raise NotFoundError(f"{windows.fast} / {windows.slow} was not swept", code="COMBINATION_NOT_FOUND")
    return dict(found)


async def count_runs(session: AsyncSession, tenant: str) -> int:
    """How many runs ``tenant`` has."""
    query = select(func.count()).select_from(SweepRun).where(SweepRun.tenant == tenant)
    return int((await session.execute(query)).scalar_one())


def replay(
    run_parameters: Mapping[str, Any], summary: Mapping[str, Any], row: Mapping[str, Any], *, data_dir: Path
) -> dict[str, Any]:
    """One combination of a stored sweep, run again over its prices: curve and trades; blocks.

    Args:
        run_parameters: of the run.
        summary: of the ticker.
        row: of the combination, as stored.
        data_dir: of the price store.

    Returns:
        As :func:`curve`, and ``trades`` as :func:`trade_rows`.

    Raises:
        DataIntegrityError: the prices are no longer those of the sweep.
    """
    start, end = run_parameters.get("start"), run_parameters.get("end")
    series = load_prices(row["ticker"], data_dir=data_dir, start=start, end=end)
    execution = Execution(**summary["metadata"]["execution"])
    tested = run_backtest(series.close, series.open, Strategy(row["strategy_type"]), _combination(row), execution)
    total_return_pct = (float(tested.equity[-1]) - 1) * 100
    if abs(total_return_pct - row["total_return_pct"]) > REPLAY_TOLERANCE_PCT * max(1.0, abs(total_return_pct)):
        raise DataIntegrityError(
            f"the prices of {series.symbol} have changed since this sweep: it earned {row['total_return_pct']:.4f} %, "
            f"today's prices give {total_return_pct:.4f} %; run the sweep again",
            code="PRICES_CHANGED",
        )
    return curve(series, tested, summary.get("walk_forward") or []) | {"trades": trade_rows(series, tested)}


def report(run: SweepRun, ticker: SweepTicker, *, data_dir: Path) -> bytes:
    """The self-contained report of a stored sweep, made by running it again; blocks.

    Raises:
        DataIntegrityError: the prices are no longer those of the sweep.
    """
    plan = service.plan_sweep(SweepRequest.model_validate(run.parameters), data_dir=data_dir)
    (series, spec) = next(
        (series, spec) for series, spec in zip(plan.series, plan.specs, strict=True) if series.symbol == ticker.ticker
    )
    result = sweep_series(series, spec, threads=get_settings().sweep_threads)
    expected, found = ticker.summary["metadata"]["data"], result.metadata["data"]
    if expected["prices_hash"] != found["prices_hash"]:
        raise DataIntegrityError(
            f"the prices of {series.symbol} have changed since this sweep: expected {expected['prices_hash']}, found "
            f"{found['prices_hash']}; run the sweep again",
            code="PRICES_CHANGED",
        )
    with TemporaryDirectory() as folder:
        return result.to_html(Path(folder) / "report.html").read_bytes()


def curve(series: PriceSeries, tested: Backtest, folds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Equity of a backtest and of buy-and-hold with their drawdowns, at no more bars than a screen can show.

    Returns:
        ``x`` (milliseconds of the epoch, or bar numbers where times are unknown), ``is_time``, and of the same length
        ``equity``, ``buy_and_hold``, ``drawdown_pct``, ``buy_and_hold_drawdown_pct``; ``entries`` and ``exits`` as
        ``[x, equity]``; ``out_of_sample`` as ``[x from, x to]`` of each fold's test span.
    """
    held = series.close / series.close[0]
    x = _places(series)
    bars = np.union1d(thinned(tested.equity), thinned(held))
    return {
        "x": x[bars].tolist(),
        "is_time": series.timestamps is not None,
        "equity": tested.equity[bars].tolist(),
        "buy_and_hold": held[bars].tolist(),
        "drawdown_pct": _drawdown_pct(tested.equity)[bars].tolist(),
        "buy_and_hold_drawdown_pct": _drawdown_pct(held)[bars].tolist(),
        "entries": [[float(x[t.entry_bar]), float(tested.equity[t.entry_bar])] for t in tested.trades],
        "exits": [[float(x[bar]), float(tested.equity[bar])] for t in tested.trades if (bar := t.exit_bar) is not None],
        "out_of_sample": [[float(x[fold["test_start"]]), float(x[fold["test_end"] - 1])] for fold in folds],
    }


def thinned(values: Floats, points_max: int = CURVE_POINTS_MAX) -> NDArray[np.int64]:
    """Bars that keep the shape of a curve (T,): both ends, and the lowest and highest bar of every bucket."""
    if len(values) <= points_max:
        return np.arange(len(values))
    edges = np.linspace(0, len(values), points_max // 2).astype(np.int64)
    kept = {0, len(values) - 1}
    for first, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        part = values[first:end]
        kept |= {first + int(part.argmin()), first + int(part.argmax())}
    return np.array(sorted(kept))


def trade_rows(series: PriceSeries, tested: Backtest) -> list[dict[str, Any]]:
    """The trades of a backtest, newest first; times are ISO dates, or bar numbers where times are unknown."""
    rows = [
        {
            "number": number,
            "entry": _time_text(series, trade.entry_bar),
            "exit": None if trade.exit_bar is None else _time_text(series, trade.exit_bar),
            "bars": (len(series) - 1 if trade.exit_bar is None else trade.exit_bar) - trade.entry_bar,
            "entry_price": trade.entry_price,
            "exit_price": trade.exit_price,
            "return_pct": trade.trade_return * 100,
            "is_open": trade.exit_bar is None,
        }
        for number, trade in enumerate(tested.trades, start=1)
    ]
    return rows[::-1]


def _combination(row: Mapping[str, Any]) -> Combinations:
    if row["slow_period"] is None:
        return level_rules([row["fast_period"]])
    signal = SIGNAL_DEFAULT if row["signal_period"] is None else row["signal_period"]
    return enumerate_combinations([row["fast_period"]], [row["slow_period"]], [signal])


def _places(series: PriceSeries) -> NDArray[np.int64]:
    if series.timestamps is None:
        return np.arange(len(series))
    return series.timestamps.astype("datetime64[ms]").astype(np.int64)


def _time_text(series: PriceSeries, bar: int) -> str:
    if series.timestamps is None:
        return f"bar {bar}"
    at = series.timestamps[bar]
    is_daily = at == at.astype("datetime64[D]")
    return str(at.astype("datetime64[D]" if is_daily else "datetime64[m]")).replace("T", " ")


def _drawdown_pct(equity: Floats) -> Floats:
    peak = np.maximum(np.maximum.accumulate(equity), 1.0)
    return (equity / peak - 1) * 100
