"""What a portfolio is worth, and how it is allocated, before and after the trades.

Value in the instrument's currency is quantity x price (or the custodian's value, where that is
trusted); in base currency it is that times the rate.  What has no price or no rate counts as zero
and is noted, so that a later stage can refuse to go on.

Source: contract dpm, section 6.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal

from steelyard.rebalance.market import Market, Shelf
from steelyard.rebalance.result import AllocationMetric, DataQuality, PositionSummary, SimulatedState
from steelyard.rebalance.values import ONE, ZERO, CashBalance, Money, Position, ShelfEntry

_FOUR_DECIMALS = Decimal("0.0001")
_round_weight = Context(prec=200).quantize  # beside a tiny total a weight has more than 28 digits at 4 decimals
_NOTHING = Decimal("1E-18")


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
    base: str,
    *,
    market: Market,
    shelf: Shelf,
    missing: DataQuality,
    trust_snapshot: bool = False,
) -> Valuation:
    """Value ``positions`` and cash in the currency ``base``; prices and rates not found go to ``missing``."""
    values = _position_values(positions, base, market, missing, trust_snapshot=trust_snapshot)
    cash = [_in_base(Money(row.amount, row.currency), base, market, missing).amount for row in cash_balances]
    total, cash_value = sum([*[in_base.amount for _, in_base in values], *cash], ZERO), sum(cash, ZERO)
    if -_NOTHING < total < _NOTHING:
        total = ZERO
    divisor = total or ONE
    weights = [in_base.amount / divisor for _, in_base in values]
    rounded = [_round_weight(weight, _FOUR_DECIMALS) for weight in weights]
    names = [position.instrument_id for position in positions]
    rows = [shelf.rows.get(name) for name in names]
    summaries = [
        PositionSummary(name, position.quantity, value.currency, asset_class, price, value, in_base, weight)
        for name, position, (value, in_base), weight, asset_class, price in zip(
            names,
            positions,
            values,
            rounded,
            [row.asset_class if row else "UNKNOWN" for row in rows],
            [market.prices.get(name) for name in names],
            strict=True,
        )
    ]
    by_instrument = [
        AllocationMetric(name, weight, in_base)
        for name, weight, (_, in_base) in zip(names, rounded, values, strict=True)
    ]
    state = SimulatedState(
        total_value=Money(total, base),
        cash_balances=cash_balances,
        positions=summaries,
        allocation_by_asset_class=_metrics(_by_asset_class(summaries, cash_value), divisor, base),
        allocation_by_instrument=by_instrument,
        allocation=by_instrument,
        allocation_by_attribute={
            name: _metrics(group, divisor, base) for name, group in _by_attribute(rows, values).items()
        },
    )
    return Valuation(state, total, weights, cash_weight=cash_value / divisor)


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
        values.append((value, value if value.currency == base else _in_base(value, base, market, missing)))
    return values


def _in_base(value: Money, base: str, market: Market, missing: DataQuality) -> Money:
    rate = market.rate(value.currency, base)
    if rate is None:
        missing.fx_missing.append(f"{value.currency}/{base}")
        return Money(ZERO, base)
    return Money(value.amount * rate, base)


def _by_asset_class(summaries: Iterable[PositionSummary], cash: Decimal) -> dict[str, Decimal]:
    groups: dict[str, Decimal] = {}
    for summary in summaries:
        key = summary.asset_class
        groups[key] = groups.get(key, ZERO) + summary.value_in_base_ccy.amount
    groups["CASH"] = groups.get("CASH", ZERO) + cash
    return groups


def _by_attribute(
    rows: Iterable[ShelfEntry | None], values: Iterable[tuple[Money, Money]]
) -> dict[str, dict[str, Decimal]]:
    sums: dict[tuple[str, str], Decimal] = {}
    for row, (_, in_base) in zip(rows, values, strict=True):
        if row is not None:
            amount = in_base.amount
            for attribute in row.attributes.items():
                sums[attribute] = sums.get(attribute, ZERO) + amount
    groups: dict[str, dict[str, Decimal]] = {}
    for (name, key), amount in sums.items():
        groups.setdefault(name, {})[key] = amount
    return groups


def _metrics(values: dict[str, Decimal], divisor: Decimal, base: str) -> list[AllocationMetric]:
    return [
        AllocationMetric(key, _round_weight(value / divisor, _FOUR_DECIMALS), Money(value, base))
        for key, value in values.items()
    ]
