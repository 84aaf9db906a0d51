"""One part of a book: some thousand portfolios of one model, as arrays where that is exact.

Portfolios with whole holdings go through :func:`steelyard.models.book.rebalance_book`.  The others
(fractions, options, a price that is missing) and those that it refuses go through
:func:`steelyard.models.orders.rebalance_portfolios`, which explains a refusal.  Both give the same
orders and the same record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from steelyard.models.book import BookRebalance, rebalance_book
from steelyard.models.book_columns import OrderColumns, join_columns
from steelyard.models.book_holdings import UNITS_MAX, AccountText, HoldingColumns
from steelyard.models.document import Model, Position
from steelyard.models.explain import Reason
from steelyard.models.integers import scale_of, scaled
from steelyard.models.orders import Rebalance, Side, rebalance_portfolios
from steelyard.models.valuation import EXACT, Failure, Portfolio, failure, within_limits
from steelyard.models.views import position_views
from steelyard.models.windows import SUM_MAX, Whole, largest

VALUES_AT_ONCE = 100
"""Portfolios rebalanced as values between two looks at whether to stop: some tenths of a second."""


@dataclass(frozen=True, slots=True)
class BookResult:
    """What a book came to for one portfolio.

    Attributes:
        trades: how many orders.
        positions: JSON-ready, where it was rebalanced as a value; None where the columns have them.
        failure: why there are no orders; None if there are.
    """

    portfolio_id: str
    market_value: Decimal | None = None
    cash_before: Decimal | None = None
    cash_after: Decimal | None = None
    trades: int = 0
    positions: tuple[Mapping[str, Any], ...] | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ChunkResult:
    """A part of a book.

    Attributes:
        results: in the order of the accounts.
        columns: rows are places in ``results``, securities those of the holdings.
    """

    results: tuple[BookResult, ...]
    columns: OrderColumns


def rebalance_chunk(
    model: Model,
    accounts: Sequence[AccountText],
    holdings: HoldingColumns,
    prices: Mapping[str, Decimal | None],
    *,
    trade_date: date,
    threads: int = 1,
    keep_going: Callable[[], None] = lambda: None,
) -> ChunkResult:
    """Orders for portfolios of one model.

    Args:
        model: with the options to go by.
        accounts: any number.
        holdings: what :func:`steelyard.models.book_holdings.read_holdings` made of them.
        prices: of ``holdings.securities``.
        trade_date: date of every transaction.
        threads: of the solver.
        keep_going: called between portions of work; what it raises ends it.
    """
    results: dict[int, BookResult] = {}
    parts = []
    if model.positions and (model.options is None or model.options.is_plain):
        arrays = _Arrays.of(model, accounts, holdings, prices)
        if arrays is not None:
            book = arrays.solve(threads)
            rows = arrays.answered(book)
            results |= arrays.results(accounts, book, rows)
            parts.append(arrays.columns(book, rows))
    rest = [p for p in range(len(accounts)) if p not in results]
    places = {security_id: place for place, security_id in enumerate(holdings.securities)}
    for start in range(0, len(rest), VALUES_AT_ONCE):
        keep_going()
        some = rest[start : start + VALUES_AT_ONCE]
        found, columns = _by_values(model, accounts, some, prices, places, trade_date)
        results |= found
        parts.append(columns)
    return ChunkResult(tuple(results[p] for p in range(len(accounts))), join_columns(parts))


@dataclass(frozen=True, slots=True, eq=False)
class _Arrays:
    """Portfolios of one model in integers; those that cannot be are left empty.

    Attributes:
        positions: of the model, by security id.
        usable: ``(P,)``.
        cash: ``(P,)``, in units of ``10**-digits``, with what the model does not have sold.
        held: ``(P, N)`` of the model's securities.
        decimals: ``(P, N)`` of ``held``.
        price: ``(S,)`` of all securities, in the same units.
        others: places in ``entries`` of holdings that the model does not have.
        amount_digits: ``(2, P)``, decimals of the market value and of the cash afterwards.
    """

    positions: tuple[Position, ...]
    entries: HoldingColumns
    usable: npt.NDArray[np.bool_]
    cash: Whole
    held: npt.NDArray[np.int64]
    decimals: npt.NDArray[np.int8]
    price: Whole
    digits: int
    others: npt.NDArray[np.intp]
    amount_digits: npt.NDArray[np.int64]

    @classmethod
    def of(
        cls,
        model: Model,
        accounts: Sequence[AccountText],
        entries: HoldingColumns,
        prices: Mapping[str, Decimal | None],
    ) -> _Arrays | None:
        """None if a security of the model has no good price."""
        positions = tuple(sorted(model.positions, key=lambda position: position.security_id))
        known = [prices.get(security_id) for security_id in entries.securities]
        good = np.array([one is not None and within_limits(one) and one > 0 for one in known], np.bool_)
        if not good[: len(positions)].all():
            return None
        usable = entries.is_whole & np.array([within_limits(one.cash) and one.cash >= 0 for one in accounts], np.bool_)
        usable[entries.portfolio[~good[entries.security] | (entries.units < 0)]] = False
        listed = [one if one is not None and fine else Decimal(1) for one, fine in zip(known, good, strict=True)]
        cash = [one.cash if fine else Decimal(0) for one, fine in zip(accounts, usable, strict=True)]
        digits = scale_of([*cash, *listed])
        others = np.flatnonzero((entries.security >= len(positions)) & usable[entries.portfolio])
        price = scaled(listed, digits)
        shape = (len(accounts), len(positions))
        held, decimals = np.zeros(shape, np.int64), np.zeros(shape, np.int8)
        mine = (entries.security < len(positions)) & usable[entries.portfolio]
        cells = (entries.portfolio[mine], entries.security[mine])
        held[cells], decimals[cells] = entries.units[mine], entries.decimals[mine]
        return cls(
            positions=positions,
            entries=entries,
            usable=usable,
            cash=_with_sold(scaled(cash, digits), price, entries, others),
            held=held,
            decimals=decimals,
            price=price,
            digits=digits,
            others=others,
            amount_digits=_amount_digits(cash, listed, entries, usable, len(positions)),
        )

    def solve(self, threads: int) -> BookRebalance:
        """The orders of all, as arrays."""
        weights = [(one.target, one.low_drift, one.high_drift) for one in self.positions]
        weight_digits = scale_of(weight for row in weights for weight in row)
        target, low, high = (scaled([row[k] for row in weights], weight_digits) for k in range(3))
        price = self.price[: len(self.positions)]
        unit = 10**weight_digits
        return rebalance_book(self.cash, self.held, price, target, low, high, unit=unit, threads=threads)

    def answered(self, book: BookRebalance) -> npt.NDArray[np.intp]:
        """Rows with orders that are of a size to be stored."""
        small = (abs(book.change) <= UNITS_MAX).all(axis=1)
        return np.flatnonzero(self.usable & (book.status == 0) & small)

    def results(
        self, accounts: Sequence[AccountText], book: BookRebalance, rows: npt.NDArray[np.intp]
    ) -> dict[int, BookResult]:
        """The amounts of these rows, with the decimals that adding them up by hand gives them."""
        sold = np.bincount(self.entries.portfolio[self.others], minlength=len(self.usable))
        trades = (np.count_nonzero(book.change, axis=1) + sold)[rows].tolist()
        amounts = [
            [_amount(units, self.digits, shown) for units, shown in zip(value[rows].tolist(), digits, strict=True)]
            for value, digits in zip(
                (book.market_value, book.cash_after), self.amount_digits[:, rows].tolist(), strict=True
            )
        ]
        return {
            p: BookResult(accounts[p].portfolio_id, before, accounts[p].cash, after, count)
            for p, before, after, count in zip(rows.tolist(), *amounts, trades, strict=True)
        }

    def columns(self, book: BookRebalance, rows: npt.NDArray[np.intp]) -> OrderColumns:
        """Every security of the model in these rows, then what else they held."""
        n = len(self.positions)
        is_mine = np.zeros(len(self.usable), np.bool_)
        is_mine[rows] = True
        rest = self.others[is_mine[self.entries.portfolio[self.others]]]
        units = self.entries.units[rest]
        model = OrderColumns(
            portfolio=np.repeat(rows.astype(np.int32), n),
            security=np.tile(np.arange(n, dtype=np.int32), len(rows)),
            held=self.held[rows].ravel(),
            decimals=self.decimals[rows].ravel(),
            change=book.change[rows].astype(np.int64).ravel(),
            reason=book.reason[rows].ravel(),
        )
        sold = OrderColumns(
            portfolio=self.entries.portfolio[rest],
            security=self.entries.security[rest],
            held=units,
            decimals=self.entries.decimals[rest],
            change=-units,
            reason=np.full(len(rest), Reason.NEAREST, np.int8),
        )
        return join_columns([model, sold])


def _with_sold(cash: Whole, price: Whole, entries: HoldingColumns, others: npt.NDArray[np.intp]) -> Whole:
    """Cash of each portfolio with what it gets for its other holdings."""
    rows, units, places = entries.portfolio[others], entries.units[others], entries.security[others]
    most = largest(cash) + len(others) * largest(units) * largest(price)
    dtype = np.dtype(np.int64 if most < SUM_MAX else object)
    total = cash.astype(dtype)
    np.add.at(total, rows, units.astype(dtype) * price.astype(dtype)[places])
    return total


def _amount_digits(
    cash: Sequence[Decimal],
    prices: Sequence[Decimal],
    entries: HoldingColumns,
    usable: npt.NDArray[np.bool_],
    positions: int,
) -> npt.NDArray[np.int64]:
    of_cash, of_price = (
        np.array([-int(one.as_tuple().exponent) for one in numbers], np.int64) for numbers in (cash, prices)
    )
    before = np.maximum(of_cash, 0)
    there = usable[entries.portfolio]
    np.maximum.at(before, entries.portfolio[there], of_price[entries.security[there]] + entries.decimals[there])
    return np.stack([before, np.maximum(before, of_price[:positions].max(initial=0))])


def _amount(units: int, digits: int, shown: int) -> Decimal:
    if shown >= digits:
        units, digits = units * 10 ** (shown - digits), shown
    else:
        units, digits = units // 10 ** (digits - shown), shown
    return Decimal(units).scaleb(-digits, EXACT)


def _by_values(
    model: Model,
    accounts: Sequence[AccountText],
    rows: Sequence[int],
    prices: Mapping[str, Decimal | None],
    places: Mapping[str, int],
    trade_date: date,
) -> tuple[dict[int, BookResult], OrderColumns]:
    portfolios = [_portfolio(accounts[p]) for p in rows]
    answers = rebalance_portfolios(model, portfolios, prices, trade_date=trade_date, options=model.options)
    results: dict[int, BookResult] = {}
    trades: list[tuple[int, int, int]] = []
    for p, answer in zip(rows, answers, strict=True):
        results[p] = result = _result(answer)
        if isinstance(answer, Rebalance) and result.failure is None:
            for order in answer.transactions:
                signed = order.quantity if order.side is Side.BUY else -order.quantity
                trades.append((p, places[order.security_id], signed))
    table = np.array(trades, np.int64).reshape(len(trades), 3)
    nothing = np.zeros(len(trades), np.int8)
    row, security = (table[:, k].astype(np.int32) for k in range(2))
    return results, OrderColumns(row, security, nothing.astype(np.int64), nothing, table[:, 2], nothing)


def _portfolio(account: AccountText) -> Portfolio:
    held = {security_id: Decimal(quantity) for security_id, quantity in orjson.loads(account.holdings).items()}
    return Portfolio(account.portfolio_id, account.cash, held)


def _result(answer: Rebalance | Failure) -> BookResult:
    if isinstance(answer, Failure):
        return BookResult(answer.portfolio_id, failure=answer)
    largest_order = max((order.quantity for order in answer.transactions), default=0)
    if largest_order > UNITS_MAX:
        facts = {"units": largest_order, "units_max": UNITS_MAX}
        return BookResult(answer.portfolio_id, failure=failure(answer.portfolio_id, "ORDER_TOO_LARGE", _LARGE, **facts))
    return BookResult(
        answer.portfolio_id,
        answer.market_value,
        answer.cash_before,
        answer.cash_after,
        len(answer.transactions),
        position_views(answer),
    )


_LARGE = "it needs an order of {units} units; an order of a book has at most {units_max}"
