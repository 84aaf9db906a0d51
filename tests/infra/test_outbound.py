"""Outbound HTTP: what must not be reached is not, what may be is, and neither takes for ever."""

import asyncio
import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.core.errors import InvalidInputError, UnavailableError
from steelyard.infra.addresses import is_public
from steelyard.infra.breaker import CircuitBreaker
from steelyard.infra.outbound import Outbound, checked_url
from steelyard.infra.settings import Settings
from tests.http_servers import Received, Reply, serve, write_certificate

NOT_PUBLIC = """
127.0.0.1 127.255.255.254 0.0.0.0 0.1.2.3 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 169.254.0.1
100.64.0.1 100.127.255.255 192.0.0.1 192.0.2.1 198.18.0.1 198.51.100.7 203.0.113.9 192.88.99.1 224.0.0.1 239.1.1.1
240.0.0.1 255.255.255.255 ::1 :: ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:169.254.169.254 fe80::1 fec0::1
fc00::1 fd00:ec2::254 ff02::1 64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::1 2002:7f00:1:: 2002:808:808:: 2001::1
2001:db8::1 100::1
""".split()  # noqa: SIM905

SPELLINGS = """
http://127.0.0.1 http://127.1 http://2130706433 http://0x7f000001 http://0177.0.0.1 http://0 http://localhost
http://LOCALHOST http://localhost. http://[::1] http://[::ffff:127.0.0.1] http://[::ffff:7f00:1] http://169.254.169.254
http://[fd00:ec2::254] http://10.0.0.1:8080 https://192.168.0.1/admin http://①②⑦.⓪.⓪.① http://[::]:80
""".split()  # noqa: SIM905


def outbound(*addresses: str, **settings: object) -> Outbound:
    """A way out whose resolver answers ``addresses``, whatever the name."""

    async def resolve(host: str, port: int) -> list[str]:
        return list(addresses)

    given = {"outbound_allow": "", "outbound_timeout_s": 5, **settings}
    return Outbound(Settings.model_validate(given), **({"resolve": resolve} if addresses else {}))


@pytest.mark.parametrize("address", NOT_PUBLIC)
async def test_no_name_leads_to_an_address_that_is_not_public(address):
    for addresses in ([address], ["93.184.216.34", address]):
        with pytest.raises(InvalidInputError) as refused:
            await outbound(*addresses).send("GET", "http://innocent.example/")
        assert refused.value.code == "ADDRESS_REFUSED"
        assert address not in refused.value.message


@pytest.mark.parametrize("url", SPELLINGS)
async def test_no_spelling_of_an_inner_address_gets_through(url):
    with pytest.raises((InvalidInputError, UnavailableError)) as refused:
        await outbound().send("GET", url)
    assert refused.value.code in ("ADDRESS_REFUSED", "HOST_UNKNOWN", "INVALID_URL")


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450::1"])
def test_public_addresses_are_public(address):
    assert is_public(ipaddress.ip_address(address))


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_wrapped_into_ipv6_is_never_public(inner):
    for wrapped in (f"::ffff:{inner}", f"64:ff9b::{inner}", f"::{inner}"):
        assert not is_public(ipaddress.ip_address(wrapped))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://a.example",
        "file:///etc/passwd",
        "//a.example",
        "http://",
        "http://u:p@a.example",
        "http://a\x00b",
        "gopher://a",
        "http://" + "a" * 3000,
    ],
)
def test_what_is_not_a_web_address_is_refused(url):
    with pytest.raises(InvalidInputError):
        checked_url(url)


async def test_a_name_that_answers_differently_the_second_time_gains_nothing():
    seen: list[Received] = []

    def note(request: Received) -> Reply:
        seen.append(request)
        return Reply()

    with serve(note) as inner:
        answers = iter([["127.0.0.1"], ["10.0.0.1"]])

        async def rebinding(host: str, port: int) -> list[str]:
            return next(answers)

        way = Outbound(Settings(outbound_allow="127.0.0.0/8"), resolve=rebinding)
        port = inner.rpartition(":")[2]
        assert (await way.send("GET", f"http://rebind.example:{port}/")).status == 200
        with pytest.raises(InvalidInputError):  # resolved anew, checked anew
            await way.send("GET", f"http://rebind.example:{port}/")
    assert len(seen) == 1
    assert next(answers, None) is None


async def test_the_request_goes_to_the_checked_address_under_the_name_it_was_given():
    seen: list[Received] = []

    def note(request: Received) -> Reply:
        seen.append(request)
        return Reply(201, b"made")

    with serve(note) as inner:
        port = inner.rpartition(":")[2]
        way = outbound("127.0.0.1", outbound_allow="127.0.0.1")
        reply = await way.send("POST", f"http://hooks.example:{port}/a?b=c", headers={"X-A": "1"}, content=b"body")
    assert (reply.status, reply.body) == (201, b"made")
    assert (seen[0].method, seen[0].path, seen[0].body) == ("POST", "/a?b=c", b"body")
    assert (seen[0].headers["host"], seen[0].headers["x-a"]) == (f"hooks.example:{port}", "1")


