"""A delivery goes to the address that was checked, and to the receiver that its certificate names: over real TLS."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import certifi
import pytest

from service import reach
from service.alerts.reach import deliver
from service.reach import Unreached
from service.settings import Settings
from tests.authority import Authority

NAME, PUBLIC, HERE, ELSEWHERE = "hooks.example.org", "93.184.216.34", "127.77.0.5", "127.77.0.6"
LOOPBACK = ("127.0.0.0/8",)
Certified = Callable[..., ssl.SSLContext]


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """The one whom the service trusts, instead of the public ones."""
    made = Authority(tmp_path)
    monkeypatch.setattr(certifi, "where", lambda: str(made.file))
    return made


@dataclass
class Heard:
    """What came to a server: connections, the names that clients asked for in TLS, the heads of requests."""

    port: int = 0
    connections: int = 0
    names: list[str | None] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def listening(host: str, port: int = 0, context: ssl.SSLContext | None = None) -> AsyncIterator[Heard]:
    """A receiver that takes everything."""
    heard = Heard()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.connections += 1
        heard.heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()
        writer.close()

    if context is not None:
        context.sni_callback = lambda _socket, name, _context: heard.names.append(name)
    server = await asyncio.start_server(answer, host, port, ssl=context)
    heard.port = server.sockets[0].getsockname()[1]
    async with server:
        yield heard


@pytest.fixture
def names() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as made:
        yield made


@pytest.fixture
def leads_to(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """What the name leads to, each time that it is looked up; what answers is how often it was."""
    real = socket.getaddrinfo

    def set_(*addresses: str) -> list[str]:
        asked: list[str] = []

        def look_up(host: Any, port: Any, *rest: Any, **options: Any) -> Any:
            if host != NAME:
                return real(host, port, *rest, **options)
            asked.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (addresses[len(asked) - 1], port))]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        return asked

    return set_


async def delivered(names: ThreadPoolExecutor, port: int, networks: tuple[str, ...] = LOOPBACK) -> str:
    """`taken`, or why not."""
    settings = Settings(webhook_networks=networks)
    try:
        await deliver(f"https://{NAME}:{port}/hook", b"{}", {}, settings, names)
    except Unreached as fault:
        return str(fault)
    return "taken"


async def test_a_name_that_was_public_and_leads_inside_later_is_not_connected_to(
    names: ThreadPoolExecutor, leads_to: Callable[..., list[str]]
) -> None:
    async with listening(HERE, 8443) as heard:
        for inside in (HERE, "10.1.2.3", "169.254.169.254"):
            leads_to(PUBLIC, inside)
            assert str(await reach.resolve(NAME, 8443, (), names)) == PUBLIC
            assert await delivered(names, 8443, ()) == "AddressNotPublic"
    assert heard.connections == 0


async def test_the_name_is_looked_up_once_and_the_address_that_was_checked_is_connected_to(
    names: ThreadPoolExecutor, leads_to: Callable[..., list[str]], authority: Authority
) -> None:
    """Whatever it would lead to a moment later."""
    context = authority.certifies(NAME)
    async with listening(HERE, context=context) as checked, listening(ELSEWHERE, checked.port, context) as other:
        asked = leads_to(HERE, ELSEWHERE)
        assert await delivered(names, checked.port) == "taken"
    assert (len(asked), checked.connections, other.connections) == (1, 1, 0)


async def test_the_receiver_is_asked_for_and_verified_by_its_name(
    names: ThreadPoolExecutor, leads_to: Callable[..., list[str]], authority: Authority
) -> None:
    async with listening(HERE, context=authority.certifies(NAME)) as heard:
        leads_to(HERE)
        assert await delivered(names, heard.port) == "taken"
    assert heard.names == [NAME]
    assert heard.heads[0].startswith(b"POST /hook HTTP/1.1\r\n")
    assert f"\r\nhost: {NAME}:{heard.port}\r\n".encode() in heard.heads[0].lower()


@pytest.mark.parametrize("certified", ["other.example.org", HERE])
async def test_a_certificate_of_another_name_or_of_the_address_alone_is_not_enough(
    names: ThreadPoolExecutor, leads_to: Callable[..., list[str]], authority: Authority, certified: str
) -> None:
    async with listening(HERE, context=authority.certifies(certified)) as heard:
        leads_to(HERE)
        assert await delivered(names, heard.port) == "ConnectError"
    assert heard.heads == []


async def test_a_certificate_of_an_authority_that_nobody_trusts_is_refused(
    names: ThreadPoolExecutor, leads_to: Callable[..., list[str]], authority: Authority, tmp_path: Path
) -> None:
    (tmp_path / "stranger").mkdir()
    async with listening(HERE, context=Authority(tmp_path / "stranger").certifies(NAME)) as heard:
        leads_to(HERE)
        assert await delivered(names, heard.port) == "ConnectError"
    assert heard.heads == []
