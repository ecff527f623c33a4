"""Where a webhook may lead: https in the public network, at the address that was checked, without redirects."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

import pytest

from service import reach
from service.alerts import lanes
from service.alerts.reach import AddressRefused, check
from service.reach import Unreached, permitted

REFUSED = [
    "http://example.org/", "ftp://example.org/", "https://", "https://user:pw@example.org/", "https://example.org:22/",
    "https://example.org/#x", "https://127.0.0.1/", "https://[::1]/", "https://10.1.2.3/", "https://169.254.169.254/",
    "https://192.168.0.1/", "https://0.0.0.0/", "https://[fd00::1]/", "https://[::ffff:10.0.0.1]/",
    "https://[2002:0a00:0001::]/", "https://[64:ff9b::a00:1]/", "https://100.64.0.1/", "https://[fe80::1]/",
    "https://224.0.0.1/", "https://198.51.100.7/", "https://example.org:99999/", "nonsense",
]  # fmt: skip


@pytest.mark.parametrize("url", REFUSED)
def test_an_address_that_is_not_public_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        check(url, ())


def test_a_public_address_and_a_network_that_the_settings_name_are_not() -> None:
    assert check("https://example.org/hook?x=1", ()).hostname == "example.org"
    assert check("https://93.184.216.34:8443/", ()).port == 8443
    assert check("http://127.0.0.1:9000/", ("127.0.0.0/8",)).port == 9000
    assert not permitted(ip_address("10.0.0.1"), ("127.0.0.0/8",))


@pytest.fixture
def names() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as made:
        yield made


def answers(*addresses: str) -> list[tuple[int, int, int, str, tuple[str, int]]]:
    return [(0, 0, 0, "", (address, 443)) for address in addresses]


def test_a_name_that_leads_inside_is_not_followed(monkeypatch: pytest.MonkeyPatch, names: ThreadPoolExecutor) -> None:
    """All addresses of a name count: one private among them refuses the name."""

    async def outcome(*addresses: str) -> str:
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers(*addresses))
        try:
            return str(await reach.resolve("example.org", 443, (), names))
        except Unreached as fault:
            return str(fault)

    assert asyncio.run(outcome("93.184.216.34")) == "93.184.216.34"
    for private in ("127.0.0.1", "10.0.0.8", "::1", "fd12::1"):
        assert asyncio.run(outcome("93.184.216.34", private)) == "AddressNotPublic"


def test_names_that_no_server_answers_hold_up_nobody_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each country looks its names up in threads of its own, as many as it has receivers at a time."""
    asked, answered = threading.Semaphore(0), threading.Event()

    def look_up(host: str, *_: object, **__: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        if host == "dead.example.org":
            asked.release()
            answered.wait()
        return answers("93.184.216.34")

    async def outcome() -> str:
        dead = [
            asyncio.create_task(reach.resolve("dead.example.org", 443, (), lanes.names("KG", 4))) for _ in range(64)
        ]
        for _ in range(4):
            await asyncio.to_thread(asked.acquire)
        found = await reach.resolve("example.org", 443, (), lanes.names("KZ", 4))
        for task in dead:
            task.cancel()
        return str(found)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    try:
        assert asyncio.run(outcome()) == "93.184.216.34"
        assert not asked.acquire(blocking=False)  # no more than four wait for it
    finally:
        answered.set()
