"""Agencies that never saw our code: npm libraries sign, are accepted, and verify what the service answers."""

import json
import secrets
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sarhad import PrivateKey

from tests.exchange import Exchange
from tests.identity.enrolment import enrol_now

NODE = Path(__file__).parents[1] / "node"
CLIENTS = pytest.mark.parametrize("client", ["agency_dhensby.mjs", "agency_cloudflare.mjs"])
KINDS = pytest.mark.parametrize(("kind", "alg"), [("ed25519", "ed25519"), ("p256", "ecdsa-p256-sha256")])


def ask(exchange: Exchange, client: str, key: PrivateKey, alg: str, method: str, target: str, **more: str) -> Any:
    """What the client says about one signed exchange; CalledProcessError when it cannot work."""
    pem = key.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    job = {
        "origin": exchange.settings.origin,
        "pem": pem,
        "kid": key.public.kid,
        "alg": alg,
        "method": method,
        "target": target,
        "service": httpx.get(f"{exchange.settings.origin}/v1/service").json()["keys"][0],
        **more,
    }
    answer = subprocess.run(
        ["node", client],
        cwd=NODE,
        input=json.dumps(job).encode(),
        capture_output=True,
        check=True,
        timeout=60,
    )
    return json.loads(answer.stdout)


@CLIENTS
@KINDS
def test_reads_and_writes_are_signed_and_answers_verified(exchange: Exchange, client: str, kind: Any, alg: str) -> None:
    key = enrol_now(exchange.settings, PrivateKey.generate(kind), "AZ-DCA", ("key_administrator", "analyst"))
    change = {
        "kind": "add-agency",
        "code": f"AZ-{secrets.token_hex(3).upper()}",
        "type": "BG",
        "name": "Bakı №1",
    }
    asked = [
        ask(exchange, client, key, alg, "GET", "/v1/agencies?country=AZ"),
        ask(
            exchange,
            client,
            key,
            alg,
            "POST",
            "/v1/changes",
            body=json.dumps({"change": change}, ensure_ascii=False),
        ),
        ask(exchange, client, key, alg, "GET", "/v1/seizures?limit=1", purpose='operational;case="AZ-1"'),
    ]
    assert [told["status"] for told in asked] == [200, 201, 200]
    assert all(told["verified"] for told in asked)
    assert not any(told["otherStatus"] or told["otherRequest"] for told in asked)
    assert json.loads(asked[1]["body"])["change"]["name"] == "Bakı №1"


@CLIENTS
def test_a_refusal_is_evidence_too(exchange: Exchange, client: str) -> None:
    told = ask(exchange, client, PrivateKey.generate(), "ed25519", "GET", "/v1/keys")
    assert (told["status"], told["verified"]) == (401, True)
    assert json.loads(told["body"])["type"] == "/problems/signature-refused"
