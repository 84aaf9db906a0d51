"""How upstream services are asked: against real HTTP servers that misbehave."""

import asyncio
import contextlib
import threading
import time
from decimal import Decimal

import httpx
import pytest

from steelyard.core.errors import NotFoundError, UnavailableError
from steelyard.infra.breaker import CircuitBreaker
from steelyard.infra.settings import read_settings
from steelyard.models.upstream import Service
from steelyard.models.upstream_sources import AccountingPortfolios, PortfolioNames, PricingPrices, SecurityTickers
from steelyard.models.valuation import Portfolio
from tests.http_servers import Reply, serve
from tests.models.script import Script, ok


@contextlib.asynccontextmanager
async def service_at(script, *, clock=None, **settings):
    chosen = read_settings(**{"upstream_pause_s": 0, **settings})
    with serve(script) as url:
        async with httpx.AsyncClient(trust_env=False) as client:
            service = Service("accounting", url, client, chosen)
            if clock is not None:
                service._breaker = CircuitBreaker("it", failures_max=5, rest_s=30, now_s=clock)
            yield service


def summary(cash="100.5", **holdings):
    listed = [{"securityId": name, "netQuantity": quantity} for name, quantity in holdings.items()]
    return {"cashBalance": cash, "securities": listed}


SUMMARY = ok(summary(S1="10"))


async def portfolio(service, portfolio_id="p1"):
    return (await AccountingPortfolios(service).portfolios("acme", [portfolio_id]))[portfolio_id]


@pytest.mark.parametrize("failure", [Reply(500), Reply(503), Reply(429), Reply(408), ok("<html>"), ok("[]"), ok("{}")])
async def test_a_failure_is_tried_again_up_to_three_attempts(failure):
    script = Script(summary=[failure, failure, SUMMARY])
    async with service_at(script) as service:
        assert await portfolio(service) == Portfolio("p1", Decimal("100.5"), {"S1": Decimal(10)})
        assert script.calls("summary") == 3
    script = Script(summary=failure)
    async with service_at(script) as service:
        refused = await portfolio(service)
        assert isinstance(refused, UnavailableError)
        assert refused.code == "ACCOUNTING_UNAVAILABLE"
        assert refused.details == {"service": "accounting"}
        assert script.calls("summary") == 3


async def test_pauses_double_and_carry_jitter(monkeypatch):
    pauses = []

    async def note(seconds):
        pauses.append(seconds)

    monkeypatch.setattr("steelyard.models.upstream.asyncio.sleep", note)
    async with service_at(Script(summary=Reply(500)), upstream_pause_s=1, upstream_attempts_max=4) as service:
        await portfolio(service)
    for pause, least in zip(pauses, (1, 2, 4), strict=True):
        assert least <= pause <= 1.25 * least


@pytest.mark.parametrize("status", [400, 401, 403, 302])
async def test_a_refusal_is_not_tried_again_and_is_no_failure_of_the_service(status):
    script = Script(summary=Reply(status))
    async with service_at(script) as service:
        for _ in range(7):
            assert str(status) in (await portfolio(service)).message
        assert script.calls("summary") == 7


async def test_after_five_failures_in_a_row_the_service_is_left_alone_until_it_has_rested():
    now = 0.0
    script = Script(summary=[*[Reply(500)] * 5, SUMMARY])
    async with service_at(script, clock=lambda: now) as service:
        await portfolio(service)
        assert script.calls("summary") == 3
        assert "failed 5 times" in (await portfolio(service)).message
        assert script.calls("summary") == 5
        assert "is tried again in 30 s" in (await portfolio(service)).message
        assert script.calls("summary") == 5
        now = 30.1
        assert isinstance(await portfolio(service), Portfolio)
        assert script.calls("summary") == 6


async def test_after_a_rest_many_portfolios_wait_for_what_one_try_finds():
    now = 0.0
    script = Script(summary=[*[Reply(500)] * 5, SUMMARY])
    async with service_at(script, clock=lambda: now) as service:
        for _ in range(2):
            await portfolio(service)
        now = 30.1
        found = await AccountingPortfolios(service).portfolios("acme", [f"p{number}" for number in range(20)])
    assert all(isinstance(one, Portfolio) for one in found.values())


