"""One set of snapshots under several options: scenarios side by side.

Scenarios run in the order of their names and share prices, rates and shelf.  A scenario with bad
options, or one that fails, spoils only itself.

Source: contract dpm, section 9.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from steelyard.rebalance.compiled import shared_tables
from steelyard.rebalance.engine import RunIdentity, rebalance
from steelyard.rebalance.market import Market, Shelf
from steelyard.rebalance.result import RebalanceResult, SecurityTrade
from steelyard.rebalance.turnover import size_of
from steelyard.rebalance.values import (
    ZERO,
    BatchRebalanceRequest,
    EngineOptions,
    Money,
    RebalanceRequest,
    Status,
)

_ENCODER = msgspec.json.Encoder()


class ScenarioMetric(Struct, frozen=True, gc=False):
    """A scenario in three figures."""

    status: Status
    security_intent_count: int
    gross_turnover_notional_base: Money


class BatchResult(Struct, frozen=True, gc=False):
    """The scenarios' results and how they compare."""

    batch_run_id: str
    run_at_utc: str
    base_snapshot_ids: dict[str, str]
    results: dict[str, RebalanceResult]
    comparison_metrics: dict[str, ScenarioMetric]
    failed_scenarios: dict[str, str]
    warnings: list[str]

    def to_bytes(self) -> bytes:
        """The body of an answer: JSON, UTF-8, decimals as text."""
        return _ENCODER.encode(replace(self, results=self._results_as_json()))

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values, decimals as text."""
        plain: dict[str, Any] = msgspec.json.decode(self.to_bytes())
        return plain

    def _results_as_json(self) -> Any:
        return {name: msgspec.Raw(result.to_bytes()) for name, result in self.results.items()}


def analyze_scenarios(
    request: BatchRebalanceRequest,
    *,
    batch_id: str,
    run_at_utc: str,
    new_run_id: Callable[[str], str],
    read_options: Callable[[Mapping[str, Any]], EngineOptions],
    correlation_id: str | None = None,
) -> BatchResult:
    """Run every scenario.

    Args:
        request: the snapshots and the scenarios.
        batch_id: stands for the correlation id where there is none.
        run_at_utc: ISO 8601.
        new_run_id: the run id of a scenario, from its name.
        read_options: validates a scenario's options; raises ValueError with the first fault.
        correlation_id: begins the correlation id of each scenario.
    """
    market, shelf, tables = Market(request.market_data_snapshot), Shelf(request.shelf_entries), shared_tables(request)
    results: dict[str, RebalanceResult] = {}
    failed: dict[str, str] = {}
    for name in sorted(request.scenarios):
        identity = RunIdentity(new_run_id(name), f"{correlation_id or batch_id}:{name}", f"{batch_id}:{name}")
        try:
            options = read_options(request.scenarios[name].options)
        except ValueError as fault:
            failed[name] = f"INVALID_OPTIONS: {fault}"
            continue
        try:
            results[name] = rebalance(_single(request, options), identity, market=market, shelf=shelf, tables=tables)
        except Exception as fault:  # noqa: BLE001 - one scenario's defect must not cost the others their answer
            failed[name] = f"SCENARIO_EXECUTION_ERROR: {type(fault).__name__}"
    portfolio, prices = request.portfolio_snapshot, request.market_data_snapshot
    return BatchResult(
        batch_run_id=batch_id,
        run_at_utc=run_at_utc,
        base_snapshot_ids={
            "portfolio_snapshot_id": portfolio.snapshot_id or portfolio.portfolio_id,
            "market_data_snapshot_id": prices.snapshot_id or "md",
        },
        results=results,
        comparison_metrics={name: _metric(result, portfolio.base_currency) for name, result in results.items()},
        failed_scenarios=failed,
        warnings=["PARTIAL_BATCH_FAILURE"] if failed else [],
    )


def _single(request: BatchRebalanceRequest, options: EngineOptions) -> RebalanceRequest:
    return RebalanceRequest(
        request.portfolio_snapshot,
        request.market_data_snapshot,
        request.model_portfolio,
        request.shelf_entries,
        options,
    )


def _metric(result: RebalanceResult, base: str) -> ScenarioMetric:
    trades = [intent for intent in result.intents if isinstance(intent, SecurityTrade)]
    turnover = sum([size_of(trade) for trade in trades], ZERO)
    return ScenarioMetric(result.status, len(trades), Money(turnover, base))
