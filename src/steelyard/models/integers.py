"""From decimals to the kernels' integers and what stays outside of them: fractions, substitutes, leftovers.

A holding has a whole part, which may trade, and a fraction, which stays.  Holdings outside the
model are sold as far as the options allow; substitutes stay as far as their target's window allows.
What stays is known before any solving: it lowers the budget, and where it counts for a target, the
value still wanted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from steelyard.models.choices import MAY_SELL, Choices, at_or_above, at_or_below
from steelyard.models.document import Position
from steelyard.models.options import RebalanceOptions
from steelyard.models.solution import ShareProblem
from steelyard.models.valuation import EXACT, Valued
from steelyard.models.windows import Whole


@dataclass(frozen=True, slots=True)
class Outside:
    """What one portfolio keeps besides the whole units of the model's securities.

    Attributes:
        base: market value less the cash to raise: what weights are shares of.
        remaining: quantity afterwards of each holding that is not in the model.
        counted: by security of the model, the value of substitutes and fractions that counts for it.
        stands_for: by substitute, the security whose target it counts for.
    """

    base: Decimal
    remaining: Mapping[str, Decimal]
    counted: Mapping[str, Decimal]
    stands_for: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class IntegerRows:
    """Portfolios of one model as an integer problem.

    Attributes:
        problem: positions in the order given.
        money_digits: decimals of the smallest unit of money.
        outside: one for each portfolio.
    """

    problem: ShareProblem
    money_digits: int
    outside: tuple[Outside, ...]


def integer_rows(
    positions: Sequence[Position],
    portfolios: Sequence[Valued],
    prices: Mapping[str, Decimal],
    options: RebalanceOptions,
    *,
    is_plain: bool,
) -> IntegerRows:
    """The integer problem of these portfolios; ``is_plain`` without options and fractions."""
    outside = tuple(_outside(positions, portfolio, prices, options) for portfolio in portfolios)
    budgets = [_budget(one, portfolio, positions, prices) for one, portfolio in zip(outside, portfolios, strict=True)]
    price = [prices[position.security_id] for position in positions]
    counted = [[one.counted.get(position.security_id, Decimal(0)) for position in positions] for one in outside]
    bases = [one.base for one in outside]
    money_digits = scale_of([*bases, *budgets, *price, *(value for row in counted for value in row)])
    weights = [(position.target, position.low_drift, position.high_drift) for position in positions]
    weight_digits = scale_of(weight for row in weights for weight in row)
    target, low, high = (scaled([row[k] for row in weights], weight_digits) for k in range(3))
    choices = None if is_plain else _choices(positions, portfolios, prices, options, counted, money_digits)
    problem = ShareProblem(
        market_value=scaled(bases, money_digits),
        target=target,
        low=low,
        high=high,
        price=scaled(price, money_digits),
        unit=10**weight_digits,
        budget=scaled(budgets, money_digits),
        choices=choices,
    )
    return IntegerRows(problem, money_digits, outside)


def whole_part(quantity: Decimal) -> int:
    """The units of a holding that may trade; the rest is a fraction that stays."""
    return int(quantity)


def fraction_of(quantity: Decimal) -> Decimal:
    """The part of a holding that stays as it is, 0 <= fraction < 1."""
    return EXACT.subtract(quantity, Decimal(int(quantity)))


def _outside(
    positions: Sequence[Position], portfolio: Valued, prices: Mapping[str, Decimal], options: RebalanceOptions
) -> Outside:
    base = EXACT.subtract(portfolio.market_value, options.raise_cash)
    in_model = {position.security_id for position in positions}
    remaining: dict[str, Decimal] = {}
    counted: dict[str, Decimal] = {}
    stands_for: dict[str, str] = {}
    for position in positions:
        security_id = position.security_id
        held = [one for one in options.equivalents.get(security_id, ()) if one in portfolio.holdings]
        fraction = EXACT.multiply(fraction_of(portfolio.holdings.get(security_id, Decimal(0))), prices[security_id])
        edge = EXACT.multiply(base, EXACT.add(position.target, position.high_drift))
        room = max(EXACT.subtract(edge, fraction), Decimal(0))
        kept = _kept_substitutes(held, portfolio, prices, options, room)
        remaining |= kept
        stands_for |= dict.fromkeys(held, security_id)
        # Substitutes nobody may sell count up to the window's edge: they are no reason to fail.
        if value := EXACT.add(min(_worth(kept, prices), room), fraction):
            counted[security_id] = value
    for security_id, quantity in portfolio.holdings.items():
        if security_id not in in_model and security_id not in remaining:
            remaining[security_id] = _sold_down(security_id, quantity, 0, prices, options)
    return Outside(base, remaining, counted, stands_for)


def _kept_substitutes(
    held: Sequence[str],
    portfolio: Valued,
    prices: Mapping[str, Decimal],
    options: RebalanceOptions,
    most: Decimal,
) -> dict[str, Decimal]:
    """Substitutes with their quantities, the last ones sold first until all are worth ``most`` or less."""
    kept = {security_id: portfolio.holdings[security_id] for security_id in held}
    for security_id in reversed(held):
        excess = EXACT.subtract(_worth(kept, prices), most)
        if excess > 0:
            units = -(-Fraction(excess) // Fraction(prices[security_id]))
            most_units = max(whole_part(kept[security_id]) - units, 0)
            kept[security_id] = _sold_down(security_id, kept[security_id], most_units, prices, options)
    return kept


def _sold_down(
    security_id: str, quantity: Decimal, most_units: int, prices: Mapping[str, Decimal], options: RebalanceOptions
) -> Decimal:
    """What remains after selling the fewest units that leave ``most_units`` or less, or else all that may be sold."""
    if not options.allowed(security_id) & MAY_SELL:
        return quantity
    rule = (whole_part(quantity), options.lot_of(security_id), options.least_of(security_id, prices[security_id]))
    units = at_or_below(most_units, *rule)
    if units < 0:
        units = at_or_above(0, *rule)
    return EXACT.add(Decimal(units), fraction_of(quantity))


def _budget(
    outside: Outside, portfolio: Valued, positions: Sequence[Position], prices: Mapping[str, Decimal]
) -> Decimal:
    """What the model's whole units may cost: the base less all that stays."""
    nothing = Decimal(0)
    held = {position.security_id: portfolio.holdings.get(position.security_id, nothing) for position in positions}
    fractions = {security_id: fraction_of(quantity) for security_id, quantity in held.items()}
    stays = EXACT.add(_worth(outside.remaining, prices), _worth(fractions, prices))
    return EXACT.subtract(outside.base, stays)


