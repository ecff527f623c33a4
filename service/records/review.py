"""The second pair of eyes: a reviewer's signature over all that an analysis says, carried in its `laboratory` facet.

A compact JWS (RFC 7515), header `{alg, kid, typ}`, payload `{iss, jti, ver, content}`. `content` is SHA-256 over

    {"_sd": …, "handling": …, "iss": …, "jti": …, "kind": …, "laboratory": …, "ver": …}

in canonical JSON (RFC 8785), where `_sd` are the record's digests but that of the laboratory facet, ascending, and
`laboratory` is that facet without `review`. The other facets enter as salted digests only, so whoever is given the
laboratory facet alone can verify the review, and learns nothing of what is withheld by trying values against it.
"""

from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final

import orjson

from service import base64url
from service.problems import Problem
from service.records import strict_json
from service.records.refusals import RecordSignatureInvalid
from service.records.sdjwt import ALGORITHMS, Header, PublicKey, Record, check_signature

TYPE: Final = "sarhad-review+jwt"
POINTER: Final = "/laboratory/review"


class ReviewInvalid(Problem):
    """The reviewer's signature is not over this analysis, or not of its one form."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


def content_of(payload: dict[str, Any], laboratory_disclosure: str, laboratory: dict[str, Any]) -> str:
    """What a reviewer signs, base64url: of the record's clear members, its other facets, and this one."""
    own = base64url.encode(sha256(laboratory_disclosure.encode()).digest())
    whole = {
        **{name: payload[name] for name in ("iss", "jti", "kind", "ver", "handling")},
        "_sd": sorted(digest for digest in payload["_sd"] if digest != own),
        "laboratory": {name: value for name, value in laboratory.items() if name != "review"},
    }
    return base64url.encode(sha256(orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)).digest())


def check_review(record: Record, key: PublicKey) -> None:
    """Raises ReviewInvalid unless the review in a verified, whole analysis is of this key and of its content."""
    laboratory = record.facets["laboratory"]
    signed, _, encoded = laboratory["review"].encode().rpartition(b".")
    head, _, body = signed.partition(b".")
    try:
        header = strict_json.read(base64url.decode(head))
        payload = strict_json.read(base64url.decode(body))
        signature = base64url.decode(encoded)
    except ValueError as error:
        raise ReviewInvalid(f"The review is {error}.", pointer=POINTER) from None
    _check_header(header, laboratory["reviewer"])
    content = content_of(record.payload, record.disclosures["laboratory"], laboratory)
    claims = record.claims
    expected = {"iss": claims.iss, "jti": claims.jti, "ver": claims.ver, "content": content}
    if payload != expected:
        raise ReviewInvalid("The review is of other content.", pointer=POINTER, expected=expected)
    try:
        check_signature(key, Header(**header), signature, signed)
    except RecordSignatureInvalid as fault:
        raise ReviewInvalid(fault.detail, pointer=POINTER) from None


def _check_header(header: Any, reviewer: str) -> None:
    match header:
        case {"alg": str(alg), "kid": str(kid), "typ": str(typ)} if len(header) == 3:
            if alg not in ALGORITHMS or typ != TYPE:
                raise ReviewInvalid(f"The type is {TYPE}, the algorithm EdDSA or ES256.", pointer=POINTER)
            if kid != reviewer:
                raise ReviewInvalid("The review is of another key.", pointer=POINTER, expected=reviewer)
        case _:
            raise ReviewInvalid("The header has exactly the members alg, kid and typ.", pointer=POINTER)
