"""The rebalance of one model or one portfolio: gather, solve, store, answer.

Nothing is locked while other services are asked.  The record is stored at the end in one go, with
its idempotency key; of two requests with one key the second finds it taken and answers from the
record of the first, so that both say the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from steelyard.core import clock
from steelyard.core.canonical import canonical_hash
from steelyard.core.errors import (
    ConflictError,
    InfeasibleError,
    NotFoundError,
    SteelyardError,
    TooLargeError,
    UnavailableError,
)
from steelyard.core.ids import new_hex_id
from steelyard.infra.principal import Principal
from steelyard.market.calendars import calendar_zone
from steelyard.models.composition import ModelParts
from steelyard.models.document import Model
from steelyard.models.option_json import options_to_json
from steelyard.models.options import RebalanceOptions
from steelyard.models.orders import Rebalance, Solver, rebalance_portfolios
from steelyard.models.service import get_model
from steelyard.models.stores import IdempotencyKey, PortfolioResult, RebalanceRecord
from steelyard.models.validation import check_portfolio_ids
from steelyard.models.valuation import Failure, Portfolio
from steelyard.models.views import position_views

PORTFOLIOS_MAX = 5_000
"""Portfolios of one rebalance: each is asked for, solved and stored while the client waits."""
FAILURES_SHOWN_MAX = 100
"""Failed portfolios in the details of one refusal."""

Outcome = Rebalance | Failure | SteelyardError
"""Orders; no answer to the problem; or no data for it."""


@dataclass(frozen=True, slots=True)
class Ask:
    """How to rebalance.

    Attributes:
        options: given the model, what to go by.
        idempotency_key: as the client sent it.
        fingerprint: JSON-ready; what the same key must always come with.
    """

    options: Callable[[Model], RebalanceOptions]
    solver: Solver = "exact"
    idempotency_key: str | None = None
    fingerprint: Any = None

    def key(self, route: str) -> IdempotencyKey | None:
        """The key on a route, if there is one."""
        if self.idempotency_key is None:
            return None
        return IdempotencyKey(route, self.idempotency_key, canonical_hash([self.fingerprint, self.solver]))


@dataclass(frozen=True, slots=True)
class Answer:
    """What to tell; ``record`` is None where a model has no portfolios."""

    record: RebalanceRecord | None
    results: Sequence[PortfolioResult] = ()
    replayed: bool = False


async def rebalance_model(parts: ModelParts, by: Principal, model_id: str, ask: Ask) -> Answer:
    """Rebalance every portfolio of a model; one that fails does not stop the others.

    Raises:
        NotFoundError: there is no such model.
        InfeasibleError: every portfolio failed, each for want of an answer to its problem.
        UnavailableError: every portfolio failed, not all for that reason.
        ConflictError: the key came before with another request.
        TooLargeError: it has more than ``PORTFOLIOS_MAX`` portfolios.
        InvalidInputError: options that contradict the model.
    """
    model = await get_model(parts.store, by.tenant, model_id)
    key = ask.key(f"POST /api/v1/model/{model.model_id}/rebalance")
    if (replay := await _replay(parts, by.tenant, key)) is not None:
        return replay
    if not model.portfolios:
        return Answer(None)
    if len(model.portfolios) > PORTFOLIOS_MAX:
        count = len(model.portfolios)
        msg = f"model {model.name!r} has {count} portfolios; one request rebalances at most {PORTFOLIOS_MAX}"
        raise TooLargeError(msg, code="TOO_MANY_PORTFOLIOS", details={"portfolios": count})
    work = await _work(parts, model, ask)
    outcomes, names = await _outcomes(parts, by.tenant, work, model.portfolios)
    if not any(isinstance(outcome, Rebalance) for outcome in outcomes.values()):
        raise _all_failed(model, outcomes)
    return await _store(parts, by, work, outcomes, names, key)


async def rebalance_portfolio(
    parts: ModelParts, by: Principal, portfolio_id: str, model_id: str | None, ask: Ask
) -> Answer:
    """Rebalance one portfolio to the model that it follows; ``model_id`` says which if there are several.

    Raises:
        NotFoundError: it follows no model, or not that one, or nobody knows it.
        ConflictError: it follows several models; or the key came before with another request.
        InfeasibleError: its problem has no answer.
        UnavailableError: a service does not answer.
        InvalidInputError: a malformed id, or options that contradict the model.
    """
    check_portfolio_ids([portfolio_id])
    key = ask.key(f"POST /api/v1/portfolio/{portfolio_id}/rebalance")
    if (replay := await _replay(parts, by.tenant, key)) is not None:
        return replay
    model = await _model_of(parts, by.tenant, portfolio_id, model_id)
    work = await _work(parts, model, ask)
    outcomes, names = await _outcomes(parts, by.tenant, work, [portfolio_id])
    outcome = outcomes[portfolio_id]
    if isinstance(outcome, Failure):
        raise InfeasibleError(outcome.message, code=outcome.code, details=outcome.details)
    if isinstance(outcome, SteelyardError):
        raise outcome
    return await _store(parts, by, work, outcomes, names, key)


async def trade_date(calendar: str) -> date:
    """Today in the calendar's zone."""
    zone = await asyncio.to_thread(calendar_zone, calendar)
    return clock.now().astimezone(zone).date()


