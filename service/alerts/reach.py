"""A receiver's address: which may be ordered, and how it is delivered to. Of its answer the status alone is read."""

from concurrent.futures import Executor
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from service.problems import Problem
from service.reach import PORTS, Unreached, answered, inside, permitted, resolve
from service.settings import Settings


class AddressRefused(Problem):
    """The service delivers to https addresses in the public network only."""


class NotDelivered(Unreached):
    """The receiver answered, and did not take this one; something else it may take."""


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


async def deliver(url: str, body: bytes, headers: dict[str, str], settings: Settings, names: Executor) -> None:
    """POST to the receiver; any 2xx is taken. Raises Unreached, NotDelivered, after `webhook_seconds` at the
    latest."""
    networks = settings.webhook_networks
    try:
        parts = check(url, networks)
    except AddressRefused:
        raise Unreached("AddressRefused") from None
    assert parts.hostname is not None
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = await resolve(parts.hostname, port, networks, names)
    usual = parts.scheme == "https" and port in PORTS
    if not usual and not inside(address, networks):
        raise Unreached("AddressRefused")  # an excepted network excepts itself, and nothing in the public one
    sent = answered("POST", url, address, content=body, headers=headers, seconds=settings.webhook_seconds)
    async with sent as answer:
        if not answer.is_success:
            raise NotDelivered(f"Status{answer.status_code}")
