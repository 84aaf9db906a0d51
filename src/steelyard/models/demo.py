"""Two demo models and the accounts that follow them: made up, and called so; only the prices are the demo store's.

One account is too small for whole shares of one position, so that a refusal can be seen too.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal

from steelyard.core.errors import ConflictError
from steelyard.infra.database import Database
from steelyard.infra.principal import Principal
from steelyard.market.demo import install_demo_dataset_of
from steelyard.market.store import PriceStore
from steelyard.models.built_in import Account, Security, save_accounts, save_securities
from steelyard.models.document import Model, Position
from steelyard.models.service import create_model
from steelyard.models.stores import ModelStore
from steelyard.models.valuation import Portfolio

DEMO_MODELS: Mapping[str, Mapping[str, str]] = {
    "Demo (synthetic): technology and health": {
        "AAPL": "0.18", "MSFT": "0.18", "LLY": "0.14", "UNH": "0.12", "MRK": "0.09", "JNJ": "0.08", "AMD": "0.08",
        "PFE": "0.06",
    },
    "Demo (synthetic): steady income": {
        "KO": "0.15", "PEP": "0.12", "PG": "0.14", "WMT": "0.12", "XOM": "0.1", "CVX": "0.09", "JPM": "0.12",
        "BAC": "0.06", "HD": "0.045",
    },
}  # fmt: skip
"""Tickers and targets by the name of the model."""

ACCOUNTS_PER_MODEL = 10
_SEED = 30
_CENT = Decimal("0.01")
_OUTSIDER = "GE"
_TINY = "demo-20"


def demo_security_id(ticker: str) -> str:
    """The made-up id of a demo security: 24 letters and digits that show the ticker."""
    return f"DEMO{ticker}".ljust(24, "0")


async def install_demo_models(store: ModelStore, database: Database, by: Principal, prices: PriceStore) -> int:
    """Bring in what is not there yet; how many models that were.

    Models that exist stay as they are, and so do the accounts and prices of an installation that has one of them.
    """
    there = {model.name for model in await store.list_models(by.tenant)}
    if not there.intersection(DEMO_MODELS):
        closes = _closes(prices)
        securities = [Security(demo_security_id(ticker), ticker, price) for ticker, price in closes.items()]
        async with database.transaction() as session:
            await save_securities(session, by, securities)
            await save_accounts(session, by, _accounts(closes))
    made = 0
    for number, (name, targets) in enumerate(DEMO_MODELS.items()):
        if name in there:
            continue
        ids = tuple(_account_id(number, place) for place in range(ACCOUNTS_PER_MODEL))
        try:
            await create_model(store, by, Model(name, _positions(targets), ids))
        except ConflictError:  # another process was faster, with the same model
            continue
        made += 1
    return made


def _closes(prices: PriceStore) -> dict[str, Decimal]:
    tickers = [ticker for targets in DEMO_MODELS.values() for ticker in targets] + [_OUTSIDER]
    install_demo_dataset_of(prices, tickers[0])
    return {ticker: _cents(Decimal(float(prices.load(ticker).close[-1]))) for ticker in tickers}


def _positions(targets: Mapping[str, str]) -> tuple[Position, ...]:
    positions = []
    for ticker, target in targets.items():
        wide = Decimal("0.03") if Decimal(target) >= Decimal("0.1") else Decimal("0.02")
        positions.append(Position(demo_security_id(ticker), Decimal(target), high_drift=wide, low_drift=wide))
    return tuple(positions)


def _account_id(model: int, place: int) -> str:
    return f"demo-{model * ACCOUNTS_PER_MODEL + place + 1:02}"


def _accounts(closes: Mapping[str, Decimal]) -> list[Account]:
    """Accounts that drifted away from their model, each by its own seeded draw."""
    draw = random.Random(_SEED)  # noqa: S311 - made-up holdings, the same at every installation
    accounts = []
    for number, targets in enumerate(DEMO_MODELS.values()):
        for place in range(ACCOUNTS_PER_MODEL):
            portfolio_id = _account_id(number, place)
            value = Decimal(2_500 if portfolio_id == _TINY else draw.randrange(60_000, 900_000))
            holdings = {
                demo_security_id(ticker): Decimal(int(value * Decimal(target) * _stretch(draw) / closes[ticker]))
                for ticker, target in targets.items()
            }
            if place % 3 == 1:
                holdings[demo_security_id(_OUTSIDER)] = Decimal(draw.randrange(5, 60))
            cash = _cents(value * Decimal(draw.randrange(2, 9)) / 100)
            name = f"Demo account {portfolio_id[-2:]} (synthetic)"
            accounts.append(Account(Portfolio(portfolio_id, cash, holdings), name))
    return accounts


def _stretch(draw: random.Random) -> Decimal:
    return Decimal(draw.randrange(70, 131)) / 100


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, ROUND_HALF_EVEN)
