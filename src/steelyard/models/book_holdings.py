"""Accounts of a book as columns: one entry for each holding, in whole units.

Ten million quantities are read as text and never become decimals, unless they have a point.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import orjson

UNITS_MAX = 10**12
"""Units of one holding or order of a book; a sum over all its portfolios fits 64 bits."""
_DECIMALS_MAX = 40


@dataclass(frozen=True, slots=True)
class AccountText:
    """Cash and holdings as they are kept: the holdings as a JSON object of quantities by security id."""

    portfolio_id: str
    cash: Decimal
    holdings: str


@dataclass(frozen=True, slots=True, eq=False)
class HoldingColumns:
    """Holdings of ``P`` portfolios in ``E`` entries, zeros left out.

    Attributes:
        securities: ids; the model's first, then the others that are held.
        portfolio: ``(E,)``, rows of the portfolios, ascending.
        security: ``(E,)``, places in ``securities``.
        units: ``(E,)``, whole, of any sign.
        decimals: ``(E,)``, how many zeros the quantity has after its point.
        is_whole: ``(P,)``; a portfolio with a fraction, an exponent, or more than ``UNITS_MAX`` of something has no
            entries.
    """

    securities: tuple[str, ...]
    portfolio: npt.NDArray[np.int32]
    security: npt.NDArray[np.int32]
    units: npt.NDArray[np.int64]
    decimals: npt.NDArray[np.int8]
    is_whole: npt.NDArray[np.bool_]


def read_holdings(accounts: Sequence[AccountText], model_securities: Sequence[str]) -> HoldingColumns:
    """The holdings of these accounts; ``model_securities`` come first in the list of securities."""
    places = _Places(model_securities)
    counts = np.zeros(len(accounts), np.int64)
    is_whole = np.ones(len(accounts), np.bool_)
    security: list[int] = []
    units: list[int] = []
    decimals: list[int] = []
    for p, account in enumerate(accounts):
        holdings = orjson.loads(account.holdings)
        held = list(map(places.__getitem__, holdings))
        read = _whole_units(holdings.values())
        if read is None or (read[0] and not -UNITS_MAX <= min(read[0]) <= max(read[0]) <= UNITS_MAX):
            is_whole[p] = False
            continue
        counts[p] = len(held)
        security += held
        units += read[0]
        decimals += read[1]
    columns = (np.repeat(np.arange(len(accounts), dtype=np.int32), counts), np.array(security, np.int32))
    amounts, zeros = np.array(units, np.int64), np.array(decimals, np.int8)
    there = amounts != 0
    return HoldingColumns(tuple(places), columns[0][there], columns[1][there], amounts[there], zeros[there], is_whole)


class _Places(dict[str, int]):
    """Places of securities in a list that grows by whoever is asked for and not in it."""

    def __init__(self, securities: Iterable[str]) -> None:
        super().__init__((security_id, place) for place, security_id in enumerate(securities))

    def __missing__(self, security_id: str) -> int:
        place = self[security_id] = len(self)
        return place


def _whole_units(quantities: Iterable[str]) -> tuple[list[int], list[int]] | None:
    """Units, and decimals that are all zeros; None if one has a fraction."""
    texts = list(quantities)
    try:
        return list(map(int, texts)), [0] * len(texts)
    except ValueError:  # a point or an exponent
        numbers = [Decimal(text) for text in texts]
    if any(not number.is_finite() or number.adjusted() > len(str(UNITS_MAX)) for number in numbers):
        return None
    decimals = [-int(number.as_tuple().exponent) for number in numbers]
    if not 0 <= min(decimals) <= max(decimals) <= _DECIMALS_MAX or any(number != int(number) for number in numbers):
        return None
    return [int(number) for number in numbers], decimals
