"""A record on the wire: an SD-JWT (RFC 9901), taken apart without trust, then verified.

    <header>.<payload>.<signature>~<disclosure>~…~

The narrowest form is accepted: exact members, one spelling of every byte string, one algorithm per key. This
is the hot path of batches, so checks run over many values at once.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from service import base64url
from service.records import strict_json
from service.records.claims import Claims, read_claims
from service.records.refusals import (
    AlgorithmMismatch,
    DuplicateDisclosure,
    MalformedDisclosure,
    MalformedHeader,
    MalformedRecord,
    RecordSignatureInvalid,
    RecordTooLarge,
    UnknownDisclosure,
    UnknownFacet,
)
from service.records.registry import BITS, FACETS

PublicKey = Ed25519PublicKey | EllipticCurvePublicKey

MEDIA_TYPE = "application/sd-jwt"
TYPE = "sarhad-record+sd-jwt"
ALGORITHMS = ("EdDSA", "ES256")
MAX_RECORD_BYTES = 65_536
MAX_JWT_BYTES = 4_096

_ECDSA = ECDSA(SHA256())
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")
_MIN_SALT, _MAX_SALT = 22, 86  # characters: 128 to 512 bits


class Header(NamedTuple):
    alg: str
    kid: str
    typ: str


@dataclass(frozen=True, slots=True)
class Record:
    """A verified record, or the part of it that was disclosed.

    `facets` are the JSON values by facet name, in the order received; `disclosures` the same facets as the
    encoded disclosures that a redacted copy carries; `digest` is SHA-256 over the ASCII bytes of `jwt`.
    """

    header: Header
    claims: Claims
    payload: dict[str, Any]
    facets: dict[str, Any]
    disclosures: dict[str, str]
    digest: bytes
    jwt: str


@dataclass(frozen=True, slots=True)
class UnverifiedRecord:
    """What the bytes claim. Use `kid` and `claims.iss` to find the key, and nothing else before `verify`."""

    header: Header
    claims: Claims
    payload: dict[str, Any]
    jwt: bytes
    signature: bytes
    disclosures: list[bytes]
    standard: list[bytes]  # the disclosures in the standard base64 alphabet, ready to decode

    @property
    def kid(self) -> str:
        return self.header.kid

    @property
    def iss(self) -> str:
        return self.claims.iss

    def verify(self, public_key: PublicKey) -> Record:
        return verify(self, public_key)


def parse(presentation: bytes | str) -> UnverifiedRecord:
    """Takes the compact form apart. Raises MalformedRecord (and its kinds) with a pointer to the fault."""
    if len(presentation) > MAX_RECORD_BYTES:
        raise RecordTooLarge(f"A record has at most {MAX_RECORD_BYTES} bytes.", limit=MAX_RECORD_BYTES)
    try:
        raw = presentation.encode("ascii") if isinstance(presentation, str) else bytes(presentation)
    except UnicodeEncodeError as error:
        raise MalformedRecord(f"Character {error.start} is not ASCII.", pointer="") from None
    jwt, *disclosures = raw.split(b"~")
    # Everything outside the base64url alphabet must be the two dots and the closing tilde of each part.
    if raw.translate(None, base64url.ALPHABET) != b".." + b"~" * len(disclosures) or not disclosures:
        raise MalformedRecord("Expected <header>.<payload>.<signature>~<disclosure>~…~ in base64url.", pointer="")
    if disclosures.pop() or b"" in disclosures:
        raise MalformedRecord("A record ends with ~ and has no empty disclosure and no key binding.", pointer="")
    if len(disclosures) > len(FACETS):
        raise MalformedDisclosure(f"A record has at most {len(FACETS)} disclosures.", pointer="/disclosures")
    if len(jwt) > MAX_JWT_BYTES:
        raise RecordTooLarge(f"The signed part has at most {MAX_JWT_BYTES} bytes.", limit=MAX_JWT_BYTES)
    signed, *standard = raw.translate(base64url.TO_STANDARD).split(b"~")
    header, payload, signature = signed.split(b".")
    claims, members = read_claims(_decode(payload, "/payload"))
    return UnverifiedRecord(
        header=_read_header(header),
        claims=claims,
        payload=members,
        jwt=jwt,
        signature=_decode(signature, "/signature"),
        disclosures=disclosures,
        standard=standard[:-1],
    )


def verify(unverified: UnverifiedRecord, public_key: PublicKey) -> Record:
    """Proves the record against the key its `kid` names, then opens its disclosures.

    Raises RecordSignatureInvalid; UnknownDisclosure for a facet of another record; DuplicateDisclosure,
    UnknownFacet and MalformedDisclosure. Whether the key may sign for `iss` is for the caller to say.
    """
    _verify_signature(unverified, public_key)
    facets = _open(unverified)
    return Record(
        header=unverified.header,
        claims=unverified.claims,
        payload=unverified.payload,
        facets=facets,
        disclosures=dict(zip(facets, [d.decode() for d in unverified.disclosures], strict=True)),
        digest=sha256(unverified.jwt).digest(),
        jwt=unverified.jwt.decode(),
    )


@lru_cache(maxsize=4096)  # an agency's header is the same bytes in every record it signs
def _read_header(encoded: bytes) -> Header:
    try:
        header = strict_json.read(_decode(encoded, "/header"))
    except ValueError as error:
        raise MalformedHeader(f"The header is {error}.", pointer="/header") from None
    if not isinstance(header, dict) or header.keys() != {"alg", "kid", "typ"}:
        raise MalformedHeader("The header has exactly the members alg, kid and typ.", pointer="/header")
    if header["alg"] not in ALGORITHMS:
        raise MalformedHeader("The algorithm is EdDSA or ES256.", pointer="/header/alg")
    if header["typ"] != TYPE:
        raise MalformedHeader(f"The type is {TYPE}.", pointer="/header/typ")
    if not isinstance(header["kid"], str) or not _THUMBPRINT.fullmatch(header["kid"]):
        raise MalformedHeader("The kid is the RFC 7638 thumbprint of the key.", pointer="/header/kid")
    return Header(**header)


def _decode(segment: bytes, pointer: str) -> bytes:
    try:
        return base64url.decode_standard(segment)
    except ValueError as error:
        raise MalformedRecord(f"Base64url: {error}.", pointer=pointer) from None


def _verify_signature(unverified: UnverifiedRecord, key: PublicKey) -> None:
    signed, _, _ = unverified.jwt.rpartition(b".")
    check_signature(key, unverified.header, unverified.signature, signed)


def check_signature(key: PublicKey, header: Header, signature: bytes, signed: bytes) -> None:
    """The signature of a JWS over its signing input. Raises RecordSignatureInvalid and AlgorithmMismatch."""
    if len(signature) != 64:
        raise RecordSignatureInvalid("Both algorithms have signatures of 64 bytes.", pointer="/signature")
    try:
        if isinstance(key, Ed25519PublicKey):
            _expect_algorithm(header, "EdDSA")
            key.verify(signature, signed)
        elif isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
            _expect_algorithm(header, "ES256")
            r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
            key.verify(encode_dss_signature(r, s), signed, _ECDSA)
        else:
            raise AlgorithmMismatch("Records are signed with Ed25519 or P-256 keys.", pointer="/header/kid")
    except InvalidSignature:
        raise RecordSignatureInvalid(
            f"The signature does not verify with key {header.kid}.", pointer="/signature"
        ) from None


def _expect_algorithm(header: Header, algorithm: str) -> None:
    if header.alg != algorithm:
        raise AlgorithmMismatch(f"The key {header.kid} signs with {algorithm}.", pointer="/header/alg")


def _open(unverified: UnverifiedRecord) -> dict[str, Any]:
    """The facets by name, in the order of the disclosures."""
    digests = unverified.claims.digests
    for index, disclosure in enumerate(unverified.disclosures):
        if sha256(disclosure).digest() not in digests:
            raise UnknownDisclosure("Its digest is not among those signed.", pointer=f"/disclosures/{index}")
    facets: dict[str, Any] = {}
    salts: set[str] = set()
    for index, disclosure in enumerate(_read_disclosures(unverified.standard)):
        salt, facet, value = _three(disclosure, index)
        if facet not in BITS:
            raise UnknownFacet("Known facets: " + ", ".join(FACETS) + ".", pointer=f"/disclosures/{index}/1")
        if facet in facets:
            raise DuplicateDisclosure(f"The facet {facet} is disclosed twice.", pointer=f"/disclosures/{index}/1")
        if not _MIN_SALT <= len(salt) <= _MAX_SALT:
            raise MalformedDisclosure("A salt has 128 bits or more.", pointer=f"/disclosures/{index}/0")
        facets[facet] = value
        salts.add(salt)
    if len(salts) != len(facets):
        raise MalformedDisclosure("Every disclosure has a salt of its own.", pointer="/disclosures")
    if "".join(salts).encode().translate(None, base64url.ALPHABET):
        raise MalformedDisclosure("A salt is base64url.", pointer="/disclosures")
    return facets


def _three(disclosure: Any, index: int) -> tuple[str, str, Any]:
    if type(disclosure) is list and len(disclosure) == 3:
        salt, facet, value = disclosure
        if type(salt) is str and type(facet) is str:
            return salt, facet, value
    raise MalformedDisclosure("A disclosure is [salt, facet, value].", pointer=f"/disclosures/{index}")


def _read_disclosures(standard: list[bytes]) -> list[Any]:
    try:
        texts = [base64url.decode_standard(segment) for segment in standard]
        opened = strict_json.read_each(texts)
    except ValueError:
        raise _first_fault(standard) from None
    together = b"".join(texts)
    # A reserved name stands in the bytes, or hides behind an escape; only then are the values searched.
    if b'"_sd' in together or b'"..."' in together or b"\\u" in together:
        for index, disclosure in enumerate(opened):
            if _has_reserved_name(disclosure):
                raise MalformedDisclosure("Disclosures inside a facet are not used.", pointer=f"/disclosures/{index}/2")
    return opened


def _first_fault(standard: list[bytes]) -> MalformedDisclosure:
    for index, segment in enumerate(standard):
        try:
            strict_json.read(base64url.decode_standard(segment))
        except ValueError as error:
            return MalformedDisclosure(f"The disclosure is {error}.", pointer=f"/disclosures/{index}")
    return MalformedDisclosure("A disclosure is not strict JSON.", pointer="/disclosures")


def _has_reserved_name(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_has_reserved_name, value))
    if isinstance(value, dict):
        return not value.keys().isdisjoint(("_sd", "_sd_alg", "...")) or any(map(_has_reserved_name, value.values()))
    return False
