"""What a portfolio is worth, and how it is allocated, before and after the trades.

Value in the instrument's currency is quantity x price (or the custodian's value, where that is
trusted); in base currency it is that times the rate.  What has no price or no rate counts as zero
and is noted, so that a later stage can refuse to go on.

Source: contract dpm, section 6.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Context, Decimal
from itertools import repeat
from operator import mul
from typing import TypeVar

from msgspec import Struct

from steelyard.rebalance.holdings import AllocationMetric, Columns, rows_of
from steelyard.rebalance.listing import Listing
from steelyard.rebalance.market import Market, Shelf
from steelyard.rebalance.result import DataQuality, SimulatedState
from steelyard.rebalance.values import ONE, ZERO, CashBalance, Money, Position

_FOUR_DECIMALS = Decimal("0.0001")
_round_weight = Context(prec=200).quantize  # beside a tiny total a weight has more than 28 digits at 4 decimals
_NOTHING = Decimal("1E-18")

Bucket = TypeVar("Bucket")


class Valuation(Struct, frozen=True, gc=False):
    """A valued portfolio.

    Attributes:
        state: what is reported; weights at 4 decimals.
        total: value in base currency.
        weights: unrounded, in the order of the positions.
        cash_weight: of all cash, unrounded.
        columns: quantities and values, in the order of the positions.
    """

    state: SimulatedState
    total: Decimal
    weights: list[Decimal]
    cash_weight: Decimal
    columns: Columns


def value_portfolio(
    positions: Sequence[Position],
    cash_balances: tuple[CashBalance, ...],
    base: str,
    *,
    market: Market,
    shelf: Shelf,
    missing: DataQuality,
    trust_snapshot: bool = False,
    rows_when_asked: bool = False,
) -> Valuation:
    """Value ``positions`` and cash in the currency ``base``; prices and rates not found go to ``missing``.

    With ``rows_when_asked`` the rows of many positions are made only then; ``encode_result`` can do without.
    """
    listing = Listing([position.instrument_id for position in positions], base, market, shelf)
    trusted = [position.market_value for position in positions] if trust_snapshot else None
    quantities = [position.quantity for position in positions]
    return value_units(
        listing, quantities, cash_balances, missing=missing, trusted=trusted, rows_when_asked=rows_when_asked
    )


def value_units(
    listing: Listing,
    quantities: Sequence[Decimal],
    cash_balances: tuple[CashBalance, ...],
    *,
    missing: DataQuality,
    trusted: Sequence[Money | None] | None = None,
    rows_when_asked: bool = True,
) -> Valuation:
    """The same for units of listed instruments; ``trusted`` are the custodian's values, where they count."""
    base = listing.base
    if listing.is_complete and trusted is None:
        currencies, values, in_base = _by_price(listing, quantities)
    else:
        currencies, values, in_base = _with_care(listing, quantities, trusted or [None] * len(quantities), missing)
    cash = [_in_base(row.amount, row.currency, listing, missing) for row in cash_balances]
    total, cash_value = sum([*in_base, *cash], ZERO), sum(cash, ZERO)
    if -_NOTHING < total < _NOTHING:
        total = ZERO
    divisor = total or ONE
    weights = [value / divisor for value in in_base]
    rounded = list(map(_round_weight, weights, repeat(_FOUR_DECIMALS)))
    columns = Columns(listing, quantities, currencies, values, in_base, rounded)
    by_class = _sums(listing.by_class, in_base)
    by_class["CASH"] = by_class.get("CASH", ZERO) + cash_value
    by_attribute: dict[str, dict[str, Decimal]] = {}
    for (name, key), value in _sums(listing.by_attribute, in_base).items():
        by_attribute.setdefault(name, {})[key] = value
    positions, allocation = rows_of(columns, when_asked=rows_when_asked)
    state = SimulatedState(
        total_value=Money(total, base),
        cash_balances=cash_balances,
        positions=positions,
        allocation_by_asset_class=_metrics(by_class, divisor, base),
        allocation_by_instrument=allocation,
        allocation=allocation,
        allocation_by_attribute={name: _metrics(group, divisor, base) for name, group in by_attribute.items()},
    )
    return Valuation(state, total, weights, cash_value / divisor, columns)


def _by_price(
    listing: Listing, quantities: Iterable[Decimal]
) -> tuple[Sequence[str], Sequence[Decimal], Sequence[Decimal]]:
    """Currencies, values and values in base currency where every instrument has price and rate."""
    values = list(map(mul, quantities, listing.amounts))
    in_base = [value if rate is ONE else value * rate for value, rate in zip(values, listing.rates, strict=True)]
    return listing.currencies, values, in_base


def _with_care(
    listing: Listing, quantities: Iterable[Decimal], trusted: Sequence[Money | None], missing: DataQuality
) -> tuple[Sequence[str], Sequence[Decimal], Sequence[Decimal]]:
    """The same where something is missing, which is noted, or where the custodian's values count."""
    currencies, values, in_base = list[str](), list[Decimal](), list[Decimal]()
    for name, quantity, price, own in zip(listing.names, quantities, listing.prices, trusted, strict=True):
        if price is None:
            missing.price_missing.append(name)
        if own is not None:
            amount, currency = own.amount, own.currency
        elif price is not None:
            amount, currency = quantity * price.amount, price.currency
        else:
            amount, currency = ZERO, listing.base
        currencies.append(currency)
        values.append(amount)
        in_base.append(amount if currency == listing.base else _in_base(amount, currency, listing, missing))
    return currencies, values, in_base


def _in_base(amount: Decimal, currency: str, listing: Listing, missing: DataQuality) -> Decimal:
    rate = listing.market.rate(currency, listing.base)
    if rate is None:
        missing.fx_missing.append(f"{currency}/{listing.base}")
        return ZERO
    return amount * rate


def _sums(buckets: Mapping[Bucket, Sequence[int]], values: Sequence[Decimal]) -> dict[Bucket, Decimal]:
    return {bucket: sum([values[place] for place in places], ZERO) for bucket, places in buckets.items()}


def _metrics(values: dict[str, Decimal], divisor: Decimal, base: str) -> list[AllocationMetric]:
    return [
        AllocationMetric(key, _round_weight(value / divisor, _FOUR_DECIMALS), Money(value, base))
        for key, value in values.items()
    ]
