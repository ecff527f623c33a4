"""A key administrator of Tajikistan, an officer of its border guard, and browsers."""

import json
import secrets
from typing import Any

import httpx
import pytest
from sarhad import PrivateKey
from sarhad.keys import b64url

from tests.exchange import Exchange
from tests.signin.authenticator import Authenticator
from tests.signing.wire import Reply, send, sign


class Browser:
    """What the console does to sign in: keys of its own, and an authenticator."""

    def __init__(self, exchange: Exchange) -> None:
        self.origin = exchange.settings.console
        self.passkey = Authenticator(self.origin)
        self.renew()

    def post(self, path: str, **document: Any) -> httpx.Response:
        return httpx.post(f"{self.origin}/v1/sign-in/{path}", json=document)

    def enrol(self, code: str) -> httpx.Response:
        begun = self.post("enrolments", code=code)
        if begun.status_code != 200:
            return begun
        asked = begun.json()
        return self.post(
            "passkeys", code=code, ticket=asked["ticket"], credential=self.passkey.create(asked["options"])
        )

    def keys(self) -> dict[str, Any]:
        return {"requests": self.requests.public.jwk, "records": self.records.public.jwk}

    def challenge(self) -> dict[str, Any]:
        document: dict[str, Any] = self.post("challenges", **self.keys()).raise_for_status().json()
        return document

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        proofs = [
            proof(key, ticket=asked["ticket"], use=use, kid=key.kid)
            for key, use in ((self.requests, "request-signing"), (self.records, "record-signing"))
        ]
        return self.keys() | {
            "ticket": asked["ticket"],
            "credential": self.passkey.get(asked["options"]),
            "proofs": proofs,
        }

    def sign_in(self) -> httpx.Response:
        return self.post("sessions", **self.answer(self.challenge()))

    def renew(self) -> None:
        """New keys, as the page makes them for every session."""
        self.requests, self.records = PrivateKey.generate("p256"), PrivateKey.generate("p256")

    def ask(self, method: str, target: str, document: Any = None, purpose: str | None = None) -> Reply:
        """A call signed by this browser, at the console's origin."""
        return call(self.origin, self.requests, method, target, document, purpose)


def call(
    origin: str, key: PrivateKey, method: str, target: str, document: Any = None, purpose: str | None = None
) -> Reply:
    body = None if document is None else json.dumps(document).encode()
    return send(origin, sign(key, origin, method, target, body, purpose=purpose))


def proof(key: PrivateKey, **claims: str) -> str:
    """A compact JWS (RFC 7515) by the key over what it claims."""
    header = {"alg": key.alg, "kid": key.kid, "typ": "sarhad-key-proof+jwt"}
    signing = ".".join(b64url(json.dumps(part).encode()) for part in (header, claims))
    return f"{signing}.{b64url(key.sign(signing.encode()))}"


@pytest.fixture
def code(exchange: Exchange) -> str:
    """An enrolment code for a new officer of TJ-CUS, added by two administrators."""
    return add_officer(exchange)["code"]


def add_officer(exchange: Exchange, agency: str = "TJ-CUS", roles: tuple[str, ...] = ("reporter",)) -> dict[str, Any]:
    """The answer with the code, of which each administrator has issued a half, and the id of the officer."""
    handle = f"shift-{secrets.token_hex(6)}"
    origin = exchange.settings.origin
    first, second = (
        exchange.region.profiles[f"{agency[:2]}-DCA/{name}"].load_request_key() for name in ("admin1", "admin2")
    )
    change = {"kind": "add-person", "agency": agency, "handle": handle, "roles": list(roles)}
    proposed = call(origin, first, "POST", "/v1/changes", {"change": change}).json()
    assert call(origin, second, "POST", f"/v1/changes/{proposed['id']}/approval").status == 200
    people = call(origin, first, "GET", "/v1/people?limit=200").json()["items"]
    person = next(one for one in people if one["handle"] == handle)
    first_half, other_half = (
        call(origin, by, "POST", f"/v1/people/{person['id']}/code").json() for by in (first, second)
    )
    return {**first_half, "code": first_half["code"] + "-" + other_half["code"], "id": person["id"]}
