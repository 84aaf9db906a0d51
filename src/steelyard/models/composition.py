"""Which store and which providers the settings ask for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

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
    limits = httpx.Limits(
        max_connections=4 * settings.upstream_calls_at_once_max,
        max_keepalive_connections=4 * settings.upstream_calls_at_once_max,
    )
    async with httpx.AsyncClient(limits=limits, timeout=settings.upstream_timeout_s, trust_env=False) as client:
        await store.start()
        try:
            yield ModelParts(store, build_providers(settings, database, client), settings.trade_calendar)
        finally:
            await store.stop()


def build_providers(settings: Settings, database: Database, client: httpx.AsyncClient) -> Providers:
    """A service for each address that is set, our own tables for the others."""
    own, own_prices = BuiltInPortfolios(database), BuiltInPrices(database)
    reference_s = settings.reference_cache_s
    providers = Providers(own, own_prices, own)
    if settings.accounting_url is not None:
        portfolios = AccountingPortfolios(Service("accounting", settings.accounting_url, client, settings))
        providers = Providers(portfolios, providers.prices, providers.names)
    if settings.pricing_url is not None:
        tickers: TickerSource = own_prices.tickers
        if settings.security_url is not None:
            security = Service("security", settings.security_url, client, settings)
            tickers = SecurityTickers(security, cache_s=reference_s)
        pricing = Service("pricing", settings.pricing_url, client, settings)
        prices = PricingPrices(pricing, tickers, cache_s=settings.price_cache_s)
        providers = Providers(providers.portfolios, prices, providers.names)
    if settings.portfolio_url is not None:
        service = Service(
            "portfolio", settings.portfolio_url, client, settings, attempts_max=1, timeout_s=NAME_TIMEOUT_S
        )
        names = PortfolioNames(service, cache_s=reference_s)
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
