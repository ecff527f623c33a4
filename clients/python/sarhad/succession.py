"""How the service's key changes: the old one vouches for the new one, and whoever pinned the old one follows.

A statement is a compact JWS (`typ` sarhad-succession+jwt) of the key that goes before; its payload has the `jwk` of the
one that comes after, and from when on that one signs (`nbf`, RFC 7519 §4.1.5). Answers carry the latest in
`sarhad-succession`, `/v1/service` lists all.
"""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from sarhad.errors import ConfigurationError, UnverifiedResponse
from sarhad.keys import BadSignature, PublicKey, b64url_decode

HEADER: Final = "sarhad-succession"
TYPE: Final = "sarhad-succession+jwt"
_MALFORMED: Final = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)


def succeeded(key: PublicKey, statements: Iterable[str]) -> PublicKey:
    """The key to which the statements lead from this one, in their order; with it those that it succeeded.

    Statements of keys that are not trusted say nothing. Raises UnverifiedResponse for a false one of a trusted key.
    """
    for statement in statements:
        try:
            parts = statement.strip().split(".")
            header = json.loads(b64url_decode(parts[0]))
            if len(parts) != 3 or header["typ"] != TYPE or header["kid"] != key.kid:
                continue
            key.verify(b64url_decode(parts[2]), f"{parts[0]}.{parts[1]}".encode())
            said = json.loads(b64url_decode(parts[1]))
            following = replace(PublicKey.from_jwk(said["jwk"]), begins=int(said["nbf"]))
        except (*_MALFORMED, BadSignature, ConfigurationError) as fault:
            raise UnverifiedResponse("What should vouch for the service's new key does not hold.") from fault
        key = replace(following, former=(replace(key, former=(), begins=None), *key.former))
    return key
