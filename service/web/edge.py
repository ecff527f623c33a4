"""The outermost layer, as plain ASGI: every answer leaves complete, signed, with security headers, counted
and logged.

An answer is held back until it is whole, because its digest and signature stand in its headers. Large ones
wait in a temporary file, so memory stays bounded. A stream of events has no end to wait for: its headers are signed
without a digest, and each of its events carries the service's signature.
"""

import hashlib
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from http import HTTPStatus
from time import perf_counter
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.database import withheld
from service.problems import Problem
from service.settings import Settings
from service.signing import AS_OF, RequestMessage, ServiceKeys, content_digest, signature_headers
from service.signing.service_keys import TOLD
from service.web.metrics import REPLICA, observe
from service.web.rendering import Unavailable, UnexpectedError, problem_response

_CHUNK = 1 << 18  # bytes of one body message on the way out
_IN_MEMORY = 1 << 20
_SECURITY = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"vary", b"accept, signature, sarhad-purpose"),
)
_OUR_OWN = frozenset({b"date", b"server", b"signature", b"signature-input", b"content-digest", b"content-length"})
_BODY = frozenset({b"content-length", b"transfer-encoding"})  # with either a request has a body (RFC 9112 §6)
_BODILESS = frozenset({204, 304})
_EMPTY = hashlib.sha256().digest()  # of what an answer to HEAD holds (RFC 9530, appendix B.2)
_STREAM = b"text/event-stream"  # whose events carry signatures of their own

Settle = Callable[[Mapping[str, Any], int, bytes], Awaitable[None]]
"""Done before an answer leaves: ASGI scope, status, SHA-256 of the body. Raises a Problem to be answered instead."""

log = structlog.get_logger("sarhad.edge")


class Answer:
    """What the application sends, kept until it is complete; a stream of events flows on as it comes, once `flow` has
    settled it and sent its headers.
    """

    def __init__(self, flow: "Callable[[Answer], Awaitable[Send]] | None" = None) -> None:
        self._flow = flow
        self._out: Send | None = None
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115
        self.size = 0
        self._digest = hashlib.sha256()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = [(name.lower(), value) for name, value in message["headers"]]
            if self._flow is not None and self._is_stream():
                self._out = await self._flow(self)
        elif self._out is not None:
            await self._out(message)
        elif message["type"] == "http.response.body":
            chunk = message.get("body", b"")
            self.size += len(chunk)
            self._digest.update(chunk)
            self.body.write(chunk)

    def _is_stream(self) -> bool:
        return self.status == HTTPStatus.OK and dict(self.headers).get(b"content-type", b"").startswith(_STREAM)

    @property
    def flowed(self) -> bool:
        return self._out is not None

    @property
    def digest(self) -> bytes:
        return self._digest.digest()

    def chunks(self) -> Iterator[bytes]:
        self.body.seek(0)
        while chunk := self.body.read(_CHUNK):
            yield chunk


class Incoming:
    """What the application receives, and whether all of the request has come. After a request of which a part is still
    under way the server ends the connection, for the rest would be read as the next request: the answer must say so,
    or its reader sends another into a connection that ends (RFC 9112 §9.6).
    """

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._receive = receive
        announced = {name: value for name, value in scope["headers"] if name in _BODY}
        self.whole = set(announced.values()) <= {b"0"}

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            self.whole = True
        return message


