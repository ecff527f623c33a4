"""How the service ends: what it was asked before is answered."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from sarhad.records import read

from tests.exchange import Exchange
from tests.seizures.wiring import NDJSON, Agency, line
from tests.signing.wire import sign

ENDINGS: dict[str, Callable[[int], None]] = {
    "the first process": lambda pid: os.kill(pid, signal.SIGTERM),
    "all of them": lambda pid: os.killpg(pid, signal.SIGTERM),  # as systemd does
}


@pytest.fixture
def alone(exchange: Exchange) -> Iterator[Exchange]:
    """A service of one worker, which the test may end."""
    running = Exchange.start(exchange.settings, exchange.region, workers=1)
    yield running
    running.stop()


def _until_nobody_listens(where: tuple[str, int]) -> None:
    while True:
        try:
            socket.create_connection(where, timeout=20).close()
        except OSError:
            return


@pytest.mark.parametrize("told", ENDINGS)
def test_a_request_under_way_is_answered_before_the_service_ends(
    exchange: Exchange, alone: Exchange, told: str
) -> None:
    """The signal comes when the service waits for the body; the connection it came by is then the last."""
    customs = Agency(alone, "KZ-CUS")
    record = customs.report()
    body = f"{line(record)}\n".encode()
    origin = urlsplit(alone.settings.origin)
    where = (str(origin.hostname), int(origin.port or 0))
    wire = sign(customs.request_key, alone.settings.origin, "POST", "/v1/batches", body, content_type=NDJSON)
    lines = [f"POST {wire.target} HTTP/1.1", *(f"{name}: {value}" for name, value in wire.headers)]
    lines += [f"content-length: {len(body)}", "expect: 100-continue", "", ""]
    with socket.create_connection(where, timeout=30) as connection:
        connection.sendall("\r\n".join(lines).encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 "), "it reads: the request is under way"
        ENDINGS[told](alone.process.pid)
        _until_nobody_listens(where)
        connection.sendall(body)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    assert received.startswith(b"HTTP/1.1 200 "), received
    assert b'"committed":true' in received
    assert alone.process.wait(60) == 0
    assert len(Agency(exchange, "KZ-CUS").search(reference=read(record).facets["reference"])) == 1
