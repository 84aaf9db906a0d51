"""From the bytes of a proposal's request to its values.

As in ``rebalance.wire``: JSON is first decoded straight into the frozen values, which accepts less
than the documented models do, never more; whatever it refuses is left to them.

Source: contract dpm, sections 1 and 12.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

import msgspec
from msgspec import Struct

from steelyard.proposals.schemas import ProposalSimulateRequest
from steelyard.proposals.values import ProposalRequest, ProposedCashFlow, ProposedTrade, ReferenceModel
from steelyard.rebalance import limits
from steelyard.rebalance.values import EngineOptions, MarketDataSnapshot, Money, PortfolioSnapshot, ShelfEntry
from steelyard.rebalance.wire import are_ordinary, are_sound_options, are_sound_snapshots, read_carefully


def read_proposal(body: bytes | Mapping[str, Any]) -> ProposalRequest:
    """The request of a proposal, from JSON or from plain values.

    Raises:
        MalformedBodyError: with every fault found.
    """
    quick = quick_proposal(body) if isinstance(body, bytes) else None
    return quick or read_carefully(body, ProposalSimulateRequest, ProposalRequest)


def quick_proposal(body: bytes) -> ProposalRequest | None:
    """The request of a proposal, or None where its body needs the careful way."""
    try:
        wire = _BODIES.decode(body)
        flows = tuple(flow.value() for flow in wire.proposed_cash_flows)
        trades = tuple(trade.value() for trade in wire.proposed_trades)
    except msgspec.MsgspecError:
        return None
    if not _is_sound(wire, flows, trades):
        return None
    return ProposalRequest(
        wire.portfolio_snapshot,
        wire.market_data_snapshot,
        wire.shelf_entries,
        wire.options,
        flows,
        trades,
        wire.reference_model,
    )


class _Amount(Struct, frozen=True, gc=False):
    amount: str | int  # a float has already lost the value that was meant
    currency: str


class _Flow(Struct, frozen=True, gc=False):
    currency: str
    amount: str | int
    description: str | None = None
    intent_type: Literal["CASH_FLOW"] = "CASH_FLOW"

    def value(self) -> ProposedCashFlow:
        return ProposedCashFlow(self.currency, _exact(self.amount), self.description)


class _Trade(Struct, frozen=True, gc=False):
    side: Literal["BUY", "SELL"]
    instrument_id: str
    quantity: str | int | None = None
    notional: _Amount | None = None
    intent_type: Literal["SECURITY_TRADE"] = "SECURITY_TRADE"

    def value(self) -> ProposedTrade:
        quantity = None if self.quantity is None else _exact(self.quantity)
        given = self.notional
        notional = None if given is None else Money(_exact(given.amount), given.currency)
        return ProposedTrade(self.side, self.instrument_id, quantity, notional)


class _Body(Struct, frozen=True, gc=False):
    portfolio_snapshot: PortfolioSnapshot
    market_data_snapshot: MarketDataSnapshot
    shelf_entries: tuple[ShelfEntry, ...]
    options: EngineOptions = EngineOptions()
    proposed_cash_flows: tuple[_Flow, ...] = ()
    proposed_trades: tuple[_Trade, ...] = ()
    reference_model: ReferenceModel | None = None


_BODIES = msgspec.json.Decoder(_Body)


def _exact(value: str | int) -> Decimal:
    return msgspec.convert(value, Decimal)


def _is_sound(wire: _Body, flows: tuple[ProposedCashFlow, ...], trades: tuple[ProposedTrade, ...]) -> bool:
    """What the types of the values do not say."""
    return (
        are_sound_snapshots(wire.portfolio_snapshot, wire.market_data_snapshot, wire.shelf_entries)
        and are_sound_options(wire.options)
        and max(len(flows), len(trades)) <= limits.ROWS_MAX
        and are_ordinary([flow.amount for flow in flows])
        and all(map(_is_sound_trade, trades))
        and (wire.reference_model is None or _is_sound_model(wire.reference_model))
    )


def _is_sound_trade(trade: ProposedTrade) -> bool:
    if (trade.quantity is None) == (trade.notional is None):
        return False
    size = trade.quantity if trade.notional is None else trade.notional.amount
    return size is not None and limits.within_magnitude(size) and size > 0


def _is_sound_model(model: ReferenceModel) -> bool:
    targets = (model.asset_class_targets, model.instrument_targets)
    return max(map(len, targets)) <= limits.ROWS_MAX and are_ordinary([row.weight for rows in targets for row in rows])