class Edge:
    """ASGI middleware around everything, error pages included."""

    def __init__(self, app: ASGIApp, settings: Settings, keys: ServiceKeys, settle: Settle) -> None:
        self._app = app
        self._settle = settle
        self._origins = settings.origins
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        scope["state"] = dict(scope.get("state") or {})  # of this request alone
        scope["extensions"] = {}  # none by which a file goes past us: an answer is complete before it is signed
        incoming = Incoming(scope, receive)
        answer = await self._settled(scope, incoming, await self._answer(scope, incoming, send))
        if answer.flowed:
            _record(scope, answer, perf_counter() - started)
            return
        headers = self._headers(scope, answer)
        if not incoming.whole:
            headers.append((b"connection", b"close"))
        _record(scope, answer, perf_counter() - started)
        with answer.body:
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            for chunk in answer.chunks():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> Answer:
        async def flow(stream: Answer) -> Send:
            await self._settle(scope, stream.status, stream.digest)
            headers = self._headers(scope, stream, flowing=True)
            await send({"type": "http.response.start", "status": stream.status, "headers": headers})
            return send

        answer = Answer(flow)
        try:
            await self._app(scope, receive, answer.send)
        except Exception as error:
            if answer.flowed:  # its reader sees the line break, and asks again
                log.warning("stream broken", error=type(error).__name__, route=route_of(scope))
                return answer
            answer.body.close()
            if _by_replica(scope, error):
                return await self._answer(scope, receive, send)
            return await _failed(scope, receive, error)
        return answer

    async def _settled(self, scope: Scope, receive: Receive, answer: Answer) -> Answer:
        if answer.flowed:
            return answer
        try:
            await self._settle(scope, answer.status, answer.digest)
        except Problem as problem:
            answer.body.close()
            answer = Answer()
            await problem_response(problem)(scope, receive, answer.send)
        return answer

    def _headers(self, scope: Scope, answer: Answer, *, flowing: bool = False) -> list[tuple[bytes, bytes]]:
        headers = [(name, value) for name, value in answer.headers if name not in _OUR_OWN]
        present = {name for name, _ in headers}
        headers += [(name, value) for name, value in _SECURITY if name not in present]
        if (as_of := scope["state"].get("as_of")) is not None:
            headers.append((AS_OF.encode(), as_of.strftime("%Y-%m-%dT%H:%M:%SZ").encode()))
        kept = (b"content-type", AS_OF.encode())
        covered = {name.decode(): value.decode("latin-1") for name, value in headers if name in kept}
        if answer.status not in _BODILESS and not flowing:
            headers.append((b"content-length", str(answer.size).encode()))
            covered["content-digest"] = content_digest(_EMPTY if scope["method"] == "HEAD" else answer.digest)
        request = RequestMessage.of(scope, *self._origins)
        signed = signature_headers(self._keys.current(), request, answer.status, covered)
        if successions := self._keys.successions()[-TOLD:]:
            signed["sarhad-succession"] = ", ".join(successions)
        if "content-digest" in covered:
            signed["content-digest"] = covered["content-digest"]
        return headers + [(name.encode(), value.encode("latin-1")) for name, value in signed.items()]


def _by_replica(scope: Scope, error: Exception) -> bool:
    """Whether the replica failed in the middle of an answer, and the leader is to give it. What took too long there
    would here too.
    """
    state = scope["state"]
    if state.pop("as_of", None) is None or _took_too_long(error):
        return False
    del state["word"]
    state.pop("account", None)
    REPLICA.labels("failed").inc()
    log.warning("the leader answers for the replica", replica="failed", error=type(error).__name__)
    return True


async def _failed(scope: Scope, receive: Receive, error: Exception) -> Answer:
    """An error nobody foresaw: told to the log, never to the caller."""
    problem = UnexpectedError("the error was logged; nothing of this request was kept")
    if _took_too_long(error):
        problem = Unavailable("the question took longer than one may: ask for less, or later")  # type: ignore[assignment]
        log.warning("statement timeout", route=route_of(scope))
    elif _is_outage(error):
        problem = Unavailable("the database cannot be reached")  # type: ignore[assignment]
        log.warning("database unavailable", error=type(error).__name__, route=route_of(scope))
    else:
        log.error("unexpected error", error=type(error).__name__, route=route_of(scope), exc_info=withheld(error))
    answer = Answer()
    await problem_response(problem)(scope, receive, answer.send)
    return answer


def _took_too_long(error: Exception) -> bool:
    """PostgreSQL ended the statement by its own clock (SQLSTATE 57014)."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) == "57014"


def _is_outage(error: Exception) -> bool:
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return isinstance(error, (OperationalError, InterfaceError, PoolTimeout, ConnectionError))


def route_of(scope: Scope) -> str:
    """The template of the route, `/v1/keys/{kid}`; never the path itself, which names things."""
    route = scope.get("route")
    return getattr(route, "path", "unmatched")


def _record(scope: Scope, answer: Answer, seconds: float) -> None:
    route = route_of(scope)
    observe(scope["method"], route, answer.status, seconds)
    caller = scope.get("state", {}).get("caller")
    log.info(
        "request",
        method=scope["method"],
        route=route,
        status=answer.status,
        milliseconds=round(seconds * 1000, 1),
        agency=getattr(caller, "agency", None),
    )
