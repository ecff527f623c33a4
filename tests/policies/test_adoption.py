"""The body of a policy is one spelling of one signature, and its adoption can be shown to be in the log."""

import base64
import hashlib
import json

from sarhad.policies import sign_policy
from sqlalchemy import Engine, text

from tests.exchange import Exchange
from tests.signing.wire import Reply, send, sign

OFFICER = "RU-DCA/policy"


def _put(exchange: Exchange, body: bytes) -> Reply:
    key, origin = exchange.region.profiles[OFFICER].load_request_key(), exchange.settings.origin
    return send(origin, sign(key, origin, "PUT", "/v1/policies/RU", body, content_type="application/jose"))


def _signed(exchange: Exchange, version: int) -> str:
    document = {"policy": "sarhad-policy/1", "country": "RU", "version": version, "rules": []}
    return sign_policy(exchange.region.profiles[OFFICER].load_record_key(), document)


def test_characters_beside_the_signature_are_refused(exchange: Exchange) -> None:
    for junk in ("\0", "\n", "é", "="):
        refused = _put(exchange, (_signed(exchange, 1) + junk).encode())
        assert (refused.status, refused.problem) == (422, "policy-signature-invalid")


def test_the_leaf_of_an_adoption_opens(exchange: Exchange, superuser: Engine) -> None:
    client = exchange.client(OFFICER, None)
    exchange.adopt("RU")
    signed = client.get_policy("RU")["signed"]
    with superuser.connect() as connection:
        events = connection.execute(text("SELECT document, salt, leaf_hash FROM core.governance_event")).all()
    event = next(e for e in events if json.loads(e.document)["act"] == "adopt-policy" and '"RU"' in e.document)
    digest = base64.urlsafe_b64encode(hashlib.sha256(signed.encode()).digest()).decode().rstrip("=")
    assert json.loads(event.document)["digest"] == digest
    entry = hashlib.sha256(event.salt + hashlib.sha256(event.document.encode()).digest()).digest()
    assert hashlib.sha256(b"\0" + entry).digest() == event.leaf_hash
