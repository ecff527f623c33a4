"""Reach an address that somebody else names, and none that they could make the service reach for them (SSRF).

A name is resolved once, each time that it is asked. Every address that it has must be public, or in a network that the
operator names; the connection goes to the one that was checked, under the name for TLS and in the Host header. No
redirect is followed, and no proxy of the environment is used.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

import httpx

CONNECT_SECONDS = 5.0  # to find the name, and again to be connected
PORTS = frozenset({443, 8443})
_NAT64 = ip_network("64:ff9b::/96")
Address = IPv4Address | IPv6Address


class Unreached(Exception):
    """No answer came, or none may be asked for; the name says why, in a word."""


def permitted(address: Address, networks: tuple[str, ...]) -> bool:
    """Whether it is public, or in one of the networks that the settings name. IPv4 inside IPv6 is looked at as IPv4."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is None and address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return permitted(inner, networks)
    if inside(address, networks):
        return True
    return address.is_global and not address.is_multicast and not address.is_reserved


def inside(address: Address, networks: tuple[str, ...]) -> bool:
    """Whether it is in one of them."""
    known = map(ip_network, networks)
    return any(address.version == network.version and address in network for network in known)


async def resolve(host: str, port: int, networks: tuple[str, ...], names: Executor) -> Address:
    """The first address of a name, once all of them may be reached. Raises Unreached.

    `names` are the threads that look names up: one that is given up here still waits there for a server that does not
    answer, so nobody shares threads with whose names these are.
    """
    looking = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        found = await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(names, looking), CONNECT_SECONDS)
    except (OSError, TimeoutError, UnicodeError):
        raise Unreached("NameNotResolved") from None
    addresses = [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    if not addresses or not all(permitted(address, networks) for address in addresses):
        raise Unreached("AddressNotPublic")
    return addresses[0]


@asynccontextmanager
async def answered(
    method: str, url: str, address: Address, *, content: bytes, headers: dict[str, str], seconds: float
) -> AsyncIterator[httpx.Response]:
    """What is answered at an address that was checked, of which nothing is read yet. Raises Unreached, after `seconds`
    at the latest.
    """
    parts = urlsplit(url)
    pinned = httpx.URL(url).copy_with(host=str(address), port=parts.port)
    waits = httpx.Timeout(seconds, connect=CONNECT_SECONDS)
    request = httpx.Request(
        method, pinned, content=content, headers={**headers, "host": parts.netloc},
        extensions={"sni_hostname": parts.hostname, "timeout": waits.as_dict()},
    )  # fmt: skip
    try:
        async with asyncio.timeout(seconds), httpx.AsyncHTTPTransport(retries=0, trust_env=False) as transport:
            answer = await transport.handle_async_request(request)
            try:
                yield answer
            finally:
                await answer.aclose()
    except (httpx.HTTPError, TimeoutError, OSError) as fault:
        raise Unreached(type(fault).__name__) from None
