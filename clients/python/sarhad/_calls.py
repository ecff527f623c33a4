"""Every call of the service as a value: what to send, and how to read the answer. No input or output
happens here.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx
import orjson

from sarhad.errors import ProblemError, UnverifiedResponse
from sarhad.models import Page, Receipt

T = TypeVar("T")
SD_JWT = "application/sd-jwt"
NDJSON = "application/x-ndjson"


@dataclass(frozen=True)
class Call(Generic[T]):
    """One exchange. `repeatable` calls may be tried again after a failure without doing anything twice."""

    method: str
    path: str
    parse: Callable[[httpx.Response], T]
    params: Mapping[str, Any] = field(default_factory=dict)
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True
    public: bool = False


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


def _results(response: httpx.Response) -> list[dict[str, Any]]:
    return list(_object(response)["results"])


def _get(path: str, params: Mapping[str, Any] | None = None) -> Call[dict[str, Any]]:
    return Call("GET", path, _object, params={k: v for k, v in (params or {}).items() if v is not None})


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


def _segment(text: str) -> str:
    return quote(text, safe="")


def service() -> Call[dict[str, Any]]:
    return Call("GET", "/v1/service", _object, public=True)


def submit(record: str) -> Call[Receipt]:
    def parse(response: httpx.Response) -> Receipt:
        return Receipt.of(_object(response), response.status_code)

    # The agency's own reference makes a repetition of the same bytes harmless: it answers 200 with the
    # first receipt.
    return Call("POST", "/v1/seizures", parse, content=record.encode("ascii"), headers={"content-type": SD_JWT})


def search(filters: Mapping[str, Any]) -> Call[Page]:
    def parse(response: httpx.Response) -> Page:
        document = _object(response)
        return Page(items=list(document["items"]), next=document.get("next"), raw=document)

    # `from` is a Python keyword, so callers write `from_`.
    params = {name.rstrip("_"): value for name, value in filters.items() if value is not None}
    return Call("GET", "/v1/seizures", parse, params=params)


def get(record_id: str) -> Call[dict[str, Any]]:
    return _get(f"/v1/seizures/{_segment(record_id)}")


def get_record(record_id: str) -> Call[str]:
    return Call("GET", f"/v1/seizures/{_segment(record_id)}", _text, headers={"accept": SD_JWT})


def versions(record_id: str) -> Call[dict[str, Any]]:
    return _get(f"/v1/seizures/{_segment(record_id)}/versions")


def proof(record_id: str) -> Call[dict[str, Any]]:
    return _get(f"/v1/seizures/{_segment(record_id)}/proof")


def resolve_substances(names: Sequence[str]) -> Call[list[dict[str, Any]]]:
    return _send("POST", "/v1/substances/resolve", {"names": list(names)}, _results)


def resolve_units(names: Sequence[str]) -> Call[list[dict[str, Any]]]:
    return _send("POST", "/v1/units/resolve", {"names": list(names)}, _results)


def resolve_places(queries: Iterable[Mapping[str, str | None]]) -> Call[list[dict[str, Any]]]:
    return _send("POST", "/v1/places/resolve", {"queries": [dict(q) for q in queries]}, _results)


def get_policy(country: str) -> Call[dict[str, Any]]:
    return _get(f"/v1/policies/{_segment(country)}")


def put_policy(country: str, signed: str) -> Call[dict[str, Any]]:
    return Call(
        "PUT",
        f"/v1/policies/{_segment(country)}",
        _object,
        content=signed.encode("ascii"),
        headers={"content-type": "application/jose"},
        repeatable=False,
    )


def changes(params: Mapping[str, Any]) -> Call[dict[str, Any]]:
    return _get("/v1/changes", params)


def propose_change(change: Mapping[str, Any]) -> Call[dict[str, Any]]:
    return _send("POST", "/v1/changes", {"change": dict(change)}, _object, repeatable=False)


def approve_change(change_id: str) -> Call[dict[str, Any]]:
    return _send("POST", f"/v1/changes/{_segment(change_id)}/approval", {}, _object, repeatable=False)


def keys(params: Mapping[str, Any]) -> Call[dict[str, Any]]:
    return _get("/v1/keys", params)


def revoke_key(kid: str, reason: str) -> Call[dict[str, Any]]:
    return _send("POST", f"/v1/keys/{_segment(kid)}/revocation", {"reason": reason}, _object, repeatable=False)


def checkpoint(log: str) -> Call[str]:
    return Call("GET", f"/v1/log/{_segment(log)}/checkpoint", _text)
