"""The built-in holdings and prices over HTTP: put them in as JSON, CSV or Parquet, and read them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from steelyard.core.errors import InvalidInputError
from steelyard.infra.web import Session
from steelyard.models import built_in, importing
from steelyard.models.built_in import Account, Security
from steelyard.models.endpoints import Offset, Reader, Writer, json_response
from steelyard.models.exact_json import ExactRoute
from steelyard.models.importing import CASH, Row
from steelyard.models.rebalance_endpoints import Limit
from steelyard.models.schemas import Number, Text, Wire
from steelyard.models.views import REFUSALS, decimal_text

ACCOUNTS_SENT_MAX = 10_000
"""Portfolios or securities of one JSON body."""
CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"

router = APIRouter(prefix="/api/v1", tags=["holdings and prices"], route_class=ExactRoute, responses=REFUSALS)


class AccountBody(Wire):
    """A portfolio's cash and holdings, which take the place of what was known of it."""

    portfolio_id: Text
    name: Annotated[Text, Field(max_length=255)] | None = None
    cash: Number
    holdings: Annotated[dict[Text, Number], Field(default_factory=dict, description="Quantity by security id")]

    def rows(self) -> list[Row]:
        """As rows of a file, so that both are checked alike."""
        amounts = {CASH: self.cash, **self.holdings}
        head = {"portfolio_id": self.portfolio_id, "name": self.name}
        return [{**head, "security_id": security_id, "quantity": amount} for security_id, amount in amounts.items()]


class AccountsBody(Wire):
    """Portfolios."""

    accounts: Annotated[list[AccountBody], Field(min_length=1, max_length=ACCOUNTS_SENT_MAX)]


class SecurityPriceBody(Wire):
    """A security's price, and the ticker that people know it by."""

    security_id: Text
    ticker: Annotated[Text, Field(max_length=64)] | None = None
    price: Number | None


class SecuritiesBody(Wire):
    """Securities."""

    securities: Annotated[list[SecurityPriceBody], Field(min_length=1, max_length=ACCOUNTS_SENT_MAX)]


class AccountView(Wire):
    """A portfolio's cash and holdings."""

    portfolio_id: str
    name: str | None
    cash: str
    holdings: dict[str, str]


class SecurityView(Wire):
    """A security."""

    security_id: str
    ticker: str
    price: str | None


class StoredView(Wire):
    """How many were stored."""

    stored: int


async def file_rows(request: Request) -> list[Row]:
    """The rows of an uploaded file, by its content type."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    readers = {CSV: importing.read_csv, PARQUET: importing.read_parquet}
    if kind not in readers:
        msg = f"the content type was {kind[:80]!r}; send {CSV} or {PARQUET}"
        raise InvalidInputError(msg, code="CONTENT_TYPE_UNKNOWN")
    return await run_in_threadpool(readers[kind], await request.body())


FileRows = Annotated[list[Row], Depends(file_rows)]
_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in (CSV, PARQUET)},
    }
}


@router.post("/accounts", response_model=StoredView)
async def store_accounts(body: AccountsBody, principal: Writer, session: Session) -> Response:
    """Store cash and holdings of portfolios, each in place of what was known of it."""
    accounts = importing.accounts_from(row for account in body.accounts for row in account.rows())
    await built_in.save_accounts(session, principal, accounts)
    return json_response({"stored": len(accounts)})


@router.post("/accounts/import", response_model=StoredView, openapi_extra=_FILE)
async def import_accounts(rows: FileRows, principal: Writer, session: Session) -> Response:
    """Store cash and holdings from a file: `portfolioId, securityId, quantity` and a `CASH` row for each portfolio."""
    accounts = await run_in_threadpool(importing.accounts_from, rows)
    await built_in.save_accounts(session, principal, accounts)
    return json_response({"stored": len(accounts)})


@router.get("/accounts", response_model=list[AccountView])
async def list_accounts(*, principal: Reader, session: Session, offset: Offset = 0, limit: Limit = 100) -> Response:
    """Portfolios by id."""
    found = await built_in.list_accounts(session, principal.tenant, offset=offset, limit=limit)
    return json_response([account_view(account) for account in found])


@router.post("/securities", response_model=StoredView)
async def store_securities(body: SecuritiesBody, principal: Writer, session: Session) -> Response:
    """Store prices and tickers of securities; a price of null says that there is none."""
    rows = ({"security_id": one.security_id, "ticker": one.ticker, "price": one.price} for one in body.securities)
    securities = importing.securities_from(rows)
    await built_in.save_securities(session, principal, securities)
    return json_response({"stored": len(securities)})


@router.post("/securities/import", response_model=StoredView, openapi_extra=_FILE)
async def import_securities(rows: FileRows, principal: Writer, session: Session) -> Response:
    """Store prices and tickers from a file: `securityId, ticker, price`."""
    securities = await run_in_threadpool(importing.securities_from, rows)
    await built_in.save_securities(session, principal, securities)
    return json_response({"stored": len(securities)})


@router.get("/securities", response_model=list[SecurityView])
async def list_securities(*, principal: Reader, session: Session, offset: Offset = 0, limit: Limit = 100) -> Response:
    """Securities by id."""
    found = await built_in.list_securities(session, principal.tenant, offset=offset, limit=limit)
    return json_response([security_view(security) for security in found])


def account_view(account: Account) -> dict[str, Any]:
    """An account as :class:`AccountView`."""
    portfolio = account.portfolio
    return {
        "portfolioId": portfolio.portfolio_id,
        "name": account.name,
        "cash": decimal_text(portfolio.cash),
        "holdings": {security_id: decimal_text(quantity) for security_id, quantity in portfolio.holdings.items()},
    }


def security_view(security: Security) -> dict[str, Any]:
    """A security as :class:`SecurityView`."""
    price = None if security.price is None else decimal_text(security.price)
    return {"securityId": security.security_id, "ticker": security.ticker, "price": price}
