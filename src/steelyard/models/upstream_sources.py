"""Holdings, prices and names from the services of requirement 001.

Numbers keep their digits.  What a service answers is read here, and an answer of another shape than
the contract's is a failure of the service.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from typing_extensions import override

from steelyard.core.errors import SteelyardError, UnavailableError
from steelyard.core.money import exact_decimal
from steelyard.models.expiring import Expiring
from steelyard.models.providers import NameSource, PortfolioSource, PriceSource, unknown_portfolio
from steelyard.models.upstream import Service
from steelyard.models.valuation import EXACT, Portfolio

HOLDINGS_MAX = 10_000
"""Securities of one portfolio."""
DIGITS_MAX = 34
"""Of a quantity, an amount or a price, on either side of the point."""
NAME_TIMEOUT_S = 2.0
"""How long a rebalance waits for a name, in seconds."""
BULK_ASKED_AGAIN_S = 300.0
"""How long a pricing service without bulk prices is taken to have none, in seconds."""

TickerSource = Callable[[str, Sequence[str]], Awaitable[Mapping[str, str]]]
"""Tickers by security id, of a tenant; those that nobody knows are left out."""


class AccountingPortfolios(PortfolioSource):
    """Cash and holdings from portfolio accounting."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @override
    async def portfolios(self, tenant: str, portfolio_ids: Sequence[str]) -> Mapping[str, Portfolio | SteelyardError]:
        return await self._service.get_each(portfolio_ids, self._portfolio)

    async def _portfolio(self, portfolio_id: str) -> Portfolio | SteelyardError:
        path = f"/api/v1/portfolios/{_in_path(portfolio_id)}/summary"
        found = await self._service.get(path, lambda summary: read_summary(portfolio_id, summary))
        return unknown_portfolio(portfolio_id, "portfolio accounting does not know it") if found is None else found


class PricingPrices(PriceSource):
    """Prices by ticker from pricing: all at once where that is offered, else one by one."""

    def __init__(self, service: Service, tickers: TickerSource, *, cache_s: float) -> None:
        self._service = service
        self._tickers = tickers
        self._cache = Expiring[Decimal](cache_s)
        self._without_bulk = Expiring[bool](BULK_ASKED_AGAIN_S)

    @override
    async def prices(self, tenant: str, security_ids: Iterable[str]) -> Mapping[str, Decimal | None]:
        wanted = list(dict.fromkeys(security_ids))
        tickers = await self._tickers(tenant, wanted)
        known = {ticker: price for ticker in tickers.values() if (price := self._cache.get(ticker)) is not None}
        if (unknown := set(tickers.values()) - set(known)) and self._without_bulk.get("") is None:
            known |= await self._all()
            unknown -= set(known)
        found = await self._service.get_each(sorted(unknown), self._price)
        for ticker, one in found.items():
            if isinstance(one, UnavailableError):
                raise one
            if one is not None:
                known[ticker] = one
                self._cache.put(ticker, one)
        return {
            security_id: known.get(tickers[security_id]) if security_id in tickers else None for security_id in wanted
        }

    async def _all(self) -> dict[str, Decimal]:
        prices = await self._service.get("/api/v1/prices", read_prices)
        if prices is None:
            self._without_bulk.put("", True)
            return {}
        for ticker, price in prices.items():
            self._cache.put(ticker, price)
        return prices

    async def _price(self, ticker: str) -> Decimal | None:
        return await self._service.get(f"/api/v1/price/{_in_path(ticker)}", read_price)


class SecurityTickers:
    """Tickers from the security service, remembered: they hardly ever change."""

    def __init__(self, service: Service, *, cache_s: float) -> None:
        self._service = service
        self._cache = Expiring[str](cache_s)

    async def __call__(self, _tenant: str, security_ids: Sequence[str]) -> Mapping[str, str]:
        """The tickers.

        Raises:
            UnavailableError: the service does not answer.
        """
        known = {one: cached for one in security_ids if (cached := self._cache.get(one)) is not None}
        found = await self._service.get_each((one for one in security_ids if one not in known), self._ticker)
        for security_id, ticker in found.items():
            if isinstance(ticker, UnavailableError):
                raise ticker
            if ticker is not None:
                known[security_id] = ticker
                self._cache.put(security_id, ticker)
        return known

    async def _ticker(self, security_id: str) -> str | None:
        return await self._service.get(
            f"/api/v1/security/{_in_path(security_id)}", lambda found: _text(found["ticker"])
        )


class PortfolioNames(NameSource):
    """Names from the portfolio service; a rebalance goes on without them."""

    def __init__(self, service: Service, *, cache_s: float) -> None:
        self._service = service
        self._cache = Expiring[str](cache_s)

    @override
    async def names(self, tenant: str, portfolio_ids: Sequence[str]) -> Mapping[str, str]:
        known = {one: cached for one in portfolio_ids if (cached := self._cache.get(one)) is not None}
        found = await self._service.get_each((one for one in portfolio_ids if one not in known), self._name)
        for portfolio_id, name in found.items():
            if isinstance(name, str):
                known[portfolio_id] = name
                self._cache.put(portfolio_id, name)
        return known

    async def _name(self, portfolio_id: str) -> str | None:
        return await self._service.get(
            f"/api/v1/portfolio/{_in_path(portfolio_id)}", lambda found: _text(found["name"])
        )


def read_summary(portfolio_id: str, summary: Any) -> Portfolio:
    """Accounting's summary as a portfolio; a security that comes twice is added up.

    Raises:
        ValueError, LookupError, TypeError, InvalidInputError: it is not of the shape that the contract says.
    """
    listed = summary["securities"]
    if len(listed) > HOLDINGS_MAX:
        raise ValueError(f"it listed {len(listed)} securities; a portfolio has at most {HOLDINGS_MAX}")
    holdings: dict[str, Decimal] = {}
    for one in listed:
        security_id = _text(one["securityId"])
        holdings[security_id] = EXACT.add(
            holdings.get(security_id, Decimal(0)), _number(one["netQuantity"], "netQuantity")
        )
    return Portfolio(portfolio_id, _number(summary["cashBalance"], "cashBalance"), holdings)


def read_prices(listed: Any) -> dict[str, Decimal]:
    """A list of prices by ticker, the newest where one comes several times; those without a close are left out."""
    newest: dict[str, tuple[str, Decimal]] = {}
    for one in listed:
        price, day = read_price(one), str(one.get("date", ""))
        ticker = _text(one["ticker"])
        if price is not None and (ticker not in newest or newest[ticker][0] <= day):
            newest[ticker] = (day, price)
    return {ticker: price for ticker, (_, price) in newest.items()}


def read_price(one: Any) -> Decimal | None:
    """The close of a price; None where it is null."""
    return None if one["close"] is None else _number(one["close"], "close")


def _number(value: Any, name: str) -> Decimal:
    number = exact_decimal(value, name=name)
    if number.adjusted() >= DIGITS_MAX or int(number.as_tuple().exponent) < -DIGITS_MAX:
        raise ValueError(f"`{name}` was {str(number)[:80]}; it has at most {DIGITS_MAX} digits on either side")
    return number


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"it answered {value!r} where a text belongs")
    return value


def _in_path(text: str) -> str:
    """A text as one segment of a path, whatever is in it."""
    return quote(text, safe="").replace(".", "%2E") if set(text) <= {"."} else quote(text, safe="")
