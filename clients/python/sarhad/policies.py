"""Sign what policy officers sign: a policy, and the approval of one that another officer proposed.

Both are compact JWS (RFC 7515) made with a record-signing key of the officer's agency. An approval names country,
version and the SHA-256 of the proposal exactly as it was signed, so that it approves these bytes and no others.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from sarhad.keys import PrivateKey, b64url

POLICY, APPROVAL = "sarhad-policy+jwt", "sarhad-approval+jwt"


def sign_policy(key: PrivateKey, document: Mapping[str, Any]) -> str:
    """The document as its officer proposes it: header {alg, kid, typ}, payload the JSON document."""
    return _sign(key, POLICY, document)


def sign_approval(key: PrivateKey, owner: str, version: int, proposal: str) -> str:
    """The approval of `proposal`, the JWS of version `version` of the policy of `owner` (`KZ`, or agency `KZ-CUS`)."""
    agency = {"agency": owner} if len(owner) > 2 else {}
    sha256 = b64url(hashlib.sha256(proposal.encode()).digest())
    approval = {"approves": "sarhad-policy/1", "country": owner[:2], **agency, "version": version, "sha256": sha256}
    return _sign(key, APPROVAL, approval)


def _sign(key: PrivateKey, type_: str, payload: Mapping[str, Any]) -> str:
    header = {"alg": key.alg, "kid": key.kid, "typ": type_}
    signed = f"{b64url(orjson.dumps(header))}.{b64url(orjson.dumps(payload))}"
    return f"{signed}.{b64url(key.sign(signed.encode()))}"