async def test_an_answer_of_404_is_no_failure_and_closes_the_count():
    script = Script(summary=[Reply(500), Reply(500), Reply(404), Reply(500), Reply(500), Reply(404), SUMMARY])
    async with service_at(script) as service:
        assert isinstance(await portfolio(service), NotFoundError)
        assert isinstance(await portfolio(service), NotFoundError)
        assert isinstance(await portfolio(service), Portfolio)


async def test_one_portfolio_that_fails_does_not_stop_the_others():
    script = Script(summary=lambda path: Reply(500) if "/bad/" in path else SUMMARY)
    async with service_at(script) as service:
        found = await AccountingPortfolios(service).portfolios("acme", ["p1", "bad", "p2"])
    kinds = {name: type(one) for name, one in found.items()}
    assert kinds == {"p1": Portfolio, "bad": UnavailableError, "p2": Portfolio}


async def test_no_more_calls_at_once_than_allowed():
    def slowly(_):
        time.sleep(0.01)  # the server's work, in its own thread
        return SUMMARY

    script = Script(summary=slowly)
    async with service_at(script, upstream_calls_at_once_max=4) as service:
        found = await AccountingPortfolios(service).portfolios("acme", [f"p{number}" for number in range(40)])
    assert all(isinstance(one, Portfolio) for one in found.values())
    assert script.calls("summary") == 40
    assert 2 <= script.at_once_most <= 4


async def test_a_silent_service_is_given_up_on_after_its_timeout():
    release = threading.Event()

    def silent(_):
        release.wait(30)
        return SUMMARY

    async with service_at(Script(summary=silent), upstream_timeout_s=0.05, upstream_attempts_max=1) as service:
        refused = await portfolio(service)
        release.set()
    assert "did not answer within 0.05 s" in refused.message


async def test_nobody_there_is_told_without_addresses():
    async with httpx.AsyncClient(trust_env=False) as client:
        settings = read_settings(upstream_pause_s=0)
        refused = await portfolio(Service("accounting", "http://127.0.0.1:9", client, settings))
    assert isinstance(refused, UnavailableError)
    assert "127.0.0.1" not in refused.message


async def test_an_answer_that_is_too_long_is_not_read():
    async with service_at(Script(summary=ok(" " * 2_000)), outbound_response_bytes_max=1_000) as service:
        assert "more than 1000 bytes" in (await portfolio(service)).message


async def test_numbers_keep_their_digits_as_json_numbers_too():
    body = '{"cashBalance": 0.10500000000000000001, "securities": [{"securityId": "S1", "netQuantity": 10.7}]}'
    async with service_at(Script(summary=ok(body))) as service:
        found = await portfolio(service)
    assert str(found.cash) == "0.10500000000000000001"
    assert str(found.holdings["S1"]) == "10.7"


@pytest.mark.parametrize("cash", ["NaN", "1e99", "0." + "1" * 40, None, True, "much", []])
async def test_what_is_no_amount_is_a_failure_and_never_a_zero(cash):
    async with service_at(Script(summary=ok(summary(cash=cash)))) as service:
        assert isinstance(await portfolio(service), UnavailableError)


async def test_a_security_that_comes_twice_is_added_up_exactly():
    big = "1234567890123456789012345678901234"
    listed = [{"securityId": "S1", "netQuantity": quantity} for quantity in (big, "0.000000000000000000000000000001")]
    async with service_at(Script(summary=ok({"cashBalance": 1, "securities": listed}))) as service:
        found = await portfolio(service)
    assert str(found.holdings["S1"]) == big + ".000000000000000000000000000001"


@pytest.mark.parametrize(
    ("name", "segment"), [("a/b", "a%2Fb"), ("..", "%2E%2E"), ("a?b#c", "a%3Fb%23c"), ("é", "%C3%A9")]
)
async def test_any_portfolio_id_is_one_segment_of_the_path(name, segment):
    script = Script(summary=SUMMARY)
    async with service_at(script) as service:
        await portfolio(service, name)
    assert script.paths == [f"/api/v1/portfolios/{segment}/summary"]


TICKERS = {"s1": "T1", "s2": "T2", "s3": "T3"}


