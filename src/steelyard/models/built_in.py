"""Holdings, prices and names from our own tables, for those who have no services to ask.

A portfolio is one row with its holdings as JSON text, quantities as strings: it is replaced whole,
read whole, and a book reads a hundred thousand of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import String, Text, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column
from typing_extensions import override

from steelyard.core import clock
from steelyard.core.errors import SteelyardError
from steelyard.infra.audit import record as note
from steelyard.infra.columns import Base, ExactDecimal, UtcDateTime
from steelyard.infra.database import Database
from steelyard.infra.principal import Principal
from steelyard.models.book_holdings import AccountText
from steelyard.models.providers import NameSource, PortfolioSource, PriceSource, unknown_portfolio
from steelyard.models.valuation import Portfolio

ROWS_PER_STATEMENT = 500
_HOW = "import it with `steelyard models import` or POST /api/v1/accounts"


class AccountRow(Base):
    """Cash and holdings of a portfolio."""

    __tablename__ = "accounts"

    tenant: Mapped[str] = mapped_column(String(100), primary_key=True)
    portfolio_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str | None] = mapped_column(String(255))
    cash: Mapped[Decimal] = mapped_column(ExactDecimal)
    holdings: Mapped[str] = mapped_column(Text)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SecurityRow(Base):
    """Ticker and price of a security."""

    __tablename__ = "securities"

    tenant: Mapped[str] = mapped_column(String(100), primary_key=True)
    security_id: Mapped[str] = mapped_column(String(24), primary_key=True)
    ticker: Mapped[str] = mapped_column(String(64))
    price: Mapped[Decimal | None] = mapped_column(ExactDecimal)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


@dataclass(frozen=True, slots=True)
class Account:
    """A portfolio as it is kept here."""

    portfolio: Portfolio
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Security:
    """A security as it is kept here; a price of None says that there is none."""

    security_id: str
    ticker: str
    price: Decimal | None


async def save_accounts(session: AsyncSession, by: Principal, accounts: Sequence[Account]) -> None:
    """Put each account in place of what was known of its portfolio."""
    now = clock.now()
    rows = [
        {
            "tenant": by.tenant,
            "portfolio_id": one.portfolio.portfolio_id,
            "name": one.name,
            "cash": one.portfolio.cash,
            "holdings": holdings_text(one.portfolio.holdings),
            "updated_at": now,
        }
        for one in accounts
    ]
    await _upsert(session, AccountRow, ("tenant", "portfolio_id"), rows)
    note(session, by, "accounts.import", "accounts", {"portfolios": len(accounts)})


async def save_securities(session: AsyncSession, by: Principal, securities: Sequence[Security]) -> None:
    """Put each security in place of what was known of it."""
    now = clock.now()
    rows = [
        {
            "tenant": by.tenant,
            "security_id": one.security_id,
            "ticker": one.ticker,
            "price": one.price,
            "updated_at": now,
        }
        for one in securities
    ]
    await _upsert(session, SecurityRow, ("tenant", "security_id"), rows)
    note(session, by, "securities.import", "securities", {"securities": len(securities)})


async def list_accounts(session: AsyncSession, tenant: str, *, offset: int = 0, limit: int) -> list[Account]:
    """Accounts by portfolio id."""
    query = select(AccountRow).where(AccountRow.tenant == tenant).order_by(AccountRow.portfolio_id)
    return [_account(row) for row in await session.scalars(query.offset(offset).limit(limit))]


async def list_securities(session: AsyncSession, tenant: str, *, offset: int = 0, limit: int) -> list[Security]:
    """Securities by id."""
    query = select(SecurityRow).where(SecurityRow.tenant == tenant).order_by(SecurityRow.security_id)
    rows = await session.scalars(query.offset(offset).limit(limit))
    return [Security(row.security_id, row.ticker, row.price) for row in rows]


def holdings_text(holdings: Mapping[str, Decimal]) -> str:
    """Holdings as they are kept: quantities as strings by security id."""
    return orjson.dumps({security_id: str(quantity) for security_id, quantity in holdings.items()}).decode()


class BuiltInPortfolios(PortfolioSource, NameSource):
    """Cash, holdings and names."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def portfolios(self, tenant: str, portfolio_ids: Sequence[str]) -> Mapping[str, Portfolio | SteelyardError]:
        found = await self._accounts(tenant, portfolio_ids)
        return {one: found[one].portfolio if one in found else unknown_portfolio(one, _HOW) for one in portfolio_ids}

    @override
    async def names(self, tenant: str, portfolio_ids: Sequence[str]) -> Mapping[str, str]:
        found = await self._accounts(tenant, portfolio_ids)
        return {portfolio_id: one.name for portfolio_id, one in found.items() if one.name is not None}

    async def texts(self, tenant: str, portfolio_ids: Sequence[str]) -> Mapping[str, AccountText | SteelyardError]:
        """As :meth:`portfolios`, but as they are kept: a book reads millions of holdings."""
        columns = (AccountRow.portfolio_id, AccountRow.cash, AccountRow.holdings)
        found: dict[str, AccountText] = {}
        async with self._database.reading() as session:
            for start in range(0, len(portfolio_ids), ROWS_PER_STATEMENT):
                some = portfolio_ids[start : start + ROWS_PER_STATEMENT]
                query = select(*columns).where(AccountRow.tenant == tenant, AccountRow.portfolio_id.in_(some))
                found |= {row[0]: AccountText(*row) for row in await session.execute(query)}
        return {one: found[one] if one in found else unknown_portfolio(one, _HOW) for one in portfolio_ids}

    async def _accounts(self, tenant: str, portfolio_ids: Sequence[str]) -> dict[str, Account]:
        found = {}
        async with self._database.reading() as session:
            for start in range(0, len(portfolio_ids), ROWS_PER_STATEMENT):
                some = portfolio_ids[start : start + ROWS_PER_STATEMENT]
                query = select(AccountRow).where(AccountRow.tenant == tenant, AccountRow.portfolio_id.in_(some))
                for row in await session.scalars(query):
                    found[row.portfolio_id] = _account(row)
        return found


