"""From the bytes or the dict of a request to its values, and the hash of what was asked.

JSON is first decoded straight into the frozen values, which costs a tenth of a validation by
pydantic.  That path accepts less, never more: whatever it refuses, and whatever breaks a rule that
types cannot express, is left to ``schemas`` to accept or to explain.

Source: contract dpm, sections 1 and 10.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, localcontext
from typing import Any, TypeVar

import msgspec
from pydantic import BaseModel, ValidationError

from steelyard.core.canonical import canonical_hash
from steelyard.core.money import CONTEXT
from steelyard.rebalance import limits, schemas
from steelyard.rebalance.hashing import quick_hash
from steelyard.rebalance.values import (
    ONE,
    BatchRebalanceRequest,
    EngineOptions,
    MarketDataSnapshot,
    Money,
    PortfolioSnapshot,
    RebalanceRequest,
    ShelfEntry,
)

T = TypeVar("T")
_REQUESTS = msgspec.json.Decoder(RebalanceRequest)
_BATCHES = msgspec.json.Decoder(BatchRebalanceRequest)


class MalformedBodyError(ValueError):
    """A body is not what the route accepts.

    Attributes:
        errors: one entry per fault, as FastAPI puts them under ``detail``: ``type, loc, msg, input``.
    """

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(f"{len(errors)} faults, the first: {errors[0]['msg']} at {errors[0]['loc']}")
        self.errors = errors


def read_request(body: bytes | Mapping[str, Any]) -> RebalanceRequest:
    """The request of a simulation, from JSON or from plain values.

    Raises:
        MalformedBodyError: with every fault found.
    """
    quick = quick_request(body) if isinstance(body, bytes) else None
    return quick or read_carefully(body, schemas.RebalanceRequest, RebalanceRequest)


def read_batch(body: bytes | Mapping[str, Any]) -> BatchRebalanceRequest:
    """The request of a what-if analysis, from JSON or from plain values.

    Raises:
        MalformedBodyError: with every fault found.
    """
    quick = quick_batch(body) if isinstance(body, bytes) else None
    return quick or read_carefully(body, schemas.BatchRebalanceRequest, BatchRebalanceRequest)


def quick_request(body: bytes) -> RebalanceRequest | None:
    """The request of a simulation, or None where its body needs the careful way."""
    return _decoded(body, _REQUESTS, _is_sound_request)


def quick_batch(body: bytes) -> BatchRebalanceRequest | None:
    """The request of a what-if analysis, or None where its body needs the careful way."""
    return _decoded(body, _BATCHES, _is_sound_batch)


def read_options(options: Mapping[str, Any]) -> EngineOptions:
    """The options of a scenario.

    Raises:
        ValueError: its text is the first fault.
    """
    try:
        model = schemas.EngineOptions.model_validate(options)
    except ValidationError as error:
        raise ValueError(error.errors()[0]["msg"]) from None
    return msgspec.convert(model.model_dump(), EngineOptions)


def request_hash(request: msgspec.Struct) -> str:
    """The canonical hash of a request with all defaults filled in."""
    return quick_hash(request) or canonical_hash(msgspec.to_builtins(request))


def _decoded(body: bytes, decoder: msgspec.json.Decoder[T], is_sound: Callable[[T], bool]) -> T | None:
    try:
        request = decoder.decode(body)
    except msgspec.DecodeError:
        return None
    return request if is_sound(request) else None


def read_carefully(body: bytes | Mapping[str, Any], model: type[BaseModel], kind: type[T]) -> T:
    """The values of a body by way of its pydantic model.

    Raises:
        MalformedBodyError: with every fault found.
    """
    if isinstance(body, bytes):
        body = _parsed(body)
    try:
        validated = model.model_validate(body, from_attributes=True)  # as FastAPI does
    except ValidationError as error:
        raise MalformedBodyError([_located(fault) for fault in error.errors(include_url=False)]) from None
    return values_of(validated, kind)


def parsed(body: bytes) -> Any:
    """JSON as plain values.

    Raises:
        json.JSONDecodeError: it is none, or none that Python can hold.
    """
    try:
        return json.loads(body)
    except json.JSONDecodeError:
        raise
    except UnicodeDecodeError as error:
        raise json.JSONDecodeError(f"not {error.encoding}: {error.reason}", "", error.start) from None
    except RecursionError:
        raise json.JSONDecodeError("nested too deeply", "", 0) from None
    except ValueError:  # Python reads no integer of more digits
        raise json.JSONDecodeError("a number has too many digits", "", 0) from None


def values_of(validated: BaseModel, kind: type[T]) -> T:
    """The frozen values of a validated body."""
    return msgspec.convert(validated.model_dump(), kind)


def _parsed(body: bytes) -> Any:
    """JSON as FastAPI reads it, with its two faults: no body, and a body that is no JSON."""
    if not body:
        raise MalformedBodyError([{"type": "missing", "loc": ("body",), "msg": "Field required", "input": None}])
    try:
        return parsed(body)
    except json.JSONDecodeError as error:
        fault = {"type": "json_invalid", "loc": ("body", error.pos), "msg": "JSON decode error", "input": {}}
        raise MalformedBodyError([{**fault, "ctx": {"error": error.msg}}]) from None


def _located(fault: Any) -> dict[str, Any]:
    """A fault as FastAPI puts it: below ``body``, and all of it JSON."""
    located = {**fault, "loc": ("body", *fault["loc"])}
    if "ctx" in fault:
        located["ctx"] = {key: _plain(value) for key, value in fault["ctx"].items()}
    return located


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return str(value) if isinstance(value, Exception) else value


def _is_sound_request(request: RebalanceRequest) -> bool:
    """What the types of the values do not say."""
    options = request.options
    return is_sound_book(request) and are_sound_options(options)


def _is_sound_batch(request: BatchRebalanceRequest) -> bool:
    return is_sound_book(request) and schemas.scenario_problem(request.scenarios) is None


def is_sound_book(request: RebalanceRequest | BatchRebalanceRequest) -> bool:
    """Whether snapshots, model and shelf keep what their types do not say."""
    targets = request.model_portfolio.targets
    return (
        len(targets) <= limits.ROWS_MAX
        and are_sound_snapshots(request.portfolio_snapshot, request.market_data_snapshot, request.shelf_entries)
        and are_ordinary([target.weight for target in targets])
    )


def are_sound_snapshots(
    portfolio: PortfolioSnapshot, market: MarketDataSnapshot, shelf: tuple[ShelfEntry, ...]
) -> bool:
    """Whether the parts that all requests share keep the rules that their types do not say."""
    lists = (portfolio.positions, portfolio.cash_balances, market.prices, market.fx_rates, shelf)
    return (
        max(map(len, lists)) <= limits.ROWS_MAX
        and len(portfolio.portfolio_id) <= limits.NAME_CHARACTERS_MAX
        and are_ordinary([row.price for row in market.prices])
        and are_ordinary([row.rate for row in market.fx_rates])
        and are_ordinary(list(_amounts(portfolio, shelf)))
        and _lots_are_sound(portfolio)
        and all(
            len(row.attributes) <= limits.OPTION_KEYS_MAX and (row.lot_size is None or row.lot_size > 0)
            for row in shelf
        )
    )


def _amounts(portfolio: PortfolioSnapshot, shelf: tuple[ShelfEntry, ...]) -> Iterator[Decimal]:
    yield from [position.quantity for position in portfolio.positions]
    for position in portfolio.positions:
        if position.market_value is not None:
            yield position.market_value.amount
        for lot in position.lots:
            yield lot.quantity
            yield lot.unit_cost.amount
    for balance in portfolio.cash_balances:
        yield from (amount for amount in (balance.amount, balance.settled, balance.pending) if amount is not None)
    for row in shelf:
        if row.min_notional is not None:
            yield row.min_notional.amount
        if row.lot_size is not None:
            yield row.lot_size


def are_ordinary(values: list[Decimal]) -> bool:
    """Whether all are within the limits; cheap for the usual case of positive values."""
    try:
        with localcontext(CONTEXT):  # in which NaN cannot be ordered
            if not values or (min(values) >= limits.MAGNITUDE_MIN and max(values) <= limits.MAGNITUDE_MAX):
                return True
            return all(map(limits.within_magnitude, values))
    except ArithmeticError:
        return False


def _lots_are_sound(portfolio: PortfolioSnapshot) -> bool:
    for position in portfolio.positions:
        if not position.lots:
            continue
        quantities = [lot.quantity for lot in position.lots]
        if not (
            len(quantities) <= limits.LOTS_MAX
            and min(quantities) >= 0
            and limits.lots_match(quantities, position.quantity)
        ):
            return False
    return True


def are_sound_options(options: EngineOptions) -> bool:
    """Whether options keep the rules that their types do not say."""
    numbers = [
        options.compare_target_methods_tolerance,
        options.cash_band_min_weight,
        options.cash_band_max_weight,
        options.fx_buffer_pct,
        options.min_cash_buffer_pct,
        options.drift_unmodeled_exposure_threshold,
        *options.max_overdraft_by_ccy.values(),
        *[constraint.max_weight for constraint in options.group_constraints.values()],
        *_present(options.single_position_max_weight, options.max_turnover_pct),
        *_present(options.max_realized_capital_gains, options.cash_to_raise),
        *_present_amounts(options.min_trade_notional, options.dust_trade_threshold),
    ]
    thresholds = options.suitability_thresholds
    shares = [
        options.max_turnover_pct or ONE,
        options.drift_unmodeled_exposure_threshold,
        thresholds.single_position_max_weight,
        thresholds.issuer_max_weight,
        thresholds.cash_band_min_weight,
        thresholds.cash_band_max_weight,
        *thresholds.max_weight_by_liquidity_tier.values(),
        *[constraint.max_weight for constraint in options.group_constraints.values()],
    ]
    return (
        all(map(limits.within_magnitude, numbers))
        and all(map(limits.within_magnitude, shares))
        and all(0 <= share <= 1 for share in shares)
        and thresholds.cash_band_min_weight <= thresholds.cash_band_max_weight
        and all(amount >= 0 for amount in _present(options.max_realized_capital_gains, options.cash_to_raise))
        and schemas.guard_problem(options) is None
        and len(options.equivalents) <= limits.ROWS_MAX
        and (options.wash_sale_guard is None or len(options.wash_sale_guard.recent_trades) <= limits.ROWS_MAX)
        and all(currency and amount >= 0 for currency, amount in options.max_overdraft_by_ccy.items())
        and all(map(schemas.is_group_key, options.group_constraints))
        and max(len(options.group_constraints), len(options.max_overdraft_by_ccy)) <= limits.OPTION_KEYS_MAX
    )


def _present(*values: Decimal | None) -> list[Decimal]:
    return [value for value in values if value is not None]


def _present_amounts(*values: Money | None) -> list[Decimal]:
    return [value.amount for value in values if value is not None]
