"""A read-only gateway on this machine's loopback: GIS asks in plain HTTP, the gateway signs, checks and passes on.

It answers GET and HEAD for `/ogc` of one service, under the address of the gateway's own root, as the agency of one
profile and for one stated purpose. Whoever can open a socket on this machine's loopback reads as that agency while it
runs. Web pages cannot: a request must name the gateway itself as its host (against DNS rebinding), must not come from
another origin, and gets no leave to be read by one. Every answer is verified before a byte of it is passed on.
"""

import http.server
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import orjson

from sarhad._client import Client
from sarhad.errors import ConfigurationError, ServiceUnreachable, UnverifiedResponse

LONGEST: Final = 32_768  # bytes of a path with its query
_PASSED: Final = ("content-type", "content-crs", "retry-after", "allow")
_ROOT: Final = "/ogc"
_PROBLEM: Final = "application/problem+json"


@dataclass(frozen=True)
class Refusal(Exception):
    """What the gateway answers by itself, as a problem (RFC 9457)."""

    status: HTTPStatus
    name: str
    detail: str

    def document(self) -> dict[str, Any]:
        return {
            "type": f"/problems/{self.name}",
            "title": self.status.phrase,
            "status": self.status,
            "detail": self.detail,
        }


@dataclass(frozen=True)
class Answer:
    """A verified answer of the service, with its own address in place of the service's."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class Gateway(http.server.ThreadingHTTPServer):
    """`Gateway(client, port=8888).serve_forever()`. Raises ConfigurationError for an address that is not loopback."""

    daemon_threads = True

    def __init__(self, client: Client, *, host: str = "127.0.0.1", port: int = 0) -> None:
        if not ipaddress.ip_address(host).is_loopback:
            raise ConfigurationError("The gateway listens on loopback only, not on {host}.", host=host)
        super().__init__((host, port), _Handler)
        self._client = client
        self.origin = f"http://{host}:{self.server_port}"
        self._hosts = {f"{name}:{self.server_port}" for name in (host, "localhost")}

    def admit(self, headers: Mapping[str, str]) -> None:
        """Raises Refusal for what a web page could send."""
        if headers.get("host", "").lower() not in self._hosts:
            raise Refusal(HTTPStatus.MISDIRECTED_REQUEST, "wrong-host", f"this gateway is {self.origin}")
        origin = headers.get("origin")
        if (origin and origin != self.origin) or headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            raise Refusal(HTTPStatus.FORBIDDEN, "another-origin", "web pages do not read through this gateway")

    def fetch(self, target: str) -> Answer:
        """GET a path of /ogc, given as the gateway's own. Raises Refusal."""
        if len(target) > LONGEST:
            raise Refusal(
                HTTPStatus.REQUEST_URI_TOO_LONG, "request-too-long", f"at most {LONGEST} bytes of path and query"
            )
        path, _, query = target.partition("?")
        if ".." in path or not path.startswith("/") or urlsplit(target).netloc:
            raise Refusal(HTTPStatus.NOT_FOUND, "not-found", "no resource has this path")
        try:
            answer = self._client.fetch(_ROOT + path.rstrip("/") + (f"?{query}" if query else ""))
        except ServiceUnreachable as fault:
            raise Refusal(HTTPStatus.BAD_GATEWAY, "service-unreachable", str(fault)) from None
        except UnverifiedResponse as fault:
            raise Refusal(HTTPStatus.BAD_GATEWAY, "answer-not-verified", str(fault)) from None
        return self._own(answer)

    def _own(self, answer: httpx.Response) -> Answer:
        """Links point to the gateway."""
        theirs = self._client.address + _ROOT
        headers = {name: answer.headers[name] for name in _PASSED if name in answer.headers}
        if "link" in answer.headers:
            headers["link"] = answer.headers["link"].replace(theirs, self.origin)
        body = answer.content
        if "json" in answer.headers.get("content-type", ""):
            body = body.replace(theirs.encode(), self.origin.encode())
        return Answer(answer.status_code, body, headers)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "sarhad-gateway"
    sys_version = ""
    timeout = 60
    server: Gateway

    def do_GET(self) -> None:
        try:
            self.server.admit({name.lower(): value for name, value in self.headers.items()})
            answer = self.server.fetch(self.path)
        except Refusal as refusal:
            answer = Answer(refusal.status, orjson.dumps(refusal.document()), {"content-type": _PROBLEM})
        self._send(answer)

    do_HEAD = do_GET

    def do_POST(self) -> None:
        """Reading only."""
        refusal = Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "method-not-allowed", "the gateway only reads")
        self.close_connection = True
        self._send(
            Answer(refusal.status, orjson.dumps(refusal.document()), {"content-type": _PROBLEM, "allow": "GET, HEAD"})
        )

    do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_POST

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the standard library refuses by itself, a request line without end for one, as a problem too."""
        refusal = Refusal(HTTPStatus(code), "malformed-request", message or HTTPStatus(code).phrase)
        self.close_connection = True
        self._send(Answer(refusal.status, orjson.dumps(refusal.document()), {"content-type": _PROBLEM}))

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("cache-control", "no-store")
        self.send_header("x-content-type-options", "nosniff")
        self.send_header("cross-origin-resource-policy", "same-origin")
        self.send_header("content-length", str(len(answer.body)))
        self.end_headers()
        if getattr(self, "command", None) != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: what was asked is in the service's access log."""