async def gather(
    parts: ModelParts, tenant: str, models: Sequence[Model], portfolio_ids: Sequence[str]
) -> tuple[Mapping[str, Portfolio | SteelyardError], Mapping[str, Decimal | None]]:
    """The portfolios and the prices of all that they hold and of all that the models want, each asked for once.

    Raises:
        UnavailableError: no prices are to be had.
    """
    portfolios = await parts.providers.portfolios.portfolios(tenant, portfolio_ids)
    held = (one.holdings for one in portfolios.values() if isinstance(one, Portfolio))
    securities = dict.fromkeys(position.security_id for model in models for position in model.positions)
    for holdings in held:
        securities |= dict.fromkeys(holdings)
    return portfolios, await parts.providers.prices.prices(tenant, securities)


@dataclass(frozen=True, slots=True)
class _Work:
    """What one rebalance goes by from its beginning to its end."""

    model: Model
    options: RebalanceOptions
    solver: Solver
    day: date


async def _work(parts: ModelParts, model: Model, ask: Ask) -> _Work:
    options = ask.options(model)
    options.check_against(model)
    return _Work(model, options, ask.solver, await trade_date(parts.trade_calendar))


async def _outcomes(
    parts: ModelParts, tenant: str, work: _Work, portfolio_ids: Sequence[str]
) -> tuple[dict[str, Outcome], Mapping[str, str]]:
    """What each portfolio comes to, in the order asked for; and their names."""
    (portfolios, prices), names = await asyncio.gather(
        gather(parts, tenant, [work.model], portfolio_ids), parts.providers.names.names(tenant, portfolio_ids)
    )
    known = [one for one in portfolios.values() if isinstance(one, Portfolio)]

    def solve() -> list[Rebalance | Failure]:
        return rebalance_portfolios(
            work.model, known, prices, trade_date=work.day, options=work.options, solver=work.solver
        )

    answers = {answer.portfolio_id: answer for answer in await asyncio.to_thread(solve)}
    outcomes: dict[str, Outcome] = {}
    for portfolio_id in portfolio_ids:
        found = portfolios[portfolio_id]
        outcomes[portfolio_id] = found if isinstance(found, SteelyardError) else answers[portfolio_id]
    return outcomes, names


async def _model_of(parts: ModelParts, tenant: str, portfolio_id: str, model_id: str | None) -> Model:
    """The model that a portfolio follows."""
    if model_id is not None:
        model = await get_model(parts.store, tenant, model_id)
        followed = [model] if portfolio_id in model.portfolios else []
    else:
        followed = await parts.store.followed_by(tenant, portfolio_id)
    if not followed:
        which = "any model" if model_id is None else f"model {model_id}"
        msg = f"portfolio {portfolio_id} does not follow {which}; add it to one first"
        raise NotFoundError(msg, code="PORTFOLIO_WITHOUT_MODEL", details={"portfolioId": portfolio_id})
    if len(followed) > 1:
        ids = [model.model_id for model in followed]
        msg = f"portfolio {portfolio_id} follows {len(ids)} models; say which with `modelId`: {', '.join(ids[:10])}"
        details = {"portfolioId": portfolio_id, "modelIds": ids}
        raise ConflictError(msg, code="PORTFOLIO_FOLLOWS_SEVERAL_MODELS", details=details)
    return followed[0]


