"""JSON that two readers could understand differently is refused, and the refusal says where."""

import json

import pytest
from sarhad import PrivateKey

from service.web.json_reader import InvalidJson, read_json
from tests.exchange import Exchange
from tests.signing.wire import send, sign

PLAIN = b'{"change":{"kind":"add-agency","code":"KZ-J1","type":"BG","name":"%s"}}'

REFUSED = {
    "duplicate member": (b'{"change":{"kind":"a","kind":"b"}}', {"pointer": "/change/kind"}),
    "duplicate deep in a list": (b'{"a":[1,{"b":{"c~/d":1,"c~/d":2}}]}', {"pointer": "/a/1/b/c~0~1d"}),
    "duplicate member, and then no JSON": (b'{"a":1,"a":2} {', {}),
    "duplicate member, and then 5,000 digits": (b'[{"a":1,"a":2},' + b"9" * 5000 + b"]", {}),
    "duplicate member that no text may hold": (b'{"\\ud800":1,"\\ud800":2}', {}),
    "NaN": (b'{"a":NaN}', {}),
    "infinity": (b'{"a":-Infinity}', {}),
    "a number beyond doubles": (b'{"a":1e999}', {}),
    "5,000 digits": (b'{"a":' + b"9" * 5000 + b"}", {}),
    "an integer that a double rounds": (b'{"a":9007199254740993}', {}),
    "lone surrogate": (b'{"a":"\\ud800"}', {"pointer": "/a"}),
    "lone low surrogate in a name": (b'{"\\udc00":1}', {"pointer": ""}),
    "escaped NUL": (b'{"a":["x","y\\u0000"]}', {"pointer": "/a/1"}),
    "raw NUL": (b'{"a":"\x00"}', {"offset": 6}),
    "raw control character": (b'{"a":"\x01"}', {"offset": 6}),
    "byte order mark": (b"\xef\xbb\xbf{}", {"offset": 0}),
    "UTF-16": ('{"a":1}'.encode("utf-16"), {"offset": 0}),
    "UTF-16 without a mark": ('{"a":1}'.encode("utf-16-le"), {"offset": 1}),
    "Latin-1": (b'{"a":"\xe9"}', {"offset": 6}),
    "surrogates as UTF-8": (b'{"a":"\xed\xa0\x80"}', {"offset": 6}),
    "100,000 levels": (b"[" * 100_000 + b"]" * 100_000, {"offset": 64}),
    "65 levels behind a text of brackets": (
        b'{"x":"]]]","a":' + b"[" * 64 + b"]" * 64 + b"}",
        {"offset": 78},
    ),
    "cut off": (b'{"a":', {"offset": 5}),
    "two values": (b"{} {}", {"offset": 3}),
    "a comment": (b"{}//", {"offset": 2}),
    "a trailing comma": (b'{"a":1,}', {}),
    "single quotes": (b"{'a':1}", {"offset": 1}),
    "nothing": (b"", {"offset": 0}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_its_place(name: str) -> None:
    raw, place = REFUSED[name]
    with pytest.raises(InvalidJson) as refused:
        read_json(raw)
    assert refused.value.detail
    assert place.items() <= refused.value.members.items()


@pytest.mark.parametrize(
    "value",
    [
        {"a": ["é", "\U0001f600", "Душанбе"]},
        [],
        "x",
        0,
        -(2**53) + 1,
        1.5,
        True,
        None,
        {"a": {"a": 1}},
        [[[]]] * 40,
    ],
)
def test_read_as_written(value: object) -> None:
    assert read_json(json.dumps(value).encode()) == value
    assert read_json(json.dumps(value, ensure_ascii=False, indent=1).encode()) == value


@pytest.mark.parametrize("name", REFUSED)
def test_over_http_nothing_else_happens(exchange: Exchange, name: str) -> None:
    key: PrivateKey = exchange.region.profiles["KZ-DCA/admin1"].load_request_key()
    origin, (raw, place) = exchange.settings.origin, REFUSED[name]
    reply = send(origin, sign(key, origin, "POST", "/v1/changes", raw))
    assert (reply.status, reply.problem) == (400, "invalid-json")
    assert reply.headers["content-type"] == "application/problem+json"
    assert place.items() <= reply.json().items()


def test_a_body_beyond_the_limit(exchange: Exchange) -> None:
    key = exchange.region.profiles["KZ-DCA/admin1"].load_request_key()
    origin = exchange.settings.origin
    body = PLAIN % (b"x" * exchange.settings.request_max_bytes)
    reply = send(origin, sign(key, origin, "POST", "/v1/changes", body))
    assert (reply.status, reply.problem) == (413, "body-too-large")
    assert reply.json()["limit"] == exchange.settings.request_max_bytes


def test_a_body_of_another_type(exchange: Exchange) -> None:
    key = exchange.region.profiles["KZ-DCA/admin1"].load_request_key()
    origin = exchange.settings.origin
    reply = send(origin, sign(key, origin, "POST", "/v1/changes", PLAIN, content_type="text/csv"))
    assert (reply.status, reply.problem) == (415, "unsupported-media-type")