async def tickers(_tenant, security_ids):
    return {one: TICKERS[one] for one in security_ids if one in TICKERS}


def close(ticker, price, **more):
    return {"ticker": ticker, "close": price, **more}


async def test_prices_come_in_one_call_where_that_is_offered():
    script = Script(prices=ok([close("T1", "1.50"), close("T2", 2.5)]))
    async with service_at(script) as service:
        prices = await PricingPrices(service, tickers, cache_s=0).prices("acme", ["s1", "s2"])
    assert {one: str(price) for one, price in prices.items()} == {"s1": "1.50", "s2": "2.5"}
    assert script.paths == ["/api/v1/prices"]


async def test_prices_come_one_by_one_where_not_and_bulk_is_not_asked_for_each_time():
    script = Script(T1=ok(close("T1", 1)), T2=ok(close("T2", 2)))
    async with service_at(script) as service:
        source = PricingPrices(service, tickers, cache_s=0)
        for _ in range(2):
            prices = await source.prices("acme", ["s1", "s2", "s3", "unknown"])
            assert prices == {"s1": 1, "s2": 2, "s3": None, "unknown": None}
    assert script.calls("/prices") == 1
    assert script.calls("/price/") == 6


async def test_what_bulk_prices_leave_out_is_asked_for_by_ticker():
    script = Script(prices=ok([close("T1", 1), close("T2", None)]), T2=ok(close("T2", 2)))
    async with service_at(script) as service:
        assert await PricingPrices(service, tickers, cache_s=0).prices("acme", ["s1", "s2"]) == {"s1": 1, "s2": 2}


async def test_of_several_prices_of_a_ticker_the_newest_counts():
    listed = [close("T1", 1, date="2026-03-01"), close("T1", 2, date="2026-03-02"), close("T1", 3, date="2026-02-27")]
    async with service_at(Script(prices=ok(listed))) as service:
        assert await PricingPrices(service, tickers, cache_s=0).prices("acme", ["s1"]) == {"s1": 2}


async def test_prices_are_remembered_for_as_long_as_is_set():
    script = Script(prices=ok([close("T1", 1)]))
    async with service_at(script) as service:
        for cache_s, calls in ((0, 2), (60, 1)):
            script.paths.clear()
            source = PricingPrices(service, tickers, cache_s=cache_s)
            for _ in range(2):
                assert await source.prices("acme", ["s1"]) == {"s1": 1}
            assert script.calls("/prices") == calls


@pytest.mark.parametrize("failing", ["prices", "T1"])
async def test_pricing_that_is_away_is_never_a_missing_price(failing):
    async with service_at(Script(**{failing: Reply(500)})) as service:
        with pytest.raises(UnavailableError):
            await PricingPrices(service, tickers, cache_s=0).prices("acme", ["s1"])


async def test_tickers_are_asked_for_once():
    script = Script(s1=ok({"ticker": "T1"}), s2=[Reply(404), ok({"ticker": "T2"})])
    async with service_at(script) as service:
        source = SecurityTickers(service, cache_s=60)
        assert await source("acme", ["s1", "s2"]) == {"s1": "T1"}
        assert await source("acme", ["s1", "s2"]) == {"s1": "T1", "s2": "T2"}
    assert script.calls("/s1") == 1
    async with service_at(Script(s1=Reply(500))) as service:
        with pytest.raises(UnavailableError):
            await SecurityTickers(service, cache_s=60)("acme", ["s1"])


async def test_names_are_never_an_error():
    script = Script(p1=ok({"name": "Pension"}), p2=Reply(500), p3=Reply(404), p4=ok({"name": None}))
    async with service_at(script) as service:
        assert await PortfolioNames(service, cache_s=60).names("acme", ["p1", "p2", "p3", "p4"]) == {"p1": "Pension"}


async def test_a_cancelled_request_leaves_the_service_usable():
    release = threading.Event()

    def waits(_):
        release.wait(30)
        return SUMMARY

    async with service_at(Script(summary=waits), upstream_calls_at_once_max=1) as service:
        asking = asyncio.create_task(portfolio(service))
        await asyncio.sleep(0.05)
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking
        release.set()
        assert isinstance(await portfolio(service), Portfolio)
