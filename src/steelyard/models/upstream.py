"""A service that we ask over HTTP: bounded, retried, and left alone while it keeps failing.

Its address comes from whoever runs us and is trusted.  Each service has a bound on the calls at
once, attempts with growing pauses and a circuit breaker of its own; every attempt that fails counts
for the breaker, and a 404 is an answer.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from typing import Any, TypeVar

import httpx

from steelyard.core.errors import InvalidInputError, UnavailableError
from steelyard.infra.breaker import CircuitBreaker
from steelyard.infra.settings import Settings
from steelyard.models.exact_json import parse_exact

_ALSO_RETRIED = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
_JITTER = 0.25

Answer = TypeVar("Answer")
Key = TypeVar("Key")


class Service:
    """One upstream service."""

    def __init__(
        self,
        name: str,
        base_url: str,
        client: httpx.AsyncClient,
        settings: Settings,
        *,
        attempts_max: int | None = None,
        timeout_s: float | None = None,
    ) -> None:
        self.name = name
        self._base_url = base_url
        self._client = client
        self._attempts_max = attempts_max or settings.upstream_attempts_max
        self._timeout_s = min(timeout_s or settings.upstream_timeout_s, settings.upstream_timeout_s)
        self._pause_s = settings.upstream_pause_s
        self._bytes_max = settings.outbound_response_bytes_max
        self._turns = asyncio.Semaphore(settings.upstream_calls_at_once_max)
        self._breaker = CircuitBreaker(
            f"the {name} service", failures_max=settings.breaker_failures_max, rest_s=settings.breaker_rest_s
        )

    async def get(self, path: str, read: Callable[[Any], Answer]) -> Answer | None:
        """What ``read`` makes of the JSON at ``path``; None where the service answers 404.

        Raises:
            UnavailableError: every attempt failed, the breaker is open, or the service refuses the request.
        """
        for attempt in range(1, self._attempts_max + 1):
            try:
                async with self._turns:
                    self._breaker.admit()
                    return await self._once(path, read)
            except _AwayError as failure:
                if attempt == self._attempts_max:
                    raise self._unavailable(f"{failure}, {attempt} times") from failure
                await asyncio.sleep(self._pause_s * 2 ** (attempt - 1) * random.uniform(1, 1 + _JITTER))  # noqa: S311
            except UnavailableError as resting:
                raise self._unavailable(resting.message) from resting
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def get_each(
        self, keys: Iterable[Key], fetch: Callable[[Key], Awaitable[Answer]]
    ) -> dict[Key, Answer | UnavailableError]:
        """``fetch`` for each key, at once within the bound; a failure concerns its own key only."""

        async def outcome(key: Key) -> Answer | UnavailableError:
            try:
                return await fetch(key)
            except UnavailableError as failure:
                return failure

        waiting = list(dict.fromkeys(keys))
        done: dict[Key, Answer | UnavailableError] = {}
        if waiting and not self._breaker.is_closed:  # the breaker admits one try: the others wait for what it finds
            first = waiting.pop(0)
            done[first] = await outcome(first)
        done.update(zip(waiting, await asyncio.gather(*map(outcome, waiting)), strict=True))
        return done

    async def _once(self, path: str, read: Callable[[Any], Answer]) -> Answer | None:
        """One attempt, with what it says about the service's health."""
        try:
            status, body = await self._send(path)
            if status == HTTPStatus.OK:
                answer = read(parse_exact(body))
        except (TimeoutError, httpx.HTTPError, ValueError, LookupError, TypeError, InvalidInputError) as failure:
            self._breaker.failed()
            raise _AwayError(self._words(failure)) from failure
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _ALSO_RETRIED:
            self._breaker.failed()
            raise _AwayError(f"it answered {status}")
        self._breaker.succeeded()
        if status == HTTPStatus.OK:
            return answer
        if status == HTTPStatus.NOT_FOUND:
            return None
        raise self._unavailable(f"it refused our request with {status}")

    async def _send(self, path: str) -> tuple[int, bytes]:
        async with asyncio.timeout(self._timeout_s), self._client.stream("GET", self._base_url + path) as response:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > self._bytes_max:
                    raise ValueError(f"it answered more than {self._bytes_max} bytes")
            return response.status_code, bytes(body)

    def _words(self, failure: Exception) -> str:
        if isinstance(failure, TimeoutError | httpx.TimeoutException):
            return f"it did not answer within {self._timeout_s:g} s"
        if isinstance(failure, httpx.HTTPError):
            return f"it cannot be reached ({type(failure).__name__})"
        return "it answered something that is no JSON" if isinstance(failure, json.JSONDecodeError) else str(failure)

    def _unavailable(self, why: str) -> UnavailableError:
        code = f"{self.name.upper()}_UNAVAILABLE"
        return UnavailableError(f"the {self.name} service: {why}", code=code, details={"service": self.name})


class _AwayError(Exception):
    """An attempt that another one may make good."""
