"""A call of the service as a value: what to send, and how to read the answer. No input or output happens here.

Each `_…_calls` module builds those of one part of the interface; `_methods` makes them methods of both clients.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx
import orjson

from sarhad.errors import ProblemError, UnverifiedResponse
from sarhad.models import Page

T = TypeVar("T")
SD_JWT = "application/sd-jwt"
NDJSON = "application/x-ndjson"
BYTES = "application/octet-stream"


@dataclass(frozen=True)
class Call(Generic[T]):
    """One exchange. `repeatable` calls may be tried again after a failure without doing anything twice. Reads state
    the client's purpose, and so do `purposeful` calls.
    """

    method: str
    path: str
    parse: Callable[[httpx.Response], T]
    params: Mapping[str, Any] = field(default_factory=dict)
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True
    public: bool = False
    purposeful: bool = False


def read_problem(response: httpx.Response) -> None:
    """Raise ProblemError for a refusal, whatever its form."""
    if response.status_code < 400:
        return
    try:
        document = orjson.loads(response.content)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        document = {"title": f"The service answered with status {response.status_code}."}
    raise ProblemError(document, response.status_code)


def _object(response: httpx.Response) -> dict[str, Any]:
    document = orjson.loads(response.content)
    if not isinstance(document, dict):
        raise UnverifiedResponse("The answer is not a JSON object.")
    return document


def _text(response: httpx.Response) -> str:
    return response.text


def _content(response: httpx.Response) -> bytes:
    return response.content


def _nothing(_: httpx.Response) -> None:
    """An answer without a body."""


def _page(response: httpx.Response) -> Page:
    document = _object(response)
    return Page(items=list(document["items"]), next=document.get("next"), raw=document)


def _named(filters: Mapping[str, Any]) -> dict[str, Any]:
    """`from` is a Python keyword, so callers write `from_`; what is None is not asked."""
    return {name.rstrip("_"): value for name, value in filters.items() if value is not None}


def _get(path: str, params: Mapping[str, Any] | None = None) -> Call[dict[str, Any]]:
    return Call("GET", path, _object, params=_named(params or {}))


def _get_page(path: str, filters: Mapping[str, Any]) -> Call[Page]:
    return Call("GET", path, _page, params=_named(filters))


def _send(
    method: str, path: str, document: object, parse: Callable[[httpx.Response], T], *, repeatable: bool = True
) -> Call[T]:
    return Call(
        method,
        path,
        parse,
        content=orjson.dumps(document),
        headers={"content-type": "application/json"},
        repeatable=repeatable,
    )


def _act(path: str, document: Mapping[str, Any], *, purposeful: bool = False) -> Call[dict[str, Any]]:
    """POST what must not be done twice."""
    return replace(_send("POST", path, document, _object, repeatable=False), purposeful=purposeful)


def _act_signed(path: str, signed: str) -> Call[dict[str, Any]]:
    """POST a document that an officer signed (JWS)."""
    headers = {"content-type": "application/jose"}
    return Call("POST", path, _object, content=signed.encode("ascii"), headers=headers, repeatable=False)


def _segment(text: str) -> str:
    return quote(text, safe="")