class BuiltInPrices(PriceSource):
    """Prices and tickers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def prices(self, tenant: str, security_ids: Iterable[str]) -> Mapping[str, Decimal | None]:
        wanted = list(dict.fromkeys(security_ids))
        found = await self._securities(tenant, wanted)
        return {one: found[one].price if one in found else None for one in wanted}

    async def tickers(self, tenant: str, security_ids: Sequence[str]) -> Mapping[str, str]:
        """Tickers by security id; a security that is not here goes by its id."""
        found = await self._securities(tenant, security_ids)
        return {one: found[one].ticker if one in found else one for one in security_ids}

    async def _securities(self, tenant: str, security_ids: Sequence[str]) -> dict[str, Security]:
        found = {}
        async with self._database.reading() as session:
            for start in range(0, len(security_ids), ROWS_PER_STATEMENT):
                some = security_ids[start : start + ROWS_PER_STATEMENT]
                query = select(SecurityRow).where(SecurityRow.tenant == tenant, SecurityRow.security_id.in_(some))
                for row in await session.scalars(query):
                    found[row.security_id] = Security(row.security_id, row.ticker, row.price)
        return found


def _account(row: AccountRow) -> Account:
    holdings = {security_id: Decimal(quantity) for security_id, quantity in orjson.loads(row.holdings).items()}
    return Account(Portfolio(row.portfolio_id, row.cash, holdings), row.name)


async def _upsert(session: AsyncSession, table: Any, key: tuple[str, ...], rows: Sequence[dict[str, Any]]) -> None:
    is_postgres = session.get_bind().dialect.name == "postgresql"
    for start in range(0, len(rows), ROWS_PER_STATEMENT):
        insert = postgresql.insert(table) if is_postgres else sqlite.insert(table)
        values = insert.values(rows[start : start + ROWS_PER_STATEMENT])
        fresh = {name: values.excluded[name] for name in rows[0] if name not in key}
        await session.execute(values.on_conflict_do_update(index_elements=list(key), set_=fresh))
