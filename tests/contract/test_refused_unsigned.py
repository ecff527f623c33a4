"""Unsigned, everything that the interface describes is refused with 401, but for the public list."""

import json
import re

from service.cli.contract import SCHEMAS
from tests.exchange import Exchange

PUBLIC = {"/.well-known/http-message-signatures-directory", "/v1/service", "/v1/console"}
SIGN_IN = "/v1/sign-in/"  # where nobody is known yet
# Public if the operator turns them on, and otherwise not there.
PUBLIC_TIER = {
    "/public/releases",
    "/public/releases/{name}/{version}",
    "/public/releases/{name}/{version}/figures.csv",
}


def test_no_parameter_of_any_operation_has_a_nul(exchange: Exchange) -> None:
    """PostgreSQL holds no NUL in text: what takes a parameter for text would fail on it."""
    document = json.loads((SCHEMAS / "openapi.json").read_text(encoding="utf-8"))
    asked = 0
    for path, operations in document["paths"].items():
        steps = [(path.partition("{")[2].partition("}")[0], "path"), ("q", "query")]
        for name, place in steps if "{" in path else steps[1:]:
            target = path if place == "query" else path.replace("{" + name + "}", "a%00b", 1)
            target = re.sub(r"\{\w+\}", "x", target)
            for method in operations:
                reply = exchange.anyone.request(method, target, params={"q": "a\0b"})
                asked += 1
                told = reply.json()
                assert (reply.status_code, told["type"]) == (422, "/problems/invalid-request"), path
                assert {"parameter": name, "in": place} in [
                    {"parameter": fault["parameter"], "in": fault["in"]} for fault in told["errors"]
                ]
    assert asked > len(document["paths"])


def test_every_operation_wants_a_signature(exchange: Exchange) -> None:
    document = json.loads((SCHEMAS / "openapi.json").read_text(encoding="utf-8"))
    values = {"log": "records", "level": "0", "name": "000", "owner": "KZ", "version": "1", "code": "HEROIN"}
    nowhere = exchange.anyone.get("/nowhere").json()
    asked = 0
    for path, operations in document["paths"].items():
        target = path
        for name, value in values.items():
            target = target.replace("{" + name + "}", value)
        target = target.replace("{record_id}", "8b1c1f0a-6d0e-4f7b-9a52-0f6e6a2f6f00")
        target = (
            target.replace("{id}", "8b1c1f0a-6d0e-4f7b-9a52-0f6e6a2f6f00")
            .replace("{kid}", "A" * 43)
            .replace("{country}", "TJ")
        )
        for method in operations:
            reply = exchange.anyone.request(method, target)
            asked += 1
            if path in PUBLIC_TIER:
                assert (reply.status_code, reply.json()) == (404, nowhere), path
            elif path.startswith(SIGN_IN):
                assert reply.status_code == 415, path  # it wants a body
            elif path in PUBLIC:
                assert reply.status_code == 200, path
            else:
                assert (reply.status_code, reply.json()["type"]) == (401, "/problems/signature-refused"), path
                assert reply.headers["content-type"] == "application/problem+json"
    assert asked >= 25
