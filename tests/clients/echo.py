"""A small real service on a real socket: it verifies requests and signs answers with the service's own code.

It answers with what a call would need, and can be told to misbehave in the ways a network or an attacker can.
"""

import contextlib
import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson

from service.problems import Problem
from service.signing import (
    AS_OF,
    DigestReader,
    Presented,
    RequestMessage,
    ServiceKey,
    content_digest,
    signature_headers,
)
from service.signing.keys import public_key

Scope = dict[str, Any]


@dataclass
class Exchange:
    """One request as received, after verification."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    presented: Presented | None


@dataclass
class Answer:
    status: int
    document: Any
    content_type: str = "application/json"
    as_of: str | None = None

    @property
    def body(self) -> bytes:
        return self.document if isinstance(self.document, bytes) else orjson.dumps(self.document)


Handler = Callable[[Exchange], Answer]


@dataclass
class SignedService:
    """`handler` decides the answers; `tamper` may change (status, headers, body) after signing."""

    keys: dict[str, dict[str, str]]
    handler: Handler
    key: ServiceKey = field(default_factory=ServiceKey.generate)
    tamper: Callable[[int, dict[str, str], bytes], tuple[int, dict[str, str], bytes] | None] | None = None
    seen: list[Exchange] = field(default_factory=list)
    origin: str = ""

    def answer(
        self, method: str, target: str, raw: list[tuple[bytes, bytes]], body: bytes
    ) -> tuple[int, dict[str, str], bytes] | None:
        path, _, query = target.partition("?")
        scope: Scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": raw,
        }
        message = RequestMessage.of(scope, self.origin)
        answer = self._decide(method, target, raw, body, message)
        headers = {"content-type": answer.content_type, "content-length": str(len(answer.body))}
        headers["content-digest"] = content_digest(hashlib.sha256(answer.body).digest())
        if answer.as_of:
            headers[AS_OF] = answer.as_of
        headers |= signature_headers(self.key, message, answer.status, headers)
        reply = (answer.status, headers, answer.body)
        return self.tamper(*reply) if self.tamper else reply

    def _decide(
        self, method: str, target: str, raw: list[tuple[bytes, bytes]], body: bytes, message: RequestMessage
    ) -> Answer:
        presented = None
        try:
            if target != "/v1/service":
                message.check(self.origin)
                presented = Presented.read(message)
                key, alg = public_key(self.keys[presented.key_id])
                presented.verify(key, alg)
                if presented.digest_field:
                    digest = DigestReader(presented.digest_field)
                    digest.update(body)
                    digest.check()
            exchange = Exchange(method, target, dict(message.headers.items()), body, presented)
            self.seen.append(exchange)
            if target == "/v1/service":
                return Answer(200, {"origin": self.origin, "keys": [self.key.jwk]})
            return self.handler(exchange)
        except Problem as problem:
            return Answer(int(problem.status), problem.as_document(), "application/problem+json")


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    service: SignedService

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in self.headers.items()]
        reply = self.service.answer(self.command, self.path, raw, body)
        if reply is None:  # the line breaks before the answer arrives
            self.close_connection = True
            return
        status, headers, content = reply
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = handle_any

    def log_message(self, format: str, *args: object) -> None:
        """The tests read `seen` instead."""


@contextlib.contextmanager
def running(service: SignedService) -> Iterator[SignedService]:
    """Serve on a free loopback port, a thread for each connection."""
    handler = type("Connection", (_Connection,), {"service": service})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        service.origin = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()
