"""What one country has under way never keeps another from filing."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI, Request
from pydantic import BaseModel
from starlette.types import Message

from service.settings import Settings
from service.web import bodies
from tests.exchange import Exchange, Region, heroin
from tests.signing.wire import Wire, sign

CONNECTIONS = 2


@pytest.fixture(scope="module")
def narrow(settings: Settings, region: Region) -> Iterator[Exchange]:
    """One worker with two connections for each kind of work."""
    running = Exchange.start(settings, region, workers=1, SARHAD_DATABASE_POOL=str(CONNECTIONS))
    yield running
    running.stop()


def unfinished_report(exchange: Exchange, name: str, by: str | None = None) -> socket.socket:
    """A signed report of which the last byte is never sent."""
    body = exchange.sign(heroin(name)).encode()
    key = exchange.region.profiles[by or name].load_request_key()
    origin = exchange.settings.origin
    wire: Wire = sign(key, origin, "POST", "/v1/seizures", body, content_type="application/sd-jwt")
    return unfinished(exchange, wire.target, list(wire.headers), body)


def unfinished_sign_in(exchange: Exchange, path: str) -> socket.socket:
    host = urlsplit(exchange.settings.origin).netloc
    return unfinished(exchange, path, [("host", host), ("content-type", "application/json")], b'{"code": "x"}')


def unfinished(exchange: Exchange, target: str, headers: list[tuple[str, str]], body: bytes) -> socket.socket:
    lines = [f"POST {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    head = "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode()
    where = urlsplit(exchange.settings.origin)
    connection = socket.create_connection((where.hostname or "", where.port or 80))
    connection.sendall(head + body[:-1])
    return connection


@pytest.mark.parametrize("filing", ["KG-CUS", "KZ-CUS"])
def test_bodies_that_never_end_keep_nobody_waiting(narrow: Exchange, filing: str) -> None:
    narrow.client(filing).submit(narrow.sign(heroin(filing)))
    with ExitStack() as open_connections:
        for _ in range(2 * CONNECTIONS):
            open_connections.enter_context(unfinished_report(narrow, "KZ-CUS"))
        assert narrow.client(filing).submit(narrow.sign(heroin(filing))).created


def test_who_may_not_file_is_refused_before_its_body_is_taken(narrow: Exchange) -> None:
    with unfinished_report(narrow, "KZ-CUS", by="KZ-DCA/auditor") as connection:
        connection.settimeout(8)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 403 ")


def test_who_sends_slowly_keeps_nobody_from_signing_in(narrow: Exchange) -> None:
    paths = ["/v1/sign-in/enrolments", "/v1/sign-in/passkeys", "/v1/sign-in/providers/TJ/sessions"]
    with ExitStack() as open_connections:
        for path in paths * CONNECTIONS:
            open_connections.enter_context(unfinished_sign_in(narrow, path))
        answer = httpx.post(f"{narrow.settings.origin}{paths[0]}", json={"code": "x" * 24}, timeout=8)
        assert answer.json()["type"] != "/problems/unavailable"
        assert answer.status_code < 500


@pytest.mark.parametrize("limit", ["_NEXT_WITHIN", "_UNSIGNED_WITHIN"])
async def test_a_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setattr(bodies, limit, 0.01)

    async def receive() -> Message:
        return await asyncio.Future[Message]()

    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", b"application/json")], "app": FastAPI()}
    request = Request(scope, receive)
    request.app.state.settings = Settings()
    request.state.digest_field = f"sha-256=:{'A' * 43}=:"
    reading = bodies.receive if limit == "_NEXT_WITHIN" else bodies.unsigned_json(BaseModel, 100).dependency
    with pytest.raises(bodies.BodyTooSlow):
        await reading(request)


def test_a_new_scope_does_not_wait_for_the_connections_of_who_needs_it(settings: Settings, region: Region) -> None:
    single = Exchange.start(settings, region, workers=1, SARHAD_DATABASE_POOL="1")
    try:
        assert single.client("TM-CUS").submit(single.sign(heroin("TM-CUS", handling="TLP:RED"))).created
    finally:
        single.stop()