def _choices(
    positions: Sequence[Position],
    portfolios: Sequence[Valued],
    prices: Mapping[str, Decimal],
    options: RebalanceOptions,
    counted: Sequence[Sequence[Decimal]],
    money_digits: int,
) -> Choices:
    securities = [position.security_id for position in positions]
    nothing = Decimal(0)
    held = [[whole_part(one.holdings.get(security_id, nothing)) for security_id in securities] for one in portfolios]
    same_for_all = (
        [options.lot_of(security_id) for security_id in securities],
        [options.least_of(security_id, prices[security_id]) for security_id in securities],
        [options.allowed(security_id) for security_id in securities],
    )
    shape = (len(portfolios), len(securities))
    kept = np.array([[_integer(value, money_digits) for value in row] for row in counted], dtype=object).reshape(shape)
    lot, least, allowed = (np.broadcast_to(np.array(row, dtype=object), shape) for row in same_for_all)
    return Choices(kept, np.array(held, dtype=object).reshape(shape), lot, least, allowed)


def _worth(quantities: Mapping[str, Decimal], prices: Mapping[str, Decimal]) -> Decimal:
    total = Decimal(0)
    for security_id, quantity in quantities.items():
        total = EXACT.add(total, EXACT.multiply(quantity, prices[security_id]))
    return total


def scale_of(numbers: Iterable[Decimal]) -> int:
    """Decimals that hold every one of the numbers."""
    return max((0, *(-int(number.normalize(EXACT).as_tuple().exponent) for number in numbers)))


def scaled(numbers: Sequence[Decimal], digits: int) -> Whole:
    """The numbers in units of ``10**-digits``, exactly."""
    return np.array([_integer(number, digits) for number in numbers], dtype=object)


def _integer(number: Decimal, digits: int) -> int:
    return int(number.scaleb(digits, EXACT))
