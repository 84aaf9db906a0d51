"""Outbound HTTP: to checked addresses only, bounded in time and size, retried with jitter, no redirects.

The address is checked when the connection is made, so each retry checks it again.  The certificate and
the ``Host`` header remain those of the name.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import stamina

from steelyard.core.errors import InvalidInputError, UnavailableError
from steelyard.infra.addresses import Resolve, checked_addresses, system_resolve
from steelyard.infra.breaker import CircuitBreaker
from steelyard.infra.settings import Settings

_RETRY_STATUSES = frozenset({429, 502, 503, 504})
_URL_LENGTH_MAX = 2_048


@dataclass(frozen=True, slots=True)
class Reply:
    """What the other side answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Outbound:
    """The one way out of this process for addresses that a user or an operator gave."""

    def __init__(self, settings: Settings, *, resolve: Resolve = system_resolve) -> None:
        self._settings = settings
        self._resolve = resolve
        self._breakers: dict[str, CircuitBreaker] = {}
        self._tls = httpx.create_ssl_context()  # reads hundreds of certificates: once, not for each request

    async def call(self, service: str, method: str, url: str, **request: Any) -> Reply:
        """Call a service that we depend on: retried while it is away, left alone while it stays away.

        Args:
            service: its name; calls of one name share a circuit breaker.
            method: an idempotent one, or a request with an idempotency key: it may be sent more than once.
            url: http or https.
            request: as for :meth:`send`.

        Raises:
            UnavailableError: it does not answer, or answers 429, 502, 503 or 504, at every attempt.
            InvalidInputError: the address is refused.
        """
        breaker = self._breakers.get(service)
        if breaker is None:
            limits = {"failures_max": self._settings.breaker_failures_max, "rest_s": self._settings.breaker_rest_s}
            breaker = self._breakers[service] = CircuitBreaker(service, **limits)  # type: ignore[arg-type]
        async for attempt in stamina.retry_context(
            on=_AwayError, attempts=self._settings.outbound_attempts_max, timeout=None, wait_initial=0.1, wait_max=5
        ):
            with attempt:
                breaker.admit()
                try:
                    reply = await self.send(method, url, **request)
                except UnavailableError as failure:
                    breaker.failed()
                    raise _AwayError(failure.message, code=failure.code) from failure
                if reply.status in _RETRY_STATUSES:
                    breaker.failed()
                    raise _AwayError(f"{service} answered {reply.status}; try again later", code="SERVICE_UNAVAILABLE")
                breaker.succeeded()
                return reply
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        timeout_s: float | None = None,
    ) -> Reply:
        """Send one request, once; any status is an answer.

        Raises:
            UnavailableError: no answer within ``timeout_s`` seconds, or a longer one than is read.
            InvalidInputError: the address is refused, or is none.
        """
        target = checked_url(url)
        limit_s = timeout_s or self._settings.outbound_timeout_s
        transport = _CheckedTransport(self._settings.outbound_allow, self._resolve, self._tls)
        try:
            async with (
                asyncio.timeout(limit_s),
                httpx.AsyncClient(transport=transport, timeout=limit_s, trust_env=False) as client,
                client.stream(method, target, headers=headers, content=content) as response,
            ):
                body = await self._body(response)
                return Reply(response.status_code, response.headers, body)
        except TimeoutError:
            message = f"{target.host} did not answer within {limit_s:g} s"
            raise UnavailableError(message, code="OUTBOUND_TIMEOUT") from None
        except httpx.HTTPError as failure:
            message = f"{target.host} cannot be reached: {type(failure).__name__}"
            raise UnavailableError(message, code="OUTBOUND_FAILED") from failure

    async def _body(self, response: httpx.Response) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > self._settings.outbound_response_bytes_max:
                limit = self._settings.outbound_response_bytes_max
                raise UnavailableError(f"the answer is longer than {limit} bytes", code="OUTBOUND_TOO_LARGE")
        return bytes(body)


def checked_url(url: str) -> httpx.URL:
    """``url`` as a value, if a request could be sent there at all; whether it may is decided when it is sent.

    Raises:
        InvalidInputError: not http or https, no host, a password in it, or longer than 2,048 characters.
    """
    if len(url) > _URL_LENGTH_MAX:
        raise InvalidInputError(f"the URL had {len(url)} characters; it has at most {_URL_LENGTH_MAX}")
    try:
        target = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError):
        raise InvalidInputError(f"{url[:100]!r} is not a URL", code="INVALID_URL") from None
    if target.scheme not in ("http", "https") or not target.host or target.userinfo:
        message = f"{url[:100]!r} is not an http or https URL with a host and without a password"
        raise InvalidInputError(message, code="INVALID_URL")
    return target


class _AwayError(UnavailableError):
    """A failure that another attempt may not meet."""


class _CheckedTransport(httpx.AsyncBaseTransport):
    """Resolves, checks, and connects to what it checked."""

    def __init__(self, allow: tuple[str, ...], resolve: Resolve, tls: ssl.SSLContext) -> None:
        self._allow = allow
        self._resolve = resolve
        # No connection is kept: it could be taken for another name at the same address.
        self._inner = httpx.AsyncHTTPTransport(verify=tls, limits=httpx.Limits(max_keepalive_connections=0))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        addresses = await checked_addresses(host, port, allow=self._allow, resolve=self._resolve)
        request.extensions = {**request.extensions, "sni_hostname": host}
        failure: httpx.HTTPError | None = None
        for address in addresses:
            request.url = request.url.copy_with(host=address)
            try:
                return await self._inner.handle_async_request(request)
            except httpx.ConnectError as refused:  # of one address family; the other may answer
                failure = refused
        raise failure or httpx.ConnectError("no address")

    async def aclose(self) -> None:
        await self._inner.aclose()
