"""The drift monitor over stored models: who is outside the bands, worst first."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from steelyard.core import clock
from steelyard.core.errors import SteelyardError, TooLargeError
from steelyard.models.composition import ModelParts
from steelyard.models.document import Model
from steelyard.models.drift import PortfolioDrift, find_drift
from steelyard.models.rebalancing import gather
from steelyard.models.service import get_model
from steelyard.models.valuation import Failure, Portfolio
from steelyard.models.views import drift_view

PORTFOLIOS_MAX = 20_000
"""Portfolios of one report: each is asked for and valued while the client waits."""
FAILURES_SHOWN_MAX = 100


async def drift_report(
    parts: ModelParts, tenant: str, model_ids: Sequence[str] | None, *, offset: int, limit: int
) -> dict[str, Any]:
    """Portfolios of these models, or of all, with positions outside their bands; a page of them, worst first.

    Raises:
        NotFoundError: there is no such model.
        TooLargeError: they have more than ``PORTFOLIOS_MAX`` portfolios.
        UnavailableError: prices are not to be had.
    """
    models = await _models(parts, tenant, model_ids)
    count = sum(len(model.portfolios) for model in models)
    if count > PORTFOLIOS_MAX:
        msg = f"the models have {count} portfolios; a report covers at most {PORTFOLIOS_MAX}: name fewer with `modelId`"
        raise TooLargeError(msg, code="TOO_MANY_PORTFOLIOS", details={"portfolios": count})
    ids = list(dict.fromkeys(portfolio_id for model in models for portfolio_id in model.portfolios))
    portfolios, prices = await gather(parts, tenant, models, ids)
    outside: list[tuple[Model, PortfolioDrift]] = []
    failures: list[dict[str, Any]] = []
    for model in models:
        mine = {portfolio_id: portfolios[portfolio_id] for portfolio_id in model.portfolios}
        found, failed = await asyncio.to_thread(_drift_of, model, mine, prices)
        outside += [(model, one) for one in found if one.positions]
        failures += failed
    outside.sort(key=lambda pair: (-pair[1].worst, pair[1].portfolio_id, pair[0].model_id))
    return {
        "asOf": clock.isoformat_z(clock.now()),
        "numberOfPortfolios": count,
        "outside": len(outside),
        "within": count - len(outside) - len(failures),
        "failed": len(failures),
        "portfolios": [drift_view(model, one) for model, one in outside[offset : offset + limit]],
        "failures": failures[:FAILURES_SHOWN_MAX],
    }


async def _models(parts: ModelParts, tenant: str, model_ids: Sequence[str] | None) -> list[Model]:
    if not model_ids:
        return await parts.store.list_models(tenant)
    return [await get_model(parts.store, tenant, model_id) for model_id in dict.fromkeys(model_ids)]


def _drift_of(
    model: Model, portfolios: Mapping[str, Portfolio | SteelyardError], prices: Mapping[str, Decimal | None]
) -> tuple[list[PortfolioDrift], list[dict[str, Any]]]:
    known = [one for one in portfolios.values() if isinstance(one, Portfolio)]
    found = find_drift(model, known, prices)
    refused = {one: error for one, error in portfolios.items() if isinstance(error, SteelyardError)}
    unvalued = {one.portfolio_id: one for one in found if isinstance(one, Failure)}
    failed: dict[str, SteelyardError | Failure] = {**refused, **unvalued}
    failures = [
        {
            "modelId": model.model_id,
            "portfolioId": portfolio_id,
            "error": {"code": why.code, "message": why.message, "details": dict(why.details)},
        }
        for portfolio_id, why in failed.items()
    ]
    return [one for one in found if isinstance(one, PortfolioDrift)], failures
