"""What one country has under way never keeps another from filing."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

from service.settings import Settings
from tests.exchange import Exchange, Region, heroin
from tests.signing.wire import Wire, sign

CONNECTIONS = 2


@pytest.fixture(scope="module")
def narrow(settings: Settings, region: Region) -> Iterator[Exchange]:
    """One worker with two connections for each kind of work."""
    running = Exchange.start(settings, region, workers=1, SARHAD_DATABASE_POOL=str(CONNECTIONS))
    yield running
    running.stop()


def unfinished(exchange: Exchange, name: str) -> socket.socket:
    """A signed report of which the last byte is never sent."""
    body = exchange.sign(heroin(name)).encode()
    origin = exchange.settings.origin
    key = exchange.region.profiles[name].load_request_key()
    wire: Wire = sign(key, origin, "POST", "/v1/seizures", body, content_type="application/sd-jwt")
    lines = [f"POST {wire.target} HTTP/1.1", *(f"{name}: {value}" for name, value in wire.headers)]
    head = "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode()
    where = urlsplit(origin)
    connection = socket.create_connection((where.hostname or "", where.port or 80))
    connection.sendall(head + body[:-1])
    return connection


def test_bodies_that_never_end_keep_only_their_own_country_waiting(narrow: Exchange) -> None:
    narrow.client("KG-CUS").submit(narrow.sign(heroin("KG-CUS")))
    with ExitStack() as open_connections:
        for _ in range(2 * CONNECTIONS):
            open_connections.enter_context(unfinished(narrow, "KZ-CUS"))
        assert narrow.client("KG-CUS").submit(narrow.sign(heroin("KG-CUS"))).created


def test_a_new_scope_does_not_wait_for_the_connections_of_who_needs_it(settings: Settings, region: Region) -> None:
    single = Exchange.start(settings, region, workers=1, SARHAD_DATABASE_POOL="1")
    try:
        assert single.client("TM-CUS").submit(single.sign(heroin("TM-CUS", handling="TLP:RED"))).created
    finally:
        single.stop()
