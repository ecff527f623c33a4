"""Proof that whoever enrols a key holds its private half: a compact JWS (RFC 7515) by that key over the enrolment.

Header {alg, kid, typ}, payload {"agency", "use", "kid"}. Without it an agency could enrol another's public key and
claim what that one signed.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

from service.problems import Problem
from service.records import strict_json
from service.signing import jwk_of, public_key, thumbprint

TYPE = "sarhad-key-proof+jwt"
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")  # the library skips over other characters


class PossessionNotProven(Problem):
    """The key to enrol has not signed its own enrolment."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


def prove(agency: str, use: str, jwk: Mapping[str, object], proof: str | None, *, pointer: str = "/proof") -> None:
    """Raises PossessionNotProven unless `proof` is the signature of this very key over its agency and use; BadKey."""
    claims = opened(jwk, proof, pointer=pointer)
    if claims != {"agency": agency, "use": use, "kid": thumbprint(jwk)}:
        raise PossessionNotProven("the proof is for another agency, use or key", pointer=pointer)


def opened(jwk: Mapping[str, object], proof: str | None, *, pointer: str = "/proof") -> Any:
    """What a key claims in a proof that it signed itself. Raises PossessionNotProven, BadKey."""
    key, alg = public_key(jwk)
    bare, kid = jwk_of(key), thumbprint(jwk)
    if proof is None or not _COMPACT.fullmatch(proof):
        raise PossessionNotProven(
            "expected a JWS by the key itself, as `sarhad keys request` makes it", pointer=pointer
        )
    importer = OKPKey if alg == "EdDSA" else ECKey
    try:
        token = jws.deserialize_compact(proof.encode("ascii"), importer.import_key(dict(bare)), algorithms=[alg])
        claims: Any = strict_json.read(token.payload)
    except (JoseError, ValueError, TypeError, Problem):
        raise PossessionNotProven("the signature is not of this key", pointer=pointer) from None
    if token.headers() != {"alg": alg, "kid": kid, "typ": TYPE}:
        raise PossessionNotProven(f'expected the header alg, kid and typ "{TYPE}"', pointer=pointer)
    return claims