async def _replay(parts: ModelParts, tenant: str, key: IdempotencyKey | None) -> Answer | None:
    """The answer that a key led to before, made again from its record."""
    record = None if key is None else await parts.store.find_by_key(tenant, key.route, key.key)
    if key is None or record is None:
        return None
    if record.key is None or record.key.request_hash != key.request_hash:
        msg = f"the key {key.key!r} was used before with another request; use a new key"
        raise ConflictError(msg, code="IDEMPOTENCY_KEY_CONFLICT")
    return Answer(record, await parts.store.results_of(tenant, record.rebalance_id), replayed=True)


async def _store(
    parts: ModelParts,
    by: Principal,
    work: _Work,
    outcomes: Mapping[str, Outcome],
    names: Mapping[str, str],
    key: IdempotencyKey | None,
) -> Answer:
    record = RebalanceRecord(
        rebalance_id=new_hex_id(),
        model_id=work.model.model_id,
        model_name=work.model.name,
        rebalance_date=_milliseconds(clock.now()),
        trade_date=work.day,
        number_of_portfolios=sum(isinstance(outcome, Rebalance) for outcome in outcomes.values()),
        options=options_to_json(work.options) | ({} if work.solver == "exact" else {"solver": work.solver}),
        key=key,
    )
    results = [
        _result(portfolio_id, place, names.get(portfolio_id), outcome)
        for place, (portfolio_id, outcome) in enumerate(outcomes.items())
    ]
    if await parts.store.save_rebalance(by, record, results):
        return Answer(record, results)
    replay = await _replay(parts, by.tenant, key)  # a request with the same key was faster
    if replay is None:
        raise ConflictError("the record of the first request with this key is gone; ask again", code="RECORD_GONE")
    return replay


def _milliseconds(moment: datetime) -> datetime:
    """As exact as every store keeps it."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _result(portfolio_id: str, place: int, name: str | None, outcome: Outcome) -> PortfolioResult:
    if not isinstance(outcome, Rebalance):
        return PortfolioResult(portfolio_id, place, name, error=error_view(portfolio_id, outcome))
    return PortfolioResult(
        portfolio_id,
        place,
        name,
        market_value=outcome.market_value,
        cash_before=outcome.cash_before,
        cash_after=outcome.cash_after,
        positions=position_views(outcome),
    )


def error_view(portfolio_id: str, outcome: Failure | SteelyardError) -> dict[str, Any]:
    """Why a portfolio got no orders, JSON-ready."""
    details = {"portfolioId": portfolio_id, **outcome.details}
    return {"code": outcome.code, "message": outcome.message, "details": details}


def _all_failed(model: Model, outcomes: Mapping[str, Outcome]) -> SteelyardError:
    """One refusal for all: its code is theirs if they agree."""
    failed = {one: outcome for one, outcome in outcomes.items() if not isinstance(outcome, Rebalance)}
    only_unsolved = all(isinstance(outcome, Failure) for outcome in failed.values())
    kind = InfeasibleError if only_unsolved else UnavailableError
    codes = {outcome.code for outcome in failed.values()}
    first = next(iter(failed.values()))
    shown: list[dict[str, Any]] = [
        {"portfolioId": portfolio_id, "error": error_view(portfolio_id, outcome)}
        for portfolio_id, outcome in list(failed.items())[:FAILURES_SHOWN_MAX]
    ]
    if len(failed) == 1:
        return kind(first.message, code=first.code, details=shown[0]["error"]["details"] | {"portfolios": shown})
    return kind(
        f"none of the {len(failed)} portfolios of model {model.name!r} could be rebalanced; the first: {first.message}",
        code=codes.pop() if len(codes) == 1 else "REBALANCE_FAILED",
        details={"modelId": model.model_id, "failed": len(failed), "portfolios": shown},
    )
