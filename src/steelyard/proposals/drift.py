"""Drift: how far the portfolio is from a reference model, before and after.

A bucket's drift is its weight less the model's; the drift of a dimension is half the sum of the
absolute ones, the share of the portfolio that would have to be traded.

Source: contract dpm, section 13.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from steelyard.proposals.values import (
    DriftAnalysis,
    DriftBucket,
    DriftDimension,
    DriftHighlight,
    DriftHighlights,
    ReferenceModel,
    ReferenceSummary,
    UnmodeledExposure,
)
from steelyard.rebalance.holdings import AllocationMetric
from steelyard.rebalance.result import Diagnostics, SimulatedState
from steelyard.rebalance.valuation import Valuation
from steelyard.rebalance.values import ONE, ZERO, EngineOptions

BASE_MISMATCH = "REFERENCE_MODEL_BASE_CURRENCY_MISMATCH"
_HALF = Decimal("0.5")


def analyse_drift(
    before: Valuation,
    after: Valuation,
    model: ReferenceModel,
    options: EngineOptions,
    *,
    traded: Iterable[str],
    diagnostics: Diagnostics,
) -> DriftAnalysis | None:
    """Compare with the reference model; None, and a warning, if it is in another base currency."""
    if model.base_currency != before.state.total_value.currency:
        diagnostics.warn(BASE_MISMATCH)
        return None
    limit = options.drift_top_contributors_limit
    classes = {target.asset_class: target.weight for target in model.asset_class_targets}
    asset_class = _dimension(class_weights(before.state), class_weights(after.state), classes, {"CASH"}, limit)
    instrument = None
    if options.enable_instrument_drift and model.instrument_targets:
        targets = {target.instrument_id: target.weight for target in model.instrument_targets}
        first, second = instrument_weights(before.state), instrument_weights(after.state)
        instrument = _dimension(first, second, targets, traded, limit)
    return DriftAnalysis(
        ReferenceSummary(model.model_id, model.as_of, model.base_currency),
        asset_class,
        instrument,
        _highlights(instrument or asset_class, limit, options.drift_unmodeled_exposure_threshold),
    )


def class_weights(state: SimulatedState) -> dict[str, Decimal]:
    """Unrounded weights by asset class, cash included."""
    return _weights(state.allocation_by_asset_class, state.total_value.amount)


def instrument_weights(state: SimulatedState) -> dict[str, Decimal]:
    """Unrounded weights by instrument."""
    return _weights(state.allocation_by_instrument, state.total_value.amount)


def _weights(metrics: Iterable[AllocationMetric], total: Decimal) -> dict[str, Decimal]:
    weights: dict[str, Decimal] = {}
    for metric in metrics:
        weights[metric.key] = weights.get(metric.key, ZERO) + metric.value.amount / (total or ONE)
    return weights


def _dimension(
    before: Mapping[str, Decimal],
    after: Mapping[str, Decimal],
    model: Mapping[str, Decimal],
    others: Iterable[str],
    limit: int,
) -> DriftDimension:
    names = sorted({*before, *after, *model, *others})
    buckets = [_bucket(name, model.get(name, ZERO), before.get(name, ZERO), after.get(name, ZERO)) for name in names]
    total_before = _HALF * sum([bucket.abs_drift_before for bucket in buckets], ZERO)
    total_after = _HALF * sum([bucket.abs_drift_after for bucket in buckets], ZERO)
    ranked = sorted(buckets, key=lambda bucket: (-bucket.abs_drift_before, bucket.bucket))
    return DriftDimension(total_before, total_after, total_after - total_before, ranked[:limit], buckets)


def _bucket(name: str, model: Decimal, before: Decimal, after: Decimal) -> DriftBucket:
    drift_before, drift_after = before - model, after - model
    size_before, size_after = abs(drift_before), abs(drift_after)
    improvement = size_before - size_after
    return DriftBucket(name, model, before, after, drift_before, drift_after, size_before, size_after, improvement)


def _highlights(dimension: DriftDimension, limit: int, threshold: Decimal) -> DriftHighlights:
    better = [bucket for bucket in dimension.buckets if bucket.improvement > 0]
    worse = [bucket for bucket in dimension.buckets if bucket.improvement < 0]
    unmodeled = [
        UnmodeledExposure(
            bucket.bucket,
            bucket.portfolio_weight_before,
            bucket.portfolio_weight_after,
            max(bucket.portfolio_weight_before, bucket.portfolio_weight_after),
        )
        for bucket in dimension.buckets
        if not bucket.model_weight
    ]
    heavy = [one for one in unmodeled if one.max_portfolio_weight >= threshold]
    return DriftHighlights(
        _ranked(better, sign=-1)[:limit],
        _ranked(worse, sign=1)[:limit],
        sorted(heavy, key=lambda one: (-one.max_portfolio_weight, one.bucket))[:limit],
    )


def _ranked(buckets: Iterable[DriftBucket], *, sign: int) -> list[DriftHighlight]:
    rows = sorted(buckets, key=lambda bucket: (sign * bucket.improvement, bucket.bucket))
    return [DriftHighlight(bucket.bucket, bucket.improvement) for bucket in rows]
