"""Which store and which providers the settings ask for, and what is refused at the start."""

import sys

import pytest

from steelyard.core.errors import ConfigurationError
from steelyard.infra.settings import read_settings
from steelyard.models.built_in import BuiltInPortfolios, BuiltInPrices
from steelyard.models.composition import model_parts, warm_up
from steelyard.models.sql_store import SqlModelStore
from steelyard.models.upstream_sources import AccountingPortfolios, PortfolioNames, PricingPrices


@pytest.fixture
def settings(database_settings, monkeypatch):
    for name in ("PORTFOLIO_ACCOUNTING_URL", "PRICING_URL", "SECURITY_URL", "PORTFOLIO_URL", "MONGODB_URL"):
        monkeypatch.delenv(name, raising=False)
    return lambda **more: read_settings(database_url=database_settings.database_url, **more)


async def test_without_addresses_everything_is_built_in(database, settings):
    async with model_parts(settings(), database) as parts:
        assert isinstance(parts.store, SqlModelStore)
        assert isinstance(parts.providers.portfolios, BuiltInPortfolios)
        assert isinstance(parts.providers.prices, BuiltInPrices)
        assert isinstance(parts.providers.names, BuiltInPortfolios)


async def test_each_address_brings_its_service(database, settings, monkeypatch):
    monkeypatch.setenv("PRICING_URL", "http://pricing:8083/")
    monkeypatch.setenv("PORTFOLIO_ACCOUNTING_URL", "")
    async with model_parts(settings(portfolio_url="http://portfolio"), database) as parts:
        assert isinstance(parts.providers.portfolios, BuiltInPortfolios)
        assert isinstance(parts.providers.prices, PricingPrices)
        assert isinstance(parts.providers.names, PortfolioNames)
    async with model_parts(settings(accounting_url="https://accounting"), database) as parts:
        assert isinstance(parts.providers.portfolios, AccountingPortfolios)


@pytest.mark.parametrize("url", ["accounting:8087", "ftp://x", "http://", "http://x/?a=b"])
def test_a_wrong_address_is_refused_by_its_variable(monkeypatch, url):
    monkeypatch.setenv("PORTFOLIO_ACCOUNTING_URL", url)
    with pytest.raises(ConfigurationError, match="PORTFOLIO_ACCOUNTING_URL"):
        read_settings()


async def test_mongodb_needs_an_address_and_its_driver(database, settings, monkeypatch):
    with pytest.raises(ConfigurationError, match="MONGODB_URL") as refused:
        async with model_parts(settings(model_store="mongodb"), database):
            """Not reached."""
    assert refused.value.code == "MONGODB_URL_MISSING"
    monkeypatch.delitem(sys.modules, "steelyard.models.mongo_store", raising=False)
    monkeypatch.setitem(sys.modules, "beanie", None)
    with pytest.raises(ConfigurationError, match=r"steelyard\[mongodb\]"):
        async with model_parts(settings(model_store="mongodb", mongodb_url="mongodb://127.0.0.1:9"), database):
            """Not reached."""


async def test_an_unknown_calendar_stops_the_start(settings):
    with pytest.raises(ConfigurationError, match="STEELYARD_TRADE_CALENDAR"):
        await warm_up(settings(trade_calendar="XNYSE"))
