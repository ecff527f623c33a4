"""The outermost layer, as plain ASGI: every answer leaves complete, signed, with security headers, counted
and logged.

An answer is held back until it is whole, because its digest and signature stand in its headers. Large ones
wait in a temporary file, so memory stays bounded.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.settings import Settings
from service.signing import RequestMessage, ServiceKey, content_digest, signature_headers
from service.web.metrics import observe
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
_BODILESS = frozenset({204, 304})

log = structlog.get_logger("sarhad.edge")


class Answer:
    """What the application sends, kept until it is complete."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115
        self.size = 0
        self._digest = hashlib.sha256()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = [(name.lower(), value) for name, value in message["headers"]]
        elif message["type"] == "http.response.body":
            chunk = message.get("body", b"")
            self.size += len(chunk)
            self._digest.update(chunk)
            self.body.write(chunk)

    @property
    def digest(self) -> bytes:
        return self._digest.digest()

    def chunks(self) -> Iterator[bytes]:
        self.body.seek(0)
        while chunk := self.body.read(_CHUNK):
            yield chunk


class Edge:
    """ASGI middleware around everything, error pages included."""

    def __init__(self, app: ASGIApp, settings: Settings, key: Callable[[], ServiceKey]) -> None:
        self._app = app
        self._origin = settings.origin
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        answer = await self._answer(scope, receive)
        headers = self._headers(scope, answer)
        _record(scope, answer, perf_counter() - started)
        with answer.body:
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            for chunk in answer.chunks():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        answer = Answer()
        try:
            await self._app(scope, receive, answer.send)
        except Exception as error:
            answer.body.close()
            return await _failed(scope, receive, error)
        return answer

    def _headers(self, scope: Scope, answer: Answer) -> list[tuple[bytes, bytes]]:
        headers = [(name, value) for name, value in answer.headers if name not in _OUR_OWN]
        present = {name for name, _ in headers}
        headers += [(name, value) for name, value in _SECURITY if name not in present]
        covered = {name.decode(): value.decode("latin-1") for name, value in headers if name == b"content-type"}
        if answer.status not in _BODILESS:
            headers.append((b"content-length", str(answer.size).encode()))
            covered["content-digest"] = content_digest(answer.digest)
        request = RequestMessage.of(scope, self._origin)
        signed = signature_headers(self._key(), request, answer.status, covered)
        if "content-digest" in covered:
            signed["content-digest"] = covered["content-digest"]
        return headers + [(name.encode(), value.encode("latin-1")) for name, value in signed.items()]


async def _failed(scope: Scope, receive: Receive, error: Exception) -> Answer:
    """An error nobody foresaw: told to the log, never to the caller."""
    problem = UnexpectedError("the error was logged; nothing of this request was kept")
    if _is_outage(error):
        problem = Unavailable("the database cannot be reached")  # type: ignore[assignment]
        log.warning("database unavailable", error=type(error).__name__, route=route_of(scope))
    else:
        log.error("unexpected error", error=type(error).__name__, route=route_of(scope), exc_info=_bare(error))
    answer = Answer()
    await problem_response(problem)(scope, receive, answer.send)
    return answer


def _is_outage(error: Exception) -> bool:
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return isinstance(error, (OperationalError, InterfaceError, PoolTimeout, ConnectionError))


def _bare(error: Exception) -> Any:
    """The traceback without the message: a database message may quote values of a record."""
    return (type(error), Exception("message withheld"), error.__traceback__)


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
