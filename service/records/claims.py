"""The clear members of a record: what every reader of it may know, and nothing more."""

import re
from binascii import a2b_base64
from typing import Any, Final, NamedTuple

from service.base64url import ALPHABET, TO_STANDARD
from service.records import strict_json
from service.records.refusals import MalformedClaims
from service.records.registry import DIGESTS, HANDLING, KINDS, SCHEMA_VERSION

MAX_VERSION: Final = 10_000

_MEMBERS: Final = {"iss", "jti", "kind", "schema", "ver", "handling", "_sd_alg", "_sd"}
_AGENCY = re.compile(r"[A-Z]{2}-[A-Z0-9]{2,12}")
_UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_DIGEST = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
_LAST_OF_DIGEST = frozenset(b"AEIMQUYcgkosw048")


class Claims(NamedTuple):
    """`digests` are the signed hashes, decoys among them; `prev` is set exactly when `ver` > 1."""

    iss: str
    jti: str
    kind: str
    schema: int
    ver: int
    prev: str | None
    handling: str
    digests: frozenset[bytes]


def read_claims(raw: bytes) -> tuple[Claims, dict[str, Any]]:
    """The claims of a payload, and its members as they stand. Raises MalformedClaims."""
    try:
        (payload,) = strict_json.read_each([raw], typed=True)
    except ValueError as error:
        raise MalformedClaims(f"The payload is {error}.", pointer="/payload") from None
    _expect_members(payload)
    match payload:
        case {"iss": str(iss)} if _AGENCY.fullmatch(iss):
            pass
        case _:
            raise _fault("iss", "an agency code such as KZ-CUS")
    if not isinstance(payload["jti"], str) or not _UUID4.fullmatch(payload["jti"]):
        raise _fault("jti", "a random UUID (version 4) in lower case; a time-ordered one would tell when")
    if payload["kind"] not in KINDS:
        raise _fault("kind", "one of " + ", ".join(KINDS))
    if type(payload["schema"]) is not int or payload["schema"] != SCHEMA_VERSION:
        raise _fault("schema", f"the integer {SCHEMA_VERSION}")
    if payload["handling"] not in HANDLING:
        raise _fault("handling", "a TLP 2.0 label: " + ", ".join(HANDLING))
    if payload["_sd_alg"] != "sha-256":
        raise _fault("_sd_alg", "sha-256")
    return (
        Claims(
            iss=iss,
            jti=payload["jti"],
            kind=payload["kind"],
            schema=payload["schema"],
            ver=_read_version(payload),
            prev=payload.get("prev"),
            handling=payload["handling"],
            digests=_read_digests(payload["_sd"]),
        ),
        payload,
    )


def _expect_members(payload: object) -> None:
    if not isinstance(payload, dict):
        raise MalformedClaims("The payload is an object.", pointer="/payload")
    names = payload.keys() - {"prev"}
    if missing := sorted(_MEMBERS - names):
        raise MalformedClaims(f"The member {missing[0]} is missing.", pointer="/payload")
    if unknown := sorted(names - _MEMBERS):
        raise MalformedClaims(
            "Only facets may say more, and they are disclosed one by one.",
            pointer=f"/payload/{unknown[0][:80]}",
        )


def _read_version(payload: dict[str, Any]) -> int:
    version = payload["ver"]
    if type(version) is not int or not 1 <= version <= MAX_VERSION:
        raise _fault("ver", f"an integer from 1 to {MAX_VERSION}")
    if version == 1:
        if "prev" in payload:
            raise _fault("prev", "absent in a first version")
        if payload["kind"] == "retraction":
            raise _fault("ver", "2 or more in a retraction: it replaces a version")
    elif not isinstance(payload.get("prev"), str) or not _DIGEST.fullmatch(payload["prev"]):
        raise _fault("prev", "the base64url SHA-256 of the version that this one replaces")
    return version


def _read_digests(digests: Any) -> frozenset[bytes]:
    if not isinstance(digests, list) or len(digests) != DIGESTS or set(map(type, digests)) != {str}:
        raise _fault("_sd", f"{DIGESTS} digests; decoys fill the places of absent facets")
    # 43 characters and an A are whole groups of four, so all decode at once, to 32 bytes and a zero each.
    together = ("A".join(digests) + "A").encode()
    if set(map(len, digests)) != {43} or together.translate(None, ALPHABET):
        raise _fault("_sd", "base64url SHA-256 digests")
    if not _LAST_OF_DIGEST.issuperset(together[42::44]):
        raise _fault("_sd", "digests in the canonical spelling of base64url")
    if len(set(digests)) != DIGESTS or digests != sorted(digests):
        raise _fault("_sd", "distinct and in ascending order, so that their order tells nothing")
    raw = a2b_base64(together.translate(TO_STANDARD))
    return frozenset([raw[start : start + 32] for start in range(0, 33 * DIGESTS, 33)])


def _fault(member: str, expected: str) -> MalformedClaims:
    return MalformedClaims(f"Expected {expected}.", pointer=f"/payload/{member}", expected=expected)
