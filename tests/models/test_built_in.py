"""The built-in holdings and prices, on SQLite and PostgreSQL."""

from decimal import Decimal

from steelyard.core.errors import NotFoundError
from steelyard.models import built_in
from steelyard.models.built_in import Account, BuiltInPortfolios, BuiltInPrices, Security
from steelyard.models.valuation import Portfolio
from tests.models.domain import security
from tests.models.stores import ACME, ZETA

A, B = security("A"), security("B")


async def save(database, by, *, accounts=(), securities=()):
    async with database.transaction() as session:
        await built_in.save_accounts(session, by, accounts)
        await built_in.save_securities(session, by, securities)


async def test_what_is_saved_comes_back_digit_for_digit_and_to_its_tenant_only(database):
    held = Portfolio("p1", Decimal("-5.50"), {A: Decimal("10.70"), B: Decimal(-3)})
    await save(database, ACME, accounts=[Account(held, "Pension")], securities=[Security(A, "AAA", Decimal("33.370"))])
    source = BuiltInPortfolios(database)
    found = await source.portfolios("acme", ["p1", "p2"])
    assert found["p1"] == held
    assert str(found["p1"].holdings[A]) == "10.70"
    assert isinstance(found["p2"], NotFoundError)
    assert await source.names("acme", ["p1", "p2"]) == {"p1": "Pension"}
    assert isinstance((await source.portfolios("zeta", ["p1"]))["p1"], NotFoundError)
    prices = BuiltInPrices(database)
    assert await prices.prices("acme", [A, B, A]) == {A: Decimal("33.370"), B: None}
    assert str((await prices.prices("acme", [A]))[A]) == "33.370"
    assert await prices.prices("zeta", [A]) == {A: None}
    assert await prices.tickers("acme", [A, B]) == {A: "AAA", B: B}


async def test_the_newest_import_takes_the_place_of_the_older_one(database):
    for by, cash in ((ACME, 1), (ZETA, 9), (ACME, 2)):
        await save(
            database,
            by,
            accounts=[Account(Portfolio("p1", Decimal(cash), {A: Decimal(cash)}))],
            securities=[Security(A, f"T{cash}", Decimal(cash))],
        )
    assert (await BuiltInPortfolios(database).portfolios("acme", ["p1"]))["p1"] == Portfolio(
        "p1", Decimal(2), {A: Decimal(2)}
    )
    async with database.reading() as session:
        (account,) = await built_in.list_accounts(session, "acme", limit=10)
        (listed,) = await built_in.list_securities(session, "acme", limit=10)
    assert account.portfolio.holdings == {A: 2}
    assert listed == Security(A, "T2", Decimal(2))


async def test_many_are_saved_and_read_at_once(database):
    ids = [f"p{number:05}" for number in range(1_201)]
    accounts = [Account(Portfolio(one, Decimal(place), {})) for place, one in enumerate(ids)]
    await save(database, ACME, accounts=accounts)
    found = await BuiltInPortfolios(database).portfolios("acme", ids)
    assert [found[one] for one in ids] == [account.portfolio for account in accounts]
    async with database.reading() as session:
        page = await built_in.list_accounts(session, "acme", offset=1_200, limit=10)
    assert [one.portfolio.portfolio_id for one in page] == ["p01200"]
