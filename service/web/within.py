"""A question asked from within the service: a route answers as it answers anyone, and nothing leaves.

The answer passes no edge: it is neither signed nor counted, and it is the asking route's business what becomes of it.
Whoever shows it to a caller accounts for it, as `InnerAnswer.state["account"]` says.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.types import Message


@dataclass(frozen=True, slots=True)
class InnerAnswer:
    """Status, media type and body as the route gave them, and what it said of the request meanwhile."""

    status: int
    media_type: str
    body: bytes
    state: Mapping[str, Any]


async def ask_within(app: FastAPI, path: str, params: Mapping[str, str], accept: str, **scope: Any) -> InnerAnswer:
    """GET `path` of this application; `scope` is what the caller dependency finds in the ASGI scope."""
    state: dict[str, Any] = {}
    asked = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": quote(path).encode(),
        "query_string": urlencode(params).encode(),
        "headers": [(b"accept", accept.encode("latin-1", "replace"))],
        "server": None,
        "client": None,
        "root_path": "",
        "app": app,
        "state": state,
        **scope,
    }
    started: dict[str, Any] = {}
    body = bytearray()

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            started.update(message)
        else:
            body.extend(message.get("body", b""))

    handlers = dict(app.exception_handlers)
    await ExceptionMiddleware(AsyncExitStackMiddleware(app.router), handlers=handlers)(asked, receive, send)
    headers = {name.lower(): value for name, value in started["headers"]}
    return InnerAnswer(started["status"], headers.get(b"content-type", b"").decode("latin-1"), bytes(body), state)
