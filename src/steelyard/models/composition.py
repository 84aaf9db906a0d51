"""Which store and which providers the settings ask for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from steelyard.core.errors import ConfigurationError, InvalidInputError
from steelyard.infra.database import Database
from steelyard.infra.settings import Settings
from steelyard.market.calendars import calendar_zone
from steelyard.models.built_in import BuiltInPortfolios, BuiltInPrices
from steelyard.models.providers import Providers
from steelyard.models.sql_store import SqlModelStore
from steelyard.models.stores import ModelStore
from steelyard.models.upstream import Service
from steelyard.models.upstream_sources import (
    NAME_TIMEOUT_S,
    AccountingPortfolios,
    PortfolioNames,
    PricingPrices,
    SecurityTickers,
    TickerSource,
)
from steelyard.models.warm import warm


@dataclass(frozen=True, slots=True)
class ModelParts:
    """What the use cases of models work with."""

    store: ModelStore
    providers: Providers
    trade_calendar: str


async def warm_up(settings: Settings) -> None:
    """Load what the first rebalance would otherwise wait for: compiled kernels and the calendar's zone.

    Raises:
        ConfigurationError: no calendar has the name that is set.
    """
    try:
        await asyncio.to_thread(calendar_zone, settings.trade_calendar)
    except InvalidInputError as unknown:
        msg = f"`STEELYARD_TRADE_CALENDAR`: {unknown.message}"
        raise ConfigurationError(msg, code="INVALID_SETTING") from None
    await asyncio.to_thread(warm)


@asynccontextmanager
async def model_parts(settings: Settings, database: Database) -> AsyncIterator[ModelParts]:
    """The parts, ready inside the block.

    Raises:
        ConfigurationError: MongoDB is asked for without an address, or without its driver.
    """
    store = _store(settings, database)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(store.stop)
        await store.start()
        yield ModelParts(store, await _providers(settings, database, stack), settings.trade_calendar)


async def _providers(settings: Settings, database: Database, stack: AsyncExitStack) -> Providers:
    """A service for each address that is set, our own tables for the others."""
    tls = httpx.create_ssl_context()  # reads hundreds of certificates: once, not for each service
    most = settings.upstream_calls_at_once_max
    limits = httpx.Limits(max_connections=most, max_keepalive_connections=most)

    async def service(name: str, url: str, **more: Any) -> Service:
        # A pool each: httpcore looks at all of a pool's connections for every request.
        client = httpx.AsyncClient(limits=limits, timeout=settings.upstream_timeout_s, trust_env=False, verify=tls)
        return Service(name, url, await stack.enter_async_context(client), settings, **more)

    own, own_prices = BuiltInPortfolios(database), BuiltInPrices(database)
    reference_s = settings.reference_cache_s
    providers = Providers(own, own_prices, own)
    if settings.accounting_url is not None:
        portfolios = AccountingPortfolios(await service("accounting", settings.accounting_url))
        providers = Providers(portfolios, providers.prices, providers.names)
    if settings.pricing_url is not None:
        tickers: TickerSource = own_prices.tickers
        if settings.security_url is not None:
            tickers = SecurityTickers(await service("security", settings.security_url), cache_s=reference_s)
        pricing = await service("pricing", settings.pricing_url)
        prices = PricingPrices(pricing, tickers, cache_s=settings.price_cache_s)
        providers = Providers(providers.portfolios, prices, providers.names)
    if settings.portfolio_url is not None:
        portfolio = await service("portfolio", settings.portfolio_url, attempts_max=1, timeout_s=NAME_TIMEOUT_S)
        names = PortfolioNames(portfolio, cache_s=reference_s)
        providers = Providers(providers.portfolios, providers.prices, names)
    return providers


def _store(settings: Settings, database: Database) -> ModelStore:
    if settings.model_store == "sql":
        return SqlModelStore(database)
    if settings.mongodb_url is None:
        msg = "`STEELYARD_MODEL_STORE` was mongodb, but `MONGODB_URL` is not set; set it to a mongodb:// address"
        raise ConfigurationError(msg, code="MONGODB_URL_MISSING")
    try:
        from steelyard.models.mongo_store import MongoModelStore  # noqa: PLC0415 - an optional extra
    except ImportError as missing:
        msg = f"`STEELYARD_MODEL_STORE` was mongodb, but {missing.name} is not installed; install steelyard[mongodb]"
        raise ConfigurationError(msg, code="MONGODB_DRIVER_MISSING") from None
    return MongoModelStore(settings.mongodb_url.get_secret_value(), settings.mongodb_database)
