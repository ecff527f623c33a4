"""Unsigned, everything that the interface describes is refused with 401, but for the public list."""

import json

import httpx

from service.cli.contract import SCHEMAS
from tests.exchange import Exchange

PUBLIC = {"/.well-known/http-message-signatures-directory", "/v1/service"}


def test_every_operation_wants_a_signature(exchange: Exchange) -> None:
    document = json.loads((SCHEMAS / "openapi.json").read_text(encoding="utf-8"))
    values = {"log": "records", "level": "0", "name": "000", "country": "KZ", "code": "HEROIN"}
    asked = 0
    for path, operations in document["paths"].items():
        target = path
        for name in ("log", "level", "name", "country", "code"):
            target = target.replace("{" + name + "}", values[name])
        target = target.replace("{record_id}", "8b1c1f0a-6d0e-4f7b-9a52-0f6e6a2f6f00")
        target = target.replace("{id}", "8b1c1f0a-6d0e-4f7b-9a52-0f6e6a2f6f00").replace("{kid}", "A" * 43)
        for method in operations:
            reply = httpx.request(method, exchange.settings.origin + target)
            asked += 1
            if path in PUBLIC:
                assert reply.status_code == 200, path
            else:
                assert (reply.status_code, reply.json()["type"]) == (401, "/problems/signature-refused"), path
                assert reply.headers["content-type"] == "application/problem+json"
    assert asked >= 25
