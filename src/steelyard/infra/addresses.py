"""Which addresses a request that a user asked for may go to: public ones, and those of the allow-list.

A name is resolved once and the connection goes to the very address that was checked, so a name that
answers differently the second time (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence

from steelyard.core.errors import InvalidInputError, UnavailableError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[list[str]]]

_RESOLVE_TIMEOUT_S = 5

_NEVER = [
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "192.88.99.0/24",  # 6to4 relays
        "::/96",  # IPv4-compatible
        "64:ff9b::/96",  # NAT64 reaches any IPv4 address
        "64:ff9b:1::/48",
        "2001::/32",  # Teredo
        "2002::/16",  # 6to4
        "fc00::/7",
        "fec0::/10",  # site-local of old
    )
]
"""Refused whatever the standard library of this Python version thinks of them."""


async def checked_addresses(host: str, port: int, *, allow: Sequence[str], resolve: Resolve) -> list[str]:
    """The addresses of ``host``, every one of which may be connected to.

    Args:
        host: a name or an address in any spelling.
        port: for the resolver.
        allow: host names, addresses and networks that are good though they are not public.
        resolve: asks the system or, in tests, somebody else.

    Raises:
        InvalidInputError: one of the addresses is neither public nor allowed.
        UnavailableError: the name cannot be resolved.
    """
    try:
        async with asyncio.timeout(_RESOLVE_TIMEOUT_S):
            found = await resolve(host, port)
    except (OSError, UnicodeError, TimeoutError):
        found = []
    if not found:
        raise UnavailableError(f"the host {host[:200]!r} cannot be resolved", code="HOST_UNKNOWN")
    if host.lower().rstrip(".") not in allow:
        networks = [network for entry in allow if (network := _network(entry))]
        for text in found:
            address = ipaddress.ip_address(text.partition("%")[0])
            if not is_public(address) and not any(address in network for network in networks):
                # Its address is not told: the answer would map our inner network for whoever asks.
                message = f"the host {host[:200]!r} has an address that is not public; requests go to public ones only"
                raise InvalidInputError(message, code="ADDRESS_REFUSED")
    return found


def is_public(address: Address) -> bool:
    """Whether ``address`` belongs to the public internet, in itself and in what it may carry inside."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return False  # no honest name resolves to one
    return address.is_global and not address.is_multicast and not any(address in network for network in _NEVER)


async def system_resolve(host: str, port: int) -> list[str]:
    """The addresses that the system's resolver knows for ``host``."""
    answers = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


def _network(entry: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return None  # a host name
