"""The enrolment of a key, as a key administrator proposes it: the public key, and its proof of possession."""

from collections.abc import Sequence
from typing import Any

import orjson

from sarhad.keys import PrivateKey, b64url

TYPE = "sarhad-key-proof+jwt"


def enrolment(agency: str, use: str, key: PrivateKey, roles: Sequence[str] = ()) -> dict[str, Any]:
    """The change document `enrol-key`: `proof` is a compact JWS (RFC 7515) by the key over its agency and use."""
    return {
        "kind": "enrol-key",
        "agency": agency,
        "use": use,
        "jwk": {**key.public.jwk, "kid": key.kid, "alg": key.alg},
        "roles": list(roles),
        "proof": possession(agency, use, key),
    }


def possession(agency: str, use: str, key: PrivateKey) -> str:
    """The proof alone."""
    header = {"alg": key.alg, "kid": key.kid, "typ": TYPE}
    signed = f"{b64url(orjson.dumps(header))}.{b64url(orjson.dumps({'agency': agency, 'use': use, 'kid': key.kid}))}"
    return f"{signed}.{b64url(key.sign(signed.encode()))}"
