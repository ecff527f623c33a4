"""Reach a receiver's address, and no address that a receiver could make the service reach for it (SSRF).

The name is resolved once, for each delivery. Every address that it has must be public; the connection goes to the one
that was checked, under the receiver's name for TLS and in the Host header. No redirect is followed, no proxy of the
environment is used, nothing of the answer is read but its status.
"""

import asyncio
import socket
from concurrent.futures import Executor
from functools import partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

import httpx

from service.problems import Problem
from service.settings import Settings

CONNECT_SECONDS = 5.0  # to find the name, and again to be connected
PORTS = frozenset({443, 8443})
_NAT64 = ip_network("64:ff9b::/96")
Address = IPv4Address | IPv6Address


class AddressRefused(Problem):
    """The service delivers to https addresses in the public network only."""


class NotDelivered(Exception):
    """The receiver did not take it; the name says why, in a word."""


class Unreached(NotDelivered):
    """No answer came: nothing else that waits for this receiver would reach it now."""


def check(url: str, networks: tuple[str, ...]) -> SplitResult:
    """The parts of an address that may be ordered. Raises AddressRefused. What its name resolves to is checked at each
    delivery, because it changes.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused("it is no address", pointer="/url") from None
    host = parts.hostname
    if parts.scheme not in ({"https", "http"} if networks else {"https"}) or not host:
        raise AddressRefused("expected https://", pointer="/url")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise AddressRefused("expected no user, password or fragment", pointer="/url")
    if port is not None and port not in PORTS and not networks:
        raise AddressRefused(f"expected port {' or '.join(map(str, sorted(PORTS)))}", pointer="/url")
    try:
        literal = ip_address(host)
    except ValueError:
        return parts
    if not permitted(literal, networks):
        raise AddressRefused("this address is not in the public network", pointer="/url")
    return parts


def permitted(address: Address, networks: tuple[str, ...]) -> bool:
    """Whether it is public, or in one of the networks that the settings name. IPv4 inside IPv6 is looked at as IPv4."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is None and address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return permitted(inner, networks)
    if any(_inside(address, ip_network(network)) for network in networks):
        return True
    return address.is_global and not address.is_multicast and not address.is_reserved


def _inside(address: Address, network: IPv4Network | IPv6Network) -> bool:
    return address.version == network.version and address in network


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


async def deliver(url: str, body: bytes, headers: dict[str, str], settings: Settings, names: Executor) -> None:
    """POST to the receiver; any 2xx is taken. Raises NotDelivered, after `webhook_seconds` at the latest."""
    networks = settings.webhook_networks
    try:
        parts = check(url, networks)
    except AddressRefused:
        raise Unreached("AddressRefused") from None
    assert parts.hostname is not None
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = await resolve(parts.hostname, port, networks, names)
    usual = parts.scheme == "https" and port in PORTS
    if not usual and not any(_inside(address, ip_network(network)) for network in networks):
        raise Unreached("AddressRefused")  # an excepted network excepts itself, and nothing in the public one
    pinned = httpx.URL(url).copy_with(host=str(address), port=port)
    waits = httpx.Timeout(settings.webhook_seconds, connect=CONNECT_SECONDS)
    request = httpx.Request(
        "POST", pinned, content=body, headers={**headers, "host": parts.netloc},
        extensions={"sni_hostname": parts.hostname, "timeout": waits.as_dict()},
    )  # fmt: skip
    try:
        async with (
            asyncio.timeout(settings.webhook_seconds),
            httpx.AsyncHTTPTransport(retries=0, trust_env=False) as transport,
        ):
            answer = await transport.handle_async_request(request)
            await answer.aclose()
    except (httpx.HTTPError, TimeoutError, OSError) as fault:
        raise Unreached(type(fault).__name__) from None
    if not answer.is_success:
        raise NotDelivered(f"Status{answer.status_code}")
