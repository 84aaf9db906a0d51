"""What a portfolio is worth, and how it is allocated, before and after the trades.

Value in the instrument's currency is quantity x price (or the custodian's value, where that is
trusted); in base currency it is that times the rate.  What has no price or no rate counts as zero
and is noted, so that a later stage can refuse to go on.

Source: contract dpm, section 6.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal

from steelyard.rebalance.market import Market, Shelf
from steelyard.rebalance.result import AllocationMetric, DataQuality, PositionSummary, SimulatedState
from steelyard.rebalance.values import ONE, ZERO, CashBalance, Money, Position

_FOUR_DECIMALS = Decimal("0.0001")
_WIDE = Context(prec=200)  # a weight beside a tiny total may have more than 28 digits at 4 decimals
_NOTHING = Decimal("1E-18")
_BLANK: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Valuation:
    """A valued portfolio.

    Attributes:
        state: what is reported; weights at 4 decimals.
        total: value in base currency.
        weights: unrounded, in the order of the positions.
        cash_weight: of all cash, unrounded.
    """

    state: SimulatedState
    total: Decimal
    weights: list[Decimal]
    cash_weight: Decimal


def value_portfolio(
    positions: Sequence[Position],
    cash_balances: tuple[CashBalance, ...],
    base_currency: str,
    *,
    market: Market,
    shelf: Shelf,
    missing: DataQuality,
    trust_snapshot: bool = False,
) -> Valuation:
    """Value ``positions`` and cash in ``base_currency``; prices and rates not found go to ``missing``."""
    values = _position_values(positions, base_currency, market, missing, trust_snapshot=trust_snapshot)
    cash = [_in_base(Money(row.amount, row.currency), base_currency, market, missing).amount for row in cash_balances]
    total = sum([*[in_base.amount for _, in_base in values], *cash], ZERO)
    if -_NOTHING < total < _NOTHING:
        total = ZERO
    return _allocate(positions, values, sum(cash, ZERO), total, cash_balances, base_currency, market, shelf)


def _position_values(
    positions: Sequence[Position], base: str, market: Market, missing: DataQuality, *, trust_snapshot: bool
) -> list[tuple[Money, Money]]:
    """Of each position its value in its own and in base currency."""
    prices, values = market.prices, []
    for position in positions:
        price = prices.get(position.instrument_id)
        if price is None:
            missing.price_missing.append(position.instrument_id)
        if trust_snapshot and position.market_value is not None:
            value = position.market_value
        elif price is not None:
            value = Money(position.quantity * price.amount, price.currency)
        else:
            value = Money(ZERO, base)
        values.append((value, _in_base(value, base, market, missing)))
    return values


def _in_base(value: Money, base: str, market: Market, missing: DataQuality) -> Money:
    if value.currency == base:
        return value
    rate = market.rate(value.currency, base)
    if rate is None:
        missing.fx_missing.append(f"{value.currency}/{base}")
        return Money(ZERO, base)
    return Money(value.amount * rate, base)


def _allocate(
    positions: Sequence[Position],
    values: list[tuple[Money, Money]],
    cash: Decimal,
    total: Decimal,
    cash_balances: tuple[CashBalance, ...],
    base: str,
    market: Market,
    shelf: Shelf,
) -> Valuation:
    divisor = total or ONE
    weights, summaries, by_instrument = [], [], []
    by_class: dict[str, Decimal] = {}
    by_attribute: dict[str, dict[str, Decimal]] = {}
    rows, prices, round_weight = shelf.rows, market.prices, _WIDE.quantize
    for position, (value, value_base) in zip(positions, values, strict=True):
        instrument, amount = position.instrument_id, value_base.amount
        row = rows.get(instrument)
        asset_class, attributes = (row.asset_class, row.attributes) if row else ("UNKNOWN", _BLANK)
        weight = amount / divisor
        weights.append(weight)
        rounded = round_weight(weight, _FOUR_DECIMALS)
        by_class[asset_class] = by_class.get(asset_class, ZERO) + amount
        for name, key in attributes.items():
            group = by_attribute.setdefault(name, {})
            group[key] = group.get(key, ZERO) + amount
        price = prices.get(instrument)
        summaries.append(
            PositionSummary(
                instrument, position.quantity, value.currency, asset_class, price, value, value_base, rounded
            )
        )
        by_instrument.append(AllocationMetric(instrument, rounded, value_base))
    by_class["CASH"] = by_class.get("CASH", ZERO) + cash
    state = SimulatedState(
        total_value=Money(total, base),
        cash_balances=cash_balances,
        positions=summaries,
        allocation_by_asset_class=_metrics(by_class, divisor, base),
        allocation_by_instrument=by_instrument,
        allocation=by_instrument,
        allocation_by_attribute={name: _metrics(group, divisor, base) for name, group in by_attribute.items()},
    )
    return Valuation(state, total, weights, cash_weight=cash / divisor)


def _metrics(values: dict[str, Decimal], divisor: Decimal, base: str) -> list[AllocationMetric]:
    return [
        AllocationMetric(key, _WIDE.quantize(value / divisor, _FOUR_DECIMALS), Money(value, base))
        for key, value in values.items()
    ]
