"""One portfolio of a book, from the columns of its part back to values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from steelyard.models.book_columns import OrderColumns
from steelyard.models.book_store import StoredResult
from steelyard.models.document import Model, Position
from steelyard.models.explain import Reason
from steelyard.models.orders import SOLD, Drift, Rebalance, transactions_of
from steelyard.models.valuation import EXACT, share_of

_NOTHING = Decimal(0)


def read_rebalance(
    model: Model,
    day: date,
    found: StoredResult,
    prices: Mapping[str, Decimal | None],
    entries: OrderColumns,
) -> Rebalance:
    """The rebalance that these entries of a part stand for; ``prices`` in the order of their securities."""
    securities = list(prices)
    value = found.market_value or _NOTHING
    drifts: dict[str, Drift] = {}
    positions = {position.security_id: position for position in model.positions}
    for k, place in enumerate(entries.security.tolist()):
        security_id = securities[place]
        price = prices[security_id] or _NOTHING
        zeros, held, change = (int(column[k]) for column in (entries.decimals, entries.held, entries.change))
        before = Decimal(held * 10**zeros).scaleb(-zeros, EXACT)
        after = EXACT.add(Decimal(held + change), Decimal(0).scaleb(-zeros, EXACT))
        reason = Reason(int(entries.reason[k]))
        why = (reason.name, reason.text) if security_id in positions else SOLD
        position = positions.get(security_id, Position(security_id, _NOTHING, _NOTHING, _NOTHING))
        drifts[security_id] = Drift(
            security_id=security_id,
            price=price,
            original_quantity=before,
            adjusted_quantity=after,
            target=position.target,
            high_drift=position.high_drift,
            low_drift=position.low_drift,
            actual=share_of(EXACT.multiply(after, price), value),
            reason=why[0],
            note=why[1],
        )
    ordered = [drifts[one] for one in [*positions, *sorted(set(drifts) - set(positions))]]
    missed = _NOTHING
    for one in positions:
        missed = EXACT.add(missed, _missed(drifts[one], value))
    return Rebalance(
        portfolio_id=found.portfolio_id,
        market_value=value,
        cash_before=found.cash_before or _NOTHING,
        cash_after=found.cash_after or _NOTHING,
        transactions=transactions_of(ordered, day),
        drifts=tuple(ordered),
        objective=missed,
        cash_is_tight=bool((entries.reason == Reason.CASH).any()),
    )


def _missed(drift: Drift, value: Decimal) -> Decimal:
    holds = EXACT.multiply(drift.adjusted_quantity, drift.price)
    return EXACT.subtract(EXACT.multiply(value, drift.target), holds).copy_abs()
