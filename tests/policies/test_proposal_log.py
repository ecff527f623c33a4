"""The body of a policy is one spelling of one signature, and every step of its life can be shown to be in the log."""

import base64
import hashlib
import json
from typing import Any

from sarhad.policies import sign_policy
from sqlalchemy import Engine, text

from tests.exchange import Exchange
from tests.signing.wire import Reply, send, sign

OFFICER = "RU-DCA/policy"


def _post(exchange: Exchange, body: bytes) -> Reply:
    key, origin = exchange.region.profiles[OFFICER].load_request_key(), exchange.settings.origin
    return send(origin, sign(key, origin, "POST", "/v1/policies/RU/proposals", body, content_type="application/jose"))


def _document(exchange: Exchange) -> dict[str, Any]:
    version = exchange.client(OFFICER, None).get_policy("RU")["latest"] + 1
    return {"policy": "sarhad-policy/1", "country": "RU", "version": version, "rules": []}


def test_characters_beside_the_signature_are_refused(exchange: Exchange) -> None:
    signed = sign_policy(exchange.region.profiles[OFFICER].load_record_key(), _document(exchange))
    for junk in ("\0", "\n", "é", "="):
        refused = _post(exchange, (signed + junk).encode())
        assert (refused.status, refused.problem) == (422, "policy-signature-invalid")


def test_the_leaf_of_every_step_opens(exchange: Exchange, superuser: Engine) -> None:
    document = _document(exchange)
    signed = exchange.propose(document)
    exchange.approve("RU", document["version"], signed)
    withdrawn = exchange.propose({**document, "version": document["version"] + 1})
    exchange.client(OFFICER, None).reject_policy("RU", document["version"] + 1, "thought better of")
    with superuser.connect() as connection:
        events = connection.execute(text("SELECT document, salt, leaf_hash FROM core.governance_event")).all()
    told = [(json.loads(event.document), event) for event in events]
    acts = {
        (fact["act"], fact["version"]): fact["digest"]
        for fact, event in told
        if fact.get("country") == "RU" and fact.get("layer") == "national" and _opens(event)
    }
    number = document["version"]
    assert acts["propose-policy", number] == acts["approve-policy", number] == _sha256(signed)
    told_of = {one["version"]: one["sha256"] for one in exchange.client(OFFICER, None).get_policy("RU")["history"]}
    assert told_of[number] == _sha256(signed), "as the approval and the log say it"
    assert acts["propose-policy", number + 1] == acts["withdraw-policy", number + 1] == _sha256(withdrawn)


def _opens(event: Any) -> bool:
    entry = hashlib.sha256(event.salt + hashlib.sha256(event.document.encode()).digest()).digest()
    return bool(hashlib.sha256(b"\0" + entry).digest() == event.leaf_hash)


def _sha256(signed: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(signed.encode()).digest()).decode().rstrip("=")
