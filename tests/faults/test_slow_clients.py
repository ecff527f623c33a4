"""Clients that send slowly, without end, too much or nothing: each is ended, and nobody else waits for it."""

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from tests.exchange import Exchange
from tests.faults.sending import opened
from tests.seizures.wiring import NDJSON, RECORD, Agency, refusal, stored
from tests.signing.wire import Reply, Wire, sign, whole

pytestmark = pytest.mark.xdist_group("faults")
IDLE = 5_000
OTHER_FILES = 1_000  # of the tests themselves
MEGABYTE = 1 << 20
PATIENCE = 2  # seconds, of this service; in use it has 30 for headers and signed bodies, 10 for bodies of anybody
IMPATIENT = f"""
from service.cli import serve
from service.web import bodies
serve._HEADERS_WITHIN = {PATIENCE * 1000}
bodies._NEXT_WITHIN = bodies._UNSIGNED_WITHIN = {PATIENCE}
serve.app()
"""


@pytest.fixture(scope="module")
def impatient(fragile: Exchange) -> Iterator[Exchange]:
    running = Exchange.start(
        fragile.settings, fragile.region, workers=1, program=IMPATIENT, SARHAD_BATCH_MAX_BYTES=str(MEGABYTE)
    )
    yield running
    running.stop()


def head(wire: Wire, *lines: str) -> bytes:
    headers = (f"{name}: {value}" for name, value in wire.headers)
    return "\r\n".join([f"{wire.method} {wire.target} HTTP/1.1", *headers, *lines, "", ""]).encode()


def filing(exchange: Exchange, path: str, content_type: str, body: bytes = b"never sent") -> Wire:
    origin = exchange.settings.origin
    return sign(Agency(exchange, "KZ-CUS").request_key, origin, "POST", path, body, content_type=content_type)


def answer(connection: socket.socket) -> Reply:
    """What comes until the service ends the connection."""
    received = b""
    with suppress(ConnectionResetError):
        while chunk := connection.recv(65536):
            received += chunk
    return whole(received)


def drip(connection: socket.socket, piece: bytes) -> int:
    """Send a piece over and over, slowly, until the service has ended the connection. Answers how many went out."""
    connection.settimeout(PATIENCE / 10)
    sent = 0
    with suppress(ConnectionResetError, BrokenPipeError):
        while True:
            connection.sendall(piece)
            sent += 1
            with suppress(TimeoutError):
                if not connection.recv(65536):
                    break
    return sent


def test_headers_that_drip_in_are_not_waited_for(impatient: Exchange) -> None:
    with opened(impatient) as connection:
        connection.sendall(b"GET /v1/countries HTTP/1.1\r\nhost: x\r\n")
        started = time.monotonic()
        assert drip(connection, b"x-more: 1\r\n") > 2
        assert time.monotonic() - started < PATIENCE * 3


def test_who_says_nothing_is_not_waited_for(impatient: Exchange) -> None:
    with opened(impatient) as connection:
        assert connection.recv(1) == b""


@pytest.mark.parametrize(
    ("path", "content_type"), [("/v1/seizures", RECORD), ("/v1/batches", NDJSON), ("/v1/sign-in/enrolments", None)]
)
def test_a_body_that_stops_is_answered(impatient: Exchange, path: str, content_type: str | None) -> None:
    before = stored(impatient.settings)
    wire = Wire("POST", path, (("host", "x"), ("content-type", "application/json")))
    if content_type is not None:
        wire = filing(impatient, path, content_type)
    with opened(impatient) as connection:
        connection.sendall(head(wire, "content-length: 10") + b"12345")
        assert refusal(answer(connection))[:2] == (408, "body-too-slow")
    assert stored(impatient.settings) == before


@pytest.mark.parametrize(("path", "content_type"), [("/v1/seizures", RECORD), ("/v1/batches", NDJSON)])
def test_a_body_without_end_is_ended_at_the_limit(impatient: Exchange, path: str, content_type: str) -> None:
    settings = impatient.settings
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    sent = 0
    with opened(impatient) as connection:
        connection.sendall(head(filing(impatient, path, content_type), "transfer-encoding: chunked"))
        with suppress(ConnectionResetError, BrokenPipeError):
            while sent < 64 * MEGABYTE:
                connection.sendall(chunk)
                sent += len(chunk)
    assert sent < 64 * MEGABYTE
    assert list(settings.state_dir.glob("tmp*")) == []
    assert Agency(impatient, "KG-CUS").post(Agency(impatient, "KG-CUS").report()).status == 201


@pytest.mark.parametrize("announced", [MEGABYTE + 1, 10**12, 10**18])
def test_a_body_that_is_announced_too_large_is_not_taken(impatient: Exchange, announced: int) -> None:
    with opened(impatient) as connection:
        connection.sendall(head(filing(impatient, "/v1/batches", NDJSON), f"content-length: {announced}"))
        assert refusal(answer(connection))[:2] == (413, "body-too-large")


def test_thousands_who_are_connected_and_idle_keep_nobody_waiting(fragile: Exchange) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = IDLE + OTHER_FILES if hard == resource.RLIM_INFINITY else min(hard, IDLE + OTHER_FILES)
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert most - OTHER_FILES > 2 * 1_024, "too few files may be open (ulimit -Hn) to show anything"
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
    with ExitStack() as connections:
        for _ in range(most - OTHER_FILES):
            connections.enter_context(opened(fragile))
        started = time.monotonic()
        customs = Agency(fragile, "KZ-CUS")
        assert customs.post(customs.report()).status == 201
        assert customs.get("/v1/seizures").status == 200
        assert time.monotonic() - started < 5
