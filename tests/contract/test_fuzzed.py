"""Requests made up from the interface's description, then signed: no error, no answer outside the contract."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings, strategies
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from service.cli.contract import documents
from service.settings import Settings
from tests.exchange import Exchange, Region
from tests.signing.wire import send, sign

EXAMPLES = 8  # a call of each of some thirty operations, several ways
OFFICERS = ("KZ-CUS", "KZ-DCA/admin1", "KZ-DCA/policy", "KZ-DCA")


@schemathesis.serializer("application/sd-jwt", "application/x-ndjson", "application/jose")
def text(_context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


schema = schemathesis.openapi.from_dict(documents()["openapi.json"])
# Each is a test with a name of its own: of tests that share one, workers run the first alone.
OPERATIONS = {result.ok().label: result.ok() for result in schema.get_all_operations()}


@pytest.fixture(scope="module")
def exchange(apart: tuple[Settings, Region]) -> Iterator[Exchange]:
    """One of its own: officers whose requests are made up suspend, enrol and end what others rely on."""
    running = Exchange.start(*apart)
    yield running
    running.stop()


def answer(exchange: Exchange, case: Any, name: str) -> httpx.Response:
    """The case as it would go onto the wire, signed by the profile called `name`."""
    origin = exchange.settings.origin
    prepared = httpx.Request(**_plain(case, origin))
    body = prepared.read() or (b"" if case.method.upper() in {"POST", "PUT"} else None)
    parts = urlsplit(str(prepared.url))
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    key = exchange.region.profiles[name].load_request_key()
    kind = prepared.headers.get("content-type", "application/json")
    reply = send(origin, sign(key, origin, case.method.upper(), target, body, content_type=kind, purpose="operational"))
    response = httpx.Response(reply.status, headers=reply.lines, content=reply.body, request=prepared)
    response.elapsed = timedelta(0)
    return response


def _plain(case: Any, origin: str) -> dict[str, Any]:
    given = case.as_transport_kwargs(base_url=origin)
    wanted = ("method", "url", "params", "headers", "json", "data", "content")
    plain = {name: given[name] for name in wanted if given.get(name) is not None}
    plain["headers"] = {
        name: value for name, value in dict(plain.get("headers") or {}).items() if name.lower() == "content-type"
    }
    if isinstance(plain.get("data"), (bytes, str)):
        plain["content"] = plain.pop("data")
    return plain


@pytest.mark.parametrize("operation", OPERATIONS)
@given(data=strategies.data())
@settings(
    max_examples=EXAMPLES, deadline=None, phases=[Phase.generate], derandomize=True,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
def test_no_answer_outside_the_contract(operation: str, data: Any, exchange: Exchange) -> None:
    case = data.draw(OPERATIONS[operation].as_strategy())
    for name in OFFICERS:
        response = schemathesis.Response.from_httpx(answer(exchange, case, name), verify=False)
        case.validate_response(
            response,
            checks=[
                not_a_server_error, status_code_conformance, content_type_conformance,
                response_schema_conformance,
            ],
        )  # fmt: skip
