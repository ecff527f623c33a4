"""Whoever signed in approves a policy with the passkey in hand, over this very document."""

import hashlib
import json
from typing import Any

import pytest
from sarhad.keys import b64url
from sarhad.policies import sign_policy

from tests.exchange import Exchange
from tests.signin.conftest import Browser, add_officer
from tests.signing.wire import Reply, send, sign

FORM = "application/jose"


@pytest.fixture(scope="module")
def officers(exchange: Exchange) -> tuple[Browser, Browser, Browser]:
    """Three policy officers of Tajikistan, signed in."""
    signed_in = []
    for _ in range(3):
        browser = Browser(exchange)
        browser.enrol(add_officer(exchange, "TJ-DCA", ("policy_officer",))["code"])
        assert browser.sign_in().status_code == 201
        signed_in.append(browser)
    return signed_in[0], signed_in[1], signed_in[2]


def put(browser: Browser, path: str, signed: str) -> Reply:
    return send(
        browser.origin, sign(browser.requests, browser.origin, "POST", path, signed.encode(), content_type=FORM)
    )


def proposed(browser: Browser) -> tuple[str, str]:
    """(path of the proposal, its digest) of a next version that shares nothing."""
    version = browser.ask("GET", "/v1/policies/TJ").json()["latest"] + 1
    document = {"policy": "sarhad-policy/1", "country": "TJ", "version": version, "rules": []}
    signed = sign_policy(browser.records, document)
    assert put(browser, "/v1/policies/TJ/proposals", signed).status == 201
    return f"/v1/policies/TJ/proposals/{version}", b64url(hashlib.sha256(signed.encode()).digest())


def approve(browser: Browser, path: str, digest: str, passkey: Any = None) -> Reply:
    approval = {
        "approves": "sarhad-policy/1",
        "country": "TJ",
        "version": int(path.rpartition("/")[2]),
        "sha256": digest,
        **({"passkey": passkey} if passkey is not None else {}),
    }
    header = {"alg": browser.records.alg, "kid": browser.records.kid, "typ": "sarhad-approval+jwt"}
    signing = ".".join(b64url(json.dumps(part).encode()) for part in (header, approval))
    return put(browser, f"{path}/approval", f"{signing}.{b64url(browser.records.sign(signing.encode()))}")


def answered(browser: Browser, path: str) -> dict[str, Any]:
    asked = browser.ask("POST", f"{path}/challenge").json()
    return {"ticket": asked["ticket"], "credential": browser.passkey.get(asked["options"])}


def test_an_approval_at_the_console_is_of_the_passkey_over_this_document(
    officers: tuple[Browser, Browser, Browser],
) -> None:
    first, second, third = officers
    path, digest = proposed(first)
    assert first.ask("POST", f"{path}/challenge").problem == "second-officer-required"
    assert approve(second, path, digest).problem == "fresh-passkey-required"
    for unread in ({}, "yes", {"ticket": "zz", "credential": {}}, {"ticket": "00", "credential": []}):
        refused = approve(second, path, digest, unread)
        assert (refused.status, refused.problem) == (403, "fresh-passkey-required"), unread
    assert approve(second, path, digest, answered(third, path)).problem == "passkey-refused", "of another officer"
    signing_in = second.challenge()
    other_use = {"ticket": signing_in["ticket"], "credential": second.passkey.get(signing_in["options"])}
    assert approve(second, path, digest, other_use).problem == "challenge-not-valid", "to sign in is not to approve"

    earlier = answered(second, path)
    rejected = third.ask("POST", f"{path}/rejection", {"reason": "not yet"})
    assert rejected.json()["state"] == "rejected"
    path, digest = proposed(first)
    assert approve(second, path, digest, earlier).problem == "challenge-not-valid", "of another document"
    passkey = answered(second, path)
    assert approve(second, path, digest, passkey).json()["state"] == "in-force"
    kept = second.ask("GET", path.replace("proposals", "versions")).json()
    assert kept["approval"].count(".") == 2, "with the assertion in it"
    assert approve(second, path, digest, passkey).problem == "proposal-decided"
