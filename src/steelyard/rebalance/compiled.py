"""The compiled way to the answer of a plain request; it says what the engine in Python says, byte for byte.

Plain is a request in which nothing but the targets decides about trades: no tax lots, minimums, lot sizes,
turnover cap, settlement ladder or other option that looks at single trades, nothing missing, and every
number within 28 digits.  All others are left to Python, as is a run in which something turns up that
needs a word of its own, such as a limit that is broken.  Targets by projection are found in Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from itertools import repeat
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np
from msgspec import Struct

from steelyard.rebalance.columns import Tables, buffer, integers, is_plain, lines, numbers
from steelyard.rebalance.market import Shelf
from steelyard.rebalance.pieces import Integers, strings
from steelyard.rebalance.result import (
    COVERED,
    Diagnostics,
    ExcludedInstrument,
    GroupConstraintEvent,
    Intent,
    SimulatedState,
    TargetInstrument,
    UniverseData,
    WrittenRows,
    as_written,
)
from steelyard.rebalance.rules import is_above_limit
from steelyard.rebalance.run_kernel import Ends, run
from steelyard.rebalance.solver_target import solver_targets
from steelyard.rebalance.target_kernel import LEFT_TO_DECIMAL, NO_SUCH_VALUE, READY, Limits
from steelyard.rebalance.universe import build_universe
from steelyard.rebalance.values import (
    ONE,
    ZERO,
    BatchRebalanceRequest,
    CashBalance,
    EngineOptions,
    Money,
    RebalanceRequest,
    Status,
)

POSITIONS_MIN = 16
"""Portfolios of fewer positions are answered in less time than it takes to lay them out."""

_ENCODER = msgspec.json.Encoder()
_DEFAULT = EngineOptions()
_DECIDING = (
    "valuation_mode",
    "compare_target_methods",
    "min_trade_notional",
    "max_turnover_pct",
    "enable_tax_awareness",
    "enable_settlement_awareness",
    "cash_repair",
    "trade_mode",
    "equivalents",
    "block_short_term_gains",
    "wash_sale_guard",
)
"""Options that decide about single trades; in a plain request they are as they are by default."""


class CompiledRun(Struct, frozen=True, gc=False):
    """What compiled code made of a request.

    Attributes:
        stage: what the targets came to.
        states: before and after.
        totals: value in base currency before and after.
        cash_weight, largest_weight, cash_balances: after.
    """

    stage: Status
    states: tuple[SimulatedState, SimulatedState]
    totals: tuple[Decimal, Decimal]
    universe: UniverseData
    targets: Sequence[TargetInstrument]
    intents: Sequence[Intent]
    diagnostics: Diagnostics
    cash_weight: Decimal
    largest_weight: Decimal
    cash_balances: tuple[CashBalance, ...]


def is_ready() -> bool:
    """Whether the kernel was compiled before, at set-up or by this process, so that no request waits for a compiler."""
    return bool(run.overloads) or _is_cached()


def shared_tables(request: BatchRebalanceRequest) -> Tables | None:
    """What its scenarios share; None where they would not use it."""
    if not is_ready() or len(request.portfolio_snapshot.positions) < POSITIONS_MIN:
        return None
    return Tables.of(request.market_data_snapshot, request.shelf_entries)


@cache
def _is_cached() -> bool:
    folder = Path(run._cache.cache_path)  # noqa: SLF001 - Numba does not say otherwise where it keeps what it compiled
    return any(folder.glob("run_kernel.run-*.nbi"))


def run_compiled(
    request: RebalanceRequest, run_id: str, tables: Tables | None, shelf: Shelf | None
) -> CompiledRun | None:
    """Answer a plain request; None where that takes Python."""
    portfolio = request.portfolio_snapshot
    if len(portfolio.positions) < POSITIONS_MIN or not _is_plain(request):
        return None
    tables = tables or Tables.of(request.market_data_snapshot, request.shelf_entries)
    money = tables.prices.money(portfolio.base_currency, portfolio.cash_balances) if tables else None
    limits = _limits(request.options, tables) if tables else None
    if tables is None or money is None or limits is None:
        return None
    positions = _places([position.instrument_id for position in portfolio.positions], tables)
    model = _places([target.instrument_id for target in request.model_portfolio.targets], tables)
    if positions is None or model is None:
        return None
    solved = None
    if request.options.target_method == "SOLVER":
        solved = _solve(request, shelf or Shelf(request.shelf_entries))
        if solved is None:
            return None
    cash = portfolio.cash_balances
    decimals = [
        ONE + request.options.fx_buffer_pct,
        *[position.quantity for position in portfolio.positions],
        *[row.amount for row in cash],
        *[target.weight for target in request.model_portfolio.targets],
        *(solved.weights if solved else ()),
    ]
    rows = positions.shape[1] + model.shape[1]
    out = buffer(tables.room(rows, list(request.options.group_constraints), money))
    cash_codes = np.empty(len(money.places), np.int64)
    has_bound = np.empty(len(limits.group_pairs), np.bool_)
    ends = run(
        lines(decimals),
        positions,
        model,
        integers([money.places[row.currency] for row in cash]),
        tables.prices.columns,
        tables.shelf.columns,
        money.columns,
        money.places[portfolio.base_currency],
        limits,
        solved is not None,
        request.options.allow_restricted,
        request.options.link_buy_to_same_currency_sell_dependency is not False,
        out,
        cash_codes,
        has_bound,
    )
    if ends[0] == LEFT_TO_DECIMAL:
        return None
    currencies = list(money.places)
    reader = _Reader(request, run_id, memoryview(out[: ends[9]].tobytes()), Ends(*ends))
    return reader.read(
        [currencies[code] for code in cash_codes[: ends[10]].tolist()],
        solved
        or _Solved(
            "READY" if ends[0] == READY else "PENDING_REVIEW",
            (),
            _warnings(request.options, tables, has_bound.tolist()),
        ),
    )


class _Solved(Struct, frozen=True, gc=False):
    """Targets that were found: their status, the weights in the order of the universe, and what was noted."""

    status: Status
    weights: Sequence[Decimal]
    warnings: list[str]


def _solve(request: RebalanceRequest, shelf: Shelf) -> _Solved | None:
    """Targets by projection; None where there are none, or a holding is locked at a weight that is not known yet."""
    options, positions = request.options, request.portfolio_snapshot.positions
    diagnostics = Diagnostics()
    universe = build_universe(
        request.model_portfolio.targets,
        positions,
        [ZERO] * len(positions),
        shelf,
        allow_restricted=options.allow_restricted,
        shelf_missing=diagnostics.data_quality.shelf_missing,
    )
    if universe.locked or diagnostics.data_quality.shelf_missing:
        return None
    targets = solver_targets(universe, options, shelf, diagnostics)
    if targets.weights is None:
        return None
    return _Solved(targets.status, list(targets.weights.values()), diagnostics.warnings)


class _Reader(Struct, frozen=True, gc=False):
    """Takes apart what compiled code wrote."""

    request: RebalanceRequest
    run_id: str
    written: memoryview
    ends: Ends

    def read(self, currencies: Sequence[str], targets: _Solved) -> CompiledRun | None:
        """None if a limit is broken, for every breach is a row."""
        ends, written = self.ends, self.written
        before, after, weight, largest, *amounts = map(
            Decimal, written[ends.after : ends.lines].tobytes().decode().split()
        )
        if is_above_limit(largest, self.request.options):
            return None
        given = self.request.portfolio_snapshot.cash_balances
        cash = _cash_after(given, currencies, amounts)
        universe = UniverseData(
            f"u_{self.run_id}",
            self._rows(ends.before, ends.for_buy, str),
            self._rows(ends.for_buy, ends.for_sale, str),
            self._rows(ends.for_sale, ends.excluded, ExcludedInstrument),
            COVERED,
        )
        diagnostics = Diagnostics(
            warnings=targets.warnings,
            group_constraint_events=cast("list[Any]", self._rows(ends.excluded, ends.events, GroupConstraintEvent)),
        )
        return CompiledRun(
            stage=targets.status,
            states=(
                self._state(before, given, written[: ends.before]),
                self._state(after, cash, written[ends.intents : ends.after]),
            ),
            totals=(before, after),
            universe=universe,
            targets=self._rows(ends.events, ends.targets, TargetInstrument),
            intents=self._rows(ends.targets, ends.intents, Intent),
            diagnostics=diagnostics,
            cash_weight=weight,
            largest_weight=largest,
            cash_balances=cash,
        )

    def _rows(self, start: int, end: int, kind: Any) -> WrittenRows:
        return WrittenRows(self.written[start:end], kind)

    def _state(self, total: Decimal, cash: tuple[CashBalance, ...], rest: memoryview) -> SimulatedState:
        base = self.request.portfolio_snapshot.base_currency
        head = f'{{"total_value":{{"amount":"{total}","currency":"{base}"}},"cash_balances":'
        return as_written(
            b"".join((head.encode(), _ENCODER.encode(cash), rest)),
            SimulatedState,
            total_value=Money(total, base),
            cash_balances=cash,
        )


def _is_plain(request: RebalanceRequest) -> bool:
    options, portfolio = request.options, request.portfolio_snapshot
    return (
        all(getattr(options, name) == getattr(_DEFAULT, name) for name in _DECIDING)
        and not any(position.market_value for position in portfolio.positions)
        and len({row.currency for row in portfolio.cash_balances}) == len(portfolio.cash_balances)
    )


def _places(names: Sequence[str], tables: Tables) -> Integers | None:
    """Price and shelf rows; None if one has no price."""
    of_prices = [place for place in map(tables.prices.places.get, names) if place is not None]
    if len(of_prices) < len(names):
        return None
    of_shelf = list(map(tables.shelf.places.get, names, repeat(0)))
    return integers([*of_prices, *of_shelf]).reshape(2, len(names))


def _limits(options: EngineOptions, tables: Tables) -> Limits | None:
    keys = sorted(options.group_constraints)
    limit = options.single_position_max_weight
    table = numbers(
        [limit or ZERO, options.min_cash_buffer_pct, *[options.group_constraints[key].max_weight for key in keys]]
    )
    if table is None or not is_plain(keys):
        return None
    pairs = [tables.shelf.pairs.get(tuple(key.split(":", 1)), NO_SUCH_VALUE) for key in keys]
    return Limits(table[:2], limit is not None, table[2:], integers(pairs), strings(keys))


def _warnings(options: EngineOptions, tables: Tables, has_bound: Sequence[bool]) -> list[str]:
    warnings = []
    for key, is_bound in zip(sorted(options.group_constraints), has_bound, strict=True):
        attribute = key.split(":", 1)[0]
        if attribute not in tables.shelf.attributes:
            warnings.append(f"UNKNOWN_CONSTRAINT_ATTRIBUTE_{attribute}")
        elif is_bound:
            warnings.append(f"CAPPED_BY_GROUP_LIMIT_{key}")
    return list(dict.fromkeys(warnings))


def _cash_after(
    before: tuple[CashBalance, ...], currencies: Sequence[str], amounts: Sequence[Decimal]
) -> tuple[CashBalance, ...]:
    """The balances with their new amounts; currencies that have come are at the end."""
    after = [
        CashBalance(row.currency, amount, row.settled, row.pending)
        for row, amount in zip(before, amounts, strict=False)
    ]
    new = zip(currencies[len(before) :], amounts[len(before) :], strict=True)
    return (*after, *[CashBalance(currency, amount) for currency, amount in new])
