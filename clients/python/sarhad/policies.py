"""Sign a sharing policy: a compact JWS (RFC 7515) over the document, with the agency's record-signing key."""

from collections.abc import Mapping
from typing import Any

import orjson

from sarhad.keys import PrivateKey, b64url

TYPE = "sarhad-policy+jwt"


def sign_policy(key: PrivateKey, document: Mapping[str, Any]) -> str:
    """The document as its officer puts it: header {alg, kid, typ}, payload the JSON document."""
    header = {"alg": key.alg, "kid": key.kid, "typ": TYPE}
    signed = f"{b64url(orjson.dumps(header))}.{b64url(orjson.dumps(document))}"
    return f"{signed}.{b64url(key.sign(signed.encode()))}"
