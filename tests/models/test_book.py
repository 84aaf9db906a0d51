"""A book on arrays gives what the values give, portfolio by portfolio."""

from decimal import Decimal

import numpy as np
import pytest

from steelyard.models.book import REFUSED, rebalance_book
from steelyard.models.orders import Rebalance, rebalance_portfolios
from tests.models.domain import TODAY, model, portfolio, position, prices

NAMES = "ABCX"
MODEL = model(position("A", "0.30"), position("B", "0.25", "0.1", "0.1"), position("C", "0.10", "0.1", "0.2"))
ROWS = (np.array([300, 250, 100, 0]), np.array([20, 100, 100, 0]), np.array([50, 100, 200, 0]))
CENTS = np.array([3337, 10150, 77_700, 512])


@pytest.mark.parametrize("factor", [1, 10**12])
def test_arrays_and_values_agree(factor):
    rng = np.random.default_rng(7)
    cash, held = (10 ** rng.uniform(2, 6, 150)).astype(np.int64), rng.integers(-1, 12, (150, 4))
    cash[1], held[:50] = -5, 0
    held[held < 0] *= rng.random((held < 0).sum()) < 0.1
    cash[0], held[0] = 0, 0
    by_id = prices(**{name: Decimal(int(price)) * factor / 100 for name, price in zip(NAMES, CENTS, strict=True)})
    portfolios = [
        portfolio(Decimal(int(c)) * factor / 100, f"p{i}", **dict(zip(NAMES, map(int, row), strict=True)))
        for i, (c, row) in enumerate(zip(cash, held, strict=True))
    ]
    answers = rebalance_portfolios(MODEL, portfolios, by_id, trade_date=TODAY)
    wide = object if factor > 1 else np.int64
    book = rebalance_book(cash.astype(wide) * factor, held, CENTS.astype(wide) * factor, *ROWS, unit=1000, threads=2)
    kinds = set()
    for p, answer in enumerate(answers):
        kinds.add(int(book.status[p]))
        assert isinstance(answer, Rebalance) == (book.status[p] == 0), answer
        if not isinstance(answer, Rebalance):
            assert book.change[p].tolist() == [0, 0, 0, 0]
            assert book.weight[p].tolist() == [0, 0, 0, 0]
            assert book.cash_after[p] == int(cash[p]) * factor
            continue
        signed = {one.security_id[0]: one.quantity * (1 if one.side == "BUY" else -1) for one in answer.transactions}
        assert dict(zip(NAMES, book.change[p].tolist(), strict=True)) == dict.fromkeys(NAMES, 0) | signed
        assert int(book.cash_after[p]) == answer.cash_after * 100
        weights = {drift.security_id[0]: int(drift.actual * 10_000) for drift in answer.drifts}
        assert dict(zip(NAMES, book.weight[p].tolist(), strict=True)) == dict.fromkeys(NAMES, 0) | weights
    assert {REFUSED, 0, 1} <= kinds
