"""Writes vectors.json: signed requests and a signed answer with fixed keys and times, for any client.

Run from the root of the repository: `python -m schemas.signing.generate`. A test checks that the committed
file verifies, and that nothing in it may change.
"""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner
from http_message_signatures.algorithms import ECDSA_P256_SHA256, ED25519

from service.signing import RequestMessage, ServiceKey, content_digest, jwk_of, signature_headers, thumbprint

FILE = Path(__file__).with_name("vectors.json")
ORIGIN = "https://exchange.example"
CREATED = 1_780_000_000  # 2026-05-28T20:26:40Z
NONCE = "Zm91cnRlZW4taHVuZHJlZC1ieXRlcw"

_SECRET = {"EdDSA": bytes(range(32)), "ES256": bytes(range(1, 33))}
_SERVICE = ServiceKey(Ed25519PrivateKey.from_private_bytes(bytes(range(2, 34))))


class _Request:
    def __init__(self, method: str, url: str, headers: dict[str, str]) -> None:
        self.method, self.url, self.headers = method, url, headers


def vectors() -> dict[str, Any]:
    """The whole document."""
    post = _request("EdDSA", "POST", "/v1/changes", '{"change":{"name":"Душанбе"}}')
    return {
        "comment": "Keys are published on purpose: never use them. ES256 signatures vary; verify them.",
        "origin": ORIGIN,
        "requests": [
            post,
            _request("EdDSA", "GET", "/v1/seizures?substance=heroin&x=%2B", None, 'operational;case="KZ-1"'),
            _request("ES256", "GET", "/v1/keys", None),
        ],
        "responses": [_response(post, 201, '{"state":"proposed"}')],
    }


def _request(alg: str, method: str, target: str, body: str | None, purpose: str | None = None) -> dict[str, Any]:
    key: Any = Ed25519PrivateKey.from_private_bytes(_SECRET[alg])
    if alg == "ES256":
        key = ec.derive_private_key(int.from_bytes(_SECRET[alg], "big"), ec.SECP256R1())
    headers = {"host": "exchange.example"}
    covered = ["@method", "@authority", "@target-uri"]
    if body is not None:
        digest = content_digest(hashlib.sha256(body.encode()).digest())
        headers |= {"content-type": "application/json", "content-digest": digest}
        covered += ["content-type", "content-digest"]
    if purpose is not None:
        headers["sarhad-purpose"] = purpose
        covered.append("sarhad-purpose")
    jwk = jwk_of(key.public_key())
    algorithm = ED25519 if alg == "EdDSA" else ECDSA_P256_SHA256
    prepared = HTTPMessageSigner(signature_algorithm=algorithm).prepare(
        _Request(method, ORIGIN + target, headers),
        key_id=thumbprint(jwk),
        created=datetime.fromtimestamp(CREATED, UTC),
        expires=datetime.fromtimestamp(CREATED + 300, UTC),
        nonce=NONCE,
        tag="sarhad-1",
        covered_component_ids=covered,
        use_existing_digest=body is not None,
    )
    message = _Request(method, ORIGIN + target, dict(headers))
    signer = HTTPMessageSigner(signature_algorithm=algorithm)
    signature = algorithm(private_key=key).sign(prepared.signature_base)
    labelled = type(prepared)(prepared.signature_base, prepared.signature_params, "sig", prepared.algorithm_id)
    signer.apply(message, labelled, signature)
    return {
        "method": method,
        "target": target,
        "body": body,
        "alg": alg,
        "public_jwk": jwk,
        "private_hex": _SECRET[alg].hex(),
        "signature_base": prepared.signature_base.decode(),
        "headers": {name.lower(): value for name, value in message.headers.items()},
    }


def _response(request: dict[str, Any], status: int, body: str) -> dict[str, Any]:
    raw = [(name.encode(), value.encode()) for name, value in request["headers"].items()]
    asked = RequestMessage.of(
        {"method": request["method"], "path": request["target"], "headers": raw, "query_string": b""}, ORIGIN
    )
    digest = content_digest(hashlib.sha256(body.encode()).digest())
    headers = {"content-type": "application/json", "content-digest": digest}
    headers |= signature_headers(_SERVICE, asked, status, headers, now=CREATED + 1)
    return {"request": 0, "status": status, "body": body, "public_jwk": _SERVICE.jwk, "headers": headers}


if __name__ == "__main__":
    FILE.write_text(json.dumps(vectors(), ensure_ascii=False, indent=1) + "\n")
