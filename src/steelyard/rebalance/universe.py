"""What may be bought, what may be sold, and what stays as it is.

A model target is judged by its shelf row; a holding outside the model is sold, unless its status
locks it.  A locked holding keeps its current weight and is never traded.

Source: contract dpm, section 6.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from steelyard.rebalance.market import Shelf
from steelyard.rebalance.result import ExcludedInstrument
from steelyard.rebalance.values import ZERO, ModelTarget, Position

_LOCKING = ("BANNED", "SUSPENDED", "RESTRICTED")


class Universe(Struct, gc=False):
    """The instruments that a run has to decide about.

    Attributes:
        weights: the weight to start from, of every instrument that has one; its order matters later.
        buyable: those that may be bought, in order, each once.
        locked: those that keep their weight.
        sell_only_excess: model weight of instruments that may only be sold.
        for_buy, for_sell: as reported; a model that names an instrument twice shows it twice.
    """

    weights: dict[str, Decimal] = {}
    buyable: dict[str, None] = {}
    locked: set[str] = set()
    sell_only_excess: Decimal = ZERO
    for_buy: list[str] = []
    for_sell: list[str] = []
    excluded: list[ExcludedInstrument] = []


def build_universe(
    model: Sequence[ModelTarget],
    positions: Sequence[Position],
    current_weights: Sequence[Decimal],
    shelf: Shelf,
    *,
    allow_restricted: bool,
    shelf_missing: list[str],
) -> Universe:
    """Sort model targets and holdings by what may be done with them.

    ``current_weights`` are unrounded, one per position; ``shelf_missing`` receives the model targets
    that are on no shelf row.
    """
    universe, rows = Universe(), shelf.rows
    for target in model:
        _add_target(universe, target, shelf, allow_restricted=allow_restricted, shelf_missing=shelf_missing)
    weights, for_sell = universe.weights, universe.for_sell
    for position, weight in zip(positions, current_weights, strict=True):
        instrument = position.instrument_id
        if instrument in weights or not position.quantity:
            continue
        row = rows.get(instrument)
        status = row.status if row else "MISSING_SHELF"
        if row is None or status in _LOCKING:
            weights[instrument] = weight
            universe.locked.add(instrument)
            universe.excluded.append(ExcludedInstrument(instrument, f"LOCKED_DUE_TO_{status}"))
        else:
            weights[instrument] = ZERO
            for_sell.append(instrument)
    return universe


def _add_target(
    universe: Universe, target: ModelTarget, shelf: Shelf, *, allow_restricted: bool, shelf_missing: list[str]
) -> None:
    instrument = target.instrument_id
    row = shelf.rows.get(instrument)
    status = "" if row is None else row.status
    if status == "APPROVED" or (status == "RESTRICTED" and allow_restricted):
        universe.weights[instrument] = target.weight
        universe.buyable[instrument] = None
        universe.for_buy.append(instrument)
        universe.for_sell.append(instrument)
    elif row is None:
        shelf_missing.append(instrument)
    elif status == "SELL_ONLY":
        universe.weights[instrument] = ZERO
        universe.sell_only_excess += target.weight
        universe.for_sell.append(instrument)
        universe.excluded.append(ExcludedInstrument(instrument, "SHELF_STATUS_SELL_ONLY"))
    else:
        universe.excluded.append(ExcludedInstrument(instrument, f"SHELF_STATUS_{status}"))