@pytest.mark.parametrize("allow", ["127.0.0.1", "127.0.0.0/8", "hooks.example", "other.example,127.0.0.1"])
async def test_the_allow_list_opens_addresses_networks_and_names(allow):
    with serve(lambda _: Reply()) as inner:
        port = inner.rpartition(":")[2]
        assert (await outbound("127.0.0.1", outbound_allow=allow).send("GET", f"http://hooks.example:{port}")).status


def test_loopback_is_open_by_default_only_where_nobody_else_can_ask():
    assert Settings().outbound_allow == ("127.0.0.0/8", "::1")
    assert Settings(host="0.0.0.0").outbound_allow == ()
    assert Settings(profile="PRODUCTION").outbound_allow == ()


async def test_the_other_address_family_is_tried():
    with serve(lambda _: Reply()) as inner:
        port = inner.rpartition(":")[2]
        way = outbound("::1", "127.0.0.1", outbound_allow="127.0.0.1,::1")
        assert (await way.send("GET", f"http://localhost:{port}/")).status == 200


async def test_a_redirect_is_an_answer_and_is_not_followed():
    seen: list[Received] = []

    def elsewhere(request: Received) -> Reply:
        seen.append(request)
        return Reply(302, b"", {"Location": "http://169.254.169.254/"})

    with serve(elsewhere) as url:
        assert (await outbound(outbound_allow="127.0.0.1").send("GET", url)).status == 302
    assert len(seen) == 1


async def test_a_proxy_in_the_environment_is_not_a_way_around_the_check(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with serve(lambda _: Reply()) as url:
        assert (await outbound(outbound_allow="127.0.0.1").send("GET", url)).status == 200


async def test_an_endless_answer_is_cut_short():
    way = outbound(outbound_allow="127.0.0.1", outbound_response_bytes_max=1000)
    with serve(lambda _: Reply(body=b"x" * 2000)) as url, pytest.raises(UnavailableError, match="1000 bytes"):
        await way.send("GET", url)


async def test_an_endless_wait_is_cut_short():
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(UnavailableError, match=r"within 0\.1 s"):
        await outbound(outbound_allow="127.0.0.1").send(
            "GET", f"http://127.0.0.1:{silent.getsockname()[1]}", timeout_s=0.1
        )


@pytest.mark.parametrize(("name", "is_good"), [("hooks.example", True), ("other.example", False)])
async def test_the_certificate_must_be_the_names_though_the_connection_goes_to_an_address(
    name, is_good, tmp_path, monkeypatch
):
    certificate = write_certificate("hooks.example", tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serve(lambda _: Reply(), certificate=certificate) as url:
        way = outbound("127.0.0.1", outbound_allow="127.0.0.1")
        asked = way.send("GET", f"https://{name}:{url.rpartition(':')[2]}/")
        if is_good:
            assert (await asked).status == 200
        else:
            with pytest.raises(UnavailableError, match="cannot be reached"):
                await asked


async def test_a_service_that_is_away_for_a_moment_is_tried_again():
    replies = iter([Reply(503), Reply(429), Reply(200, b"back")])
    with serve(lambda _: next(replies)) as url:
        assert (await outbound(outbound_allow="127.0.0.1").call("peer", "GET", url)).body == b"back"


async def test_a_refused_address_is_not_tried_again():
    calls: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        calls.append(host)
        return ["10.0.0.1"]

    with pytest.raises(InvalidInputError):
        await Outbound(Settings(outbound_allow=()), resolve=resolve).call("peer", "GET", "http://a.example")
    assert len(calls) == 1


async def test_a_service_that_stays_away_is_left_alone():
    asked: list[Received] = []

    def note(request: Received) -> Reply:
        asked.append(request)
        return Reply(503)

    with serve(note) as url:
        way = outbound(outbound_allow="127.0.0.1", breaker_failures_max=3, outbound_attempts_max=3)
        for _ in range(3):
            with pytest.raises(UnavailableError):
                await way.call("peer", "GET", url)
    assert len(asked) == 3


def test_a_breaker_rests_tries_once_and_closes_on_success():
    now_s = [0.0]
    breaker = CircuitBreaker("peer", failures_max=2, rest_s=10, now_s=lambda: now_s[0])
    for _ in range(2):
        breaker.admit()
        breaker.failed()
    with pytest.raises(UnavailableError, match="in 10 s"):
        breaker.admit()
    now_s[0] = 10
    breaker.admit()
    with pytest.raises(UnavailableError):
        breaker.admit()
    breaker.succeeded()
    breaker.admit()
    breaker.admit()


async def test_many_at_once_do_not_disturb_each_other():
    with serve(lambda request: Reply(body=request.path.encode())) as url:
        way = outbound(outbound_allow="127.0.0.1")
        replies = await asyncio.gather(*(way.send("GET", f"{url}/{number}") for number in range(20)))
    assert [reply.body for reply in replies] == [f"/{number}".encode() for number in range(20)]
