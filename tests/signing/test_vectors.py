"""The published vectors verify, byte for byte, and stop verifying when anything in them changes."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from sarhad.errors import UnverifiedResponse
from sarhad.keys import PublicKey
from sarhad.signing import verify_response

from schemas.signing.generate import CREATED, FILE, ORIGIN, vectors
from service.signing import DigestReader, Presented, RequestMessage, SignatureRefused, public_key, thumbprint

VECTORS: dict[str, Any] = json.loads(Path(FILE).read_text())
REQUESTS = VECTORS["requests"]


def read(request: dict[str, Any], now: float = CREATED + 10, **changed: Any) -> Presented:
    told = request | changed
    path, _, query = told["target"].partition("?")
    scope = {
        "method": told["method"],
        "raw_path": path.encode(),
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in told["headers"].items()],
    }
    message = RequestMessage.of(scope, ORIGIN)
    message.check(ORIGIN)
    presented = Presented.read(message, now)
    presented.verify(*public_key(told["public_jwk"]))
    return presented


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda r: f"{r['method']}-{r['alg']}")
def test_requests_verify(request_: dict[str, Any]) -> None:
    presented = read(request_)
    assert presented.key_id == thumbprint(request_["public_jwk"])
    if request_["body"] is not None:
        digest = DigestReader(presented.digest_field or "")
        digest.update(request_["body"].encode())
        digest.check()


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda r: f"{r['method']}-{r['alg']}")
def test_changed_requests_do_not(request_: dict[str, Any]) -> None:
    other = next(r for r in REQUESTS if r["public_jwk"] != request_["public_jwk"])
    changes: list[dict[str, Any]] = [
        {"method": "PUT"},
        {"target": request_["target"] + "x"},
        {"public_jwk": other["public_jwk"]},
        {"headers": request_["headers"] | {"signature": other["headers"]["signature"]}},
    ]
    for change in changes:
        with pytest.raises(SignatureRefused):
            read(request_, **change)


@pytest.mark.parametrize(("at", "accepted"), [(-31, False), (-29, True), (0, True), (329, True), (331, False)])
def test_the_window_is_five_minutes_and_half_a_minute_of_skew(at: int, accepted: bool) -> None:
    if accepted:
        read(REQUESTS[0], CREATED + at)
    else:
        with pytest.raises(SignatureRefused):
            read(REQUESTS[0], CREATED + at)


def test_the_answer_verifies_for_its_request_only() -> None:
    answer = VECTORS["responses"][0]
    key = PublicKey.from_jwk(answer["public_jwk"])
    for number, asked in enumerate(REQUESTS):
        request = httpx.Request(asked["method"], ORIGIN + asked["target"], headers=asked["headers"])
        headers = answer["headers"] | {"content-length": str(len(answer["body"]))}
        response = httpx.Response(answer["status"], headers=headers, content=answer["body"], request=request)
        if number == answer["request"]:
            verify_response(response, key)
        else:
            with pytest.raises(UnverifiedResponse):
                verify_response(response, key)


def test_the_committed_file_is_what_the_code_makes() -> None:
    """Signatures with P-256 are randomised, so they are left out of the comparison."""

    def comparable(document: dict[str, Any]) -> dict[str, Any]:
        kept = json.loads(json.dumps(document))
        for request in kept["requests"]:
            if request["alg"] == "ES256":
                del request["headers"]["signature"]
        return dict(kept)

    assert comparable(vectors()) == comparable(VECTORS)
